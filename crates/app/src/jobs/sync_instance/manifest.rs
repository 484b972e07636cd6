//! The whole custom resource and the Secrets of one server, from its row. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use howdah_crd as crd;
use howdah_crd::secrets::{import, owner};
use howdah_crd::{MastodonInstance, MastodonInstanceSpec};
use howdah_db::models::import::Import;
use howdah_db::models::instance::Instance;
use howdah_db::models::move_out::MoveOut;
use howdah_domain::plans::{Process, Resources};
use howdah_domain::{Deletion, Desired, InstanceId};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::ports::cluster::InboxSecret;
use crate::sealed::Variables;

/// Everything that the custom resource is made of.
pub struct Parts<'a> {
    pub instance: &'a Instance,
    pub desired: Desired,
    pub resources: &'a Resources,
    /// A pod profile of the operator's configuration.
    pub placement: &'a str,
    pub database_server: &'a str,
    pub object_store: &'a str,
    /// Its address may be served: it is the platform's, or the customer's own and proven.
    pub is_routed: bool,
    /// Until when the last look from outside is fresh; `None` where it found another server there, or none.
    pub found_here_until: Option<DateTime<Utc>>,
    /// When the owner's new link was made that is on its way.
    pub new_link: Option<DateTime<Utc>>,
    /// Where it is the server of a bundle.
    pub import: Option<&'a Import>,
    /// Where it moves to another host, has moved, or was moving when an operator removed it.
    pub move_out: Option<&'a MoveOut>,
    /// Below which a rehearsal has its host.
    pub platform_domain: Option<&'a str>,
}

/// The names that everything of a server has in the inbox.
pub struct Names {
    pub resource: String,
    pub identity: String,
    pub owner: String,
    pub smtp: String,
    pub bundle_key: String,
}

impl Names {
    /// Each new link's Secret has a name of its own: whoever still sees the spec before it takes none of it for what is done with.
    #[must_use]
    pub fn link(&self, issued_at: DateTime<Utc>) -> String {
        format!("{}-{}-owner", self.resource, issued_at.timestamp())
    }

    #[must_use]
    pub fn of(instance_id: uuid::Uuid) -> Self {
        let resource = InstanceId::from_uuid(instance_id).resource_name();
        Self {
            identity: format!("{resource}-identity"),
            owner: format!("{resource}-owner"),
            smtp: format!("{resource}-smtp"),
            bundle_key: format!("{resource}-key"),
            resource,
        }
    }
}

#[must_use]
pub fn custom_resource(parts: &Parts<'_>) -> MastodonInstance {
    let instance = parts.instance;
    let names = Names::of(instance.id);
    let secret = |name| crd::SecretRef { name };
    let spec = MastodonInstanceSpec {
        id: instance.id.to_string(),
        domain: instance.domain.clone(),
        web_domain: (instance.web_domain != instance.domain).then(|| instance.web_domain.clone()),
        media_domain: Some(instance.media_domain.clone()),
        revision: instance.revision,
        version: instance.version.clone(),
        image: crd::Image { mastodon: instance.image_mastodon.clone(), streaming: instance.image_streaming.clone() },
        resources: resources(parts.resources),
        power_state: power_state(parts),
        farewell_allowed_until: farewell_allowed_until(parts),
        media_redirect: parts.move_out.and_then(|it| it.media_redirect.clone()).filter(|_| has_moved_out(parts)),
        placement: parts.placement.to_owned(),
        owner_link: parts.new_link.and_then(|at| Some(crd::OwnerLink { secret_ref: secret(names.link(at)), issued: seconds(at)? })),
        bootstrap: bootstrap(parts.import, names.owner, names.bundle_key),
        identity_secret_ref: secret(names.identity),
        database: crd::DatabaseSpec { server: parts.database_server.to_owned() },
        object_storage: crd::ObjectStorageSpec { store: parts.object_store.to_owned() },
        routing: routing(parts),
        smtp_ref: secret(names.smtp),
        deletion_policy: crd::DeletionPolicy::Retain,
        teardown: teardown(parts),
    };
    let mut resource = MastodonInstance::new(&names.resource, spec);
    resource.metadata.labels = Some(BTreeMap::from([(crd::labels::INSTANCE.to_owned(), instance.id.to_string())]));
    resource
}

/// A farewell that has begun is never taken back, whatever comes after it.
fn power_state(parts: &Parts<'_>) -> crd::PowerState {
    match parts.desired {
        _ if parts.instance.farewell_began_at.is_some() => crd::PowerState::SelfDestruct,
        _ if parts.import.is_some_and(is_rehearsal) => crd::PowerState::Rehearsal,
        Desired::Deleted { deletion: Deletion::MoveOut, .. } if has_moved_out(parts) => crd::PowerState::MovedOut,
        Desired::Deleted { deletion: Deletion::MoveOut, .. } | Desired::Suspended { .. } => crd::PowerState::Suspended,
        // The other host may run it already: nothing of it starts here again.
        Desired::Deleted { deletion: Deletion::Remove, .. } if parts.move_out.is_some() => crd::PowerState::Suspended,
        Desired::ReadOnly { .. } => crd::PowerState::ReadOnly,
        Desired::Running | Desired::Deleted { deletion: Deletion::Close | Deletion::Remove, .. } => crd::PowerState::Running,
    }
}

/// Its data is destroyed, and its media host stays.
fn has_moved_out(parts: &Parts<'_>) -> bool {
    parts.move_out.is_some_and(|it| it.moved_out_at.is_some())
}

const fn is_rehearsal(import: &Import) -> bool {
    import.accepted_at.is_none()
}

fn bootstrap(import: Option<&Import>, owner: String, key: String) -> crd::Bootstrap {
    match import {
        None => crd::Bootstrap::New { owner_secret_ref: crd::SecretRef { name: owner } },
        Some(import) => crd::Bootstrap::Import(bundle(import, key)),
    }
}

fn bundle(import: &Import, key: String) -> crd::ImportSpec {
    crd::ImportSpec {
        id: import.id.to_string(),
        prefix: import.prefix.clone(),
        manifest_sha256: import.manifest_sha256.clone(),
        key_secret_ref: crd::SecretRef { name: key },
        pass: import.pass,
    }
}

/// What a database is marked with that the wanted pass is loaded into.
#[must_use]
pub fn mark(import: &Import) -> String {
    bundle(import, String::new()).mark()
}

/// A rehearsal is not at the server's own address: that is its old one's still.
fn routing(parts: &Parts<'_>) -> crd::Routing {
    match parts.import.filter(|it| is_rehearsal(it)) {
        Some(import) => crd::Routing { enabled: false, preview_host: parts.platform_domain.map(|it| preview_host(import.id, it)) },
        None => crd::Routing { enabled: parts.is_routed, preview_host: None },
    }
}

/// Nobody guesses it: an import's id has 74 random bits.
#[must_use]
pub fn preview_host(import: uuid::Uuid, platform_domain: &str) -> String {
    format!("preview-{}.{platform_domain}", import.simple())
}

/// Only while it is said, and no longer than the look from outside is fresh that it stands on.
fn farewell_allowed_until(parts: &Parts<'_>) -> Option<Time> {
    let Instance { farewell_began_at, teardown_began_at, .. } = parts.instance;
    let until = parts.found_here_until.filter(|_| farewell_began_at.is_some() && teardown_began_at.is_none())?;
    seconds(until)
}

/// Whole seconds, as Kubernetes keeps them: what is read back is what was written.
fn seconds(time: DateTime<Utc>) -> Option<Time> {
    Timestamp::from_second(time.timestamp()).ok().map(Time)
}

/// Where all of it goes, or all its data.
fn teardown(parts: &Parts<'_>) -> Option<crd::Teardown> {
    let Parts { instance, desired: Desired::Deleted { deletion, .. }, .. } = parts else { return None };
    let kind = match deletion {
        Deletion::MoveOut => crd::TeardownKind::MoveOut,
        Deletion::Close => crd::TeardownKind::Close,
        Deletion::Remove => crd::TeardownKind::Remove,
    };
    let is_confirmed = instance.teardown_began_at.is_some() || has_moved_out(parts);
    is_confirmed.then(|| crd::Teardown { kind, confirm: instance.id.to_string() })
}

/// A plan's numbers.
#[must_use]
pub fn resources(plan: &Resources) -> crd::Resources {
    crd::Resources {
        web: crd::WebResources {
            replicas: plan.web.replicas.into(),
            concurrency: plan.web.concurrency.into(),
            threads: plan.web.threads.into(),
            process: process(&plan.web.process),
        },
        streaming: crd::StreamingResources {
            replicas: plan.streaming.replicas.into(),
            db_pool: plan.streaming.db_pool.into(),
            process: process(&plan.streaming.process),
        },
        sidekiq: crd::SidekiqResources {
            replicas: plan.sidekiq.replicas.into(),
            threads: plan.sidekiq.threads.into(),
            process: process(&plan.sidekiq.process),
        },
        scheduler: crd::SchedulerResources { threads: plan.scheduler.threads.into(), process: process(&plan.scheduler.process) },
        redis: crd::RedisResources { storage: plan.redis.storage.clone(), process: process(&plan.redis.process) },
    }
}

fn process(process: &Process) -> crd::ProcessResources {
    crd::ProcessResources { cpu: process.cpu.clone(), memory: process.memory.clone() }
}

/// What the owner's account, or a new link, is made from; `None` once it was.
pub struct Owner {
    pub username: String,
    pub token: String,
    pub way: Way,
}

/// What an owner's token is for.
pub enum Way {
    Bootstrap { email: String },
    NewLink { issued_at: DateTime<Utc> },
}

/// The inbox's Secrets as they ought to be. The identity can't be changed by anybody, us included.
#[must_use]
pub fn secrets(
    instance_id: uuid::Uuid,
    identity: Variables,
    smtp: Variables,
    owner: Option<Owner>,
    bundle_key: Option<Variables>,
) -> Vec<InboxSecret> {
    let names = Names::of(instance_id);
    let secret = |name: String, variables, immutable| InboxSecret { name, instance: instance_id.to_string(), variables, immutable };
    let mut secrets = vec![secret(names.identity.clone(), identity, true), secret(names.smtp.clone(), smtp, false)];
    if let Some(owner) = owner {
        let name = match &owner.way {
            Way::Bootstrap { .. } => names.owner.clone(),
            Way::NewLink { issued_at } => names.link(*issued_at),
        };
        secrets.push(secret(name, owner.into_variables(), false));
    }
    secrets.extend(bundle_key.map(|it| secret(names.bundle_key.clone(), it, false)));
    secrets
}

impl Owner {
    fn into_variables(self) -> Variables {
        let email = match self.way {
            Way::Bootstrap { email } => Some((owner::EMAIL.to_owned(), email)),
            Way::NewLink { .. } => None,
        };
        let others = [(owner::USERNAME.to_owned(), self.username), (owner::RESET_PASSWORD_TOKEN.to_owned(), self.token)];
        others.into_iter().chain(email).collect()
    }
}

/// What opens a bundle's seal: nothing, where it has none.
#[must_use]
pub fn bundle_key(identity: &str) -> Variables {
    Variables::from([(import::IDENTITY.to_owned(), identity.to_owned())])
}

/// The newest revision that the cluster has.
#[must_use]
pub fn revision_of(found: &MastodonInstance) -> i64 {
    let observed = found.status.as_ref().and_then(|it| it.observed_revision).unwrap_or_default();
    found.spec.revision.max(observed)
}

/// Another writer's revision is ahead of the row's: the record was restored from an older backup.
#[must_use]
pub fn is_ahead(found: &MastodonInstance, revision: i64) -> bool {
    revision_of(found) > revision
}

/// Nothing is to be written.
#[must_use]
pub fn is_as_wanted(found: &MastodonInstance, wanted: &MastodonInstance) -> bool {
    let label = |it: &MastodonInstance| it.metadata.labels.as_ref().and_then(|it| it.get(crd::labels::INSTANCE).cloned());
    found.spec == wanted.spec && label(found) == label(wanted)
}

#[cfg(test)]
mod tests;
