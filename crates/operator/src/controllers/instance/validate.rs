//! Second step, pure: do the spec and what it refers to agree? What comes out needs no further question.

use std::ops::Deref;
use std::time::Duration;

use howdah_crd::{
    Bootstrap, ConditionType, FarewellStage, MastodonInstance, MastodonInstanceSpec, MastodonInstanceStatus, OwnerLink, PowerState, Reason,
    secrets,
};
use howdah_domain::InstanceId;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::conditions;
use super::dereference::{Dereferenced, Rivalry};
use super::import::Import;
use super::names;
use crate::cache::{SecretSeen, Secrets, Snapshot};
use crate::config::{Issuer, NetworkConfig, OperatorConfig, PodProfile};
use crate::digest::Digest;
use crate::provider::{DatabaseServer, ObjectStore};

/// A server's hosts, and what they are served with: all that is left of one that has moved out.
pub struct Site<'a> {
    pub cr: &'a MastodonInstance,
    pub spec: &'a MastodonInstanceSpec,
    pub id: InstanceId,
    /// Also the name of database, role, bucket and S3 user.
    pub namespace: String,
    pub media_domain: String,
    pub ingress_class: &'a str,
    pub issuer: &'a Issuer,
    pub platform_secret: Option<&'a str>,
    platform_domains: &'a [String],
    pub children: &'a Snapshot,
    pub secrets: &'a Secrets,
    pub now: Timestamp,
}

/// Everything the objects are built from: a [`Site`] with what runs there.
pub struct Valid<'a> {
    site: Site<'a>,
    /// Major and minor version.
    pub minor: (u32, u32),
    pub profile: &'a PodProfile,
    pub database: &'a DatabaseServer,
    pub database_ca: Option<DatabaseCa<'a>>,
    pub store: &'a ObjectStore,
    pub network: &'a NetworkConfig,
    pub trusted_proxies: Vec<String>,
    pub redis_image: &'a str,
    /// Image of the gate; `None`: there is none.
    pub notice_image: Option<&'a str>,
    pub farewell_poll: Duration,
    pub identity_has_otp_secret: bool,
    pub smtp_secret: String,
    /// The bundle that the server is loaded from; `None` for a new one.
    pub import: Option<Import<'a>>,
    /// The host at which a rehearsal is looked at; `None`: it is no rehearsal.
    pub rehearsal: Option<&'a str>,
    /// The owner's Secret in the inbox, while the account is still to be made from it. It may be gone where the account
    /// exists already: a server that is taken up again.
    pub owner_secret: Option<String>,
    pub done: Done,
    pub new_link: NewLink,
    pub farewell_wanted: bool,
    /// The token is there: every Rails process has it.
    pub farewell_on: bool,
    /// Until when passes may be made; `None`: none may be made now.
    pub farewell_until: Option<Timestamp>,
    pub farewell_stage: Option<FarewellStage>,
    /// Changes when a run-time Secret is another one.
    pub secrets_digest: String,
    pub secrets_known: bool,
}

/// The authorities that the database server's certificate is verified by, which no image knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseCa<'a> {
    /// The Secret that pods mount.
    pub secret: String,
    pub pem: &'a str,
}

/// Steps that are done once and for all, read from the status (which an earlier pass wrote from what it saw).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub schema: bool,
    pub owner: bool,
    pub configured: bool,
    /// All workloads were ready together, at least once.
    pub up: bool,
}

/// The token of `spec.ownerLink`. That it can't be given is no reason to refuse the spec.
#[derive(Clone, Debug, PartialEq)]
pub enum NewLink {
    /// Not asked for, or given already.
    NotWanted,
    /// Its Secret in the inbox doesn't do.
    Lacks { reason: Reason, message: String },
    Wanted {
        issued: Time,
        /// Its Secret in the inbox.
        from: String,
        /// The copy: another token is another copy, and so another Job.
        secret: String,
    },
}

/// Why a spec is not acted on; what runs goes on running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    pub message: String,
}

impl<'a> Deref for Valid<'a> {
    type Target = Site<'a>;

    fn deref(&self) -> &Site<'a> {
        &self.site
    }
}

impl Valid<'_> {
    /// Nothing of it is to run that could change anything.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.spec.power_state == PowerState::Suspended
    }

    /// What it serves is there: a new server has nothing to be loaded.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.import.as_ref().is_none_or(|it| it.is_loaded)
    }

    /// Nothing of it may get out: it is looked at by few, or what runs may still be what was.
    #[must_use]
    pub fn is_shut_in(&self) -> bool {
        self.rehearsal.is_some() || !self.is_loaded()
    }

    /// Nobody who looks from outside says that the server is still at its address.
    #[must_use]
    pub fn farewell_paused(&self) -> bool {
        self.farewell_wanted && self.farewell_until.is_none()
    }
}

impl<'a> Site<'a> {
    /// Does the platform's wildcard cover this host? A wildcard stands for one label.
    #[must_use]
    pub fn on_platform(&self, host: &str) -> bool {
        self.platform_secret.is_some() && is_below(self.platform_domains, host)
    }

    /// The ClusterIssuer of cert-manager's that certifies this host, where one does.
    #[must_use]
    pub fn cluster_issuer(&self, host: &str) -> Option<&'a str> {
        match self.issuer {
            Issuer::CertManager { cluster_issuer, .. } if !self.on_platform(host) => Some(cluster_issuer),
            Issuer::CertManager { .. } | Issuer::Ca { .. } => None,
        }
    }
}

/// Of what has moved out this is enough: that nothing is there any more which only a server that runs needs is no reason to let go of its media
/// host.
pub fn site<'a>(found: &'a Dereferenced, config: &'a OperatorConfig) -> Result<Site<'a>, Refusal> {
    if let Some(Rivalry { reason, other }) = &found.rivalry {
        return refuse(*reason, format!("{other} has it already"));
    }
    let spec = &found.cr.spec;
    Ok(Site {
        cr: &found.cr,
        spec,
        id: found.id,
        namespace: found.id.resource_name(),
        media_domain: spec.media_domain(),
        ingress_class: &config.ingress_class,
        issuer: &config.certificates.issuer,
        platform_secret: config.certificates.platform_secret.as_deref(),
        platform_domains: &config.platform_domains,
        children: &found.children,
        secrets: &found.secrets,
        now: found.now,
    })
}

pub fn validate<'a>(found: &'a Dereferenced, config: &'a OperatorConfig) -> Result<Valid<'a>, Refusal> {
    let site = site(found, config)?;
    let spec = site.spec;
    let database = found.database.as_ref().ok_or_else(|| refusal(Reason::UnknownDatabaseServer, spec.database.server.clone()))?;
    let store = found.store.as_ref().ok_or_else(|| refusal(Reason::UnknownObjectStore, spec.object_storage.store.clone()))?;
    let profile = config.pod_profiles.get(&spec.placement).ok_or_else(|| refusal(Reason::UnknownPlacement, spec.placement.clone()))?;

    let identity = copy_or_inbox(found.identity.as_ref(), found.secrets.get(names::IDENTITY), &spec.identity_secret_ref.name)?;
    require(identity, &secrets::identity::REQUIRED, &spec.identity_secret_ref.name)?;
    let smtp_secret = smtp(found)?;

    let status = found.cr.status.clone().unwrap_or_default();
    let is_true = |condition| conditions::is_true(&status, condition);
    let import = Import::of(found, config, &status)?;
    // What was done to the rows before says nothing of those that are to come.
    let is_loaded = import.as_ref().is_none_or(|it| it.is_loaded);
    let done = Done {
        schema: is_loaded && is_true(ConditionType::SchemaReady) && status.schema_version.as_ref() == Some(&spec.version),
        // A bundle brings its owner.
        owner: import.is_some() || is_true(ConditionType::OwnerReady),
        configured: is_loaded && is_true(ConditionType::Configured),
        up: status.version.is_some(),
    };
    let farewell_wanted = spec.power_state == PowerState::SelfDestruct;
    let trusted_proxies = config.network.trusted_proxies.clone();
    Ok(Valid {
        site,
        minor: minor(&spec.version),
        profile,
        database,
        database_ca: found
            .database_ca
            .as_deref()
            .map(|pem| DatabaseCa { secret: names::database_ca(Digest::of_bytes(pem.as_bytes())), pem }),
        store,
        network: &config.network,
        trusted_proxies: trusted_proxies.unwrap_or_else(|| config.network.ingress.iter().filter_map(|it| it.cidr.clone()).collect()),
        redis_image: &config.redis_image,
        notice_image: notice_image(spec, config)?,
        farewell_poll: Duration::from_secs(config.farewell_poll_seconds),
        rehearsal: rehearsal(spec, config)?,
        import,
        identity_has_otp_secret: identity.keys.contains(secrets::identity::OTP_SECRET),
        smtp_secret,
        owner_secret: if done.owner && done.configured { None } else { owner(found)? },
        done,
        new_link: if done.configured { new_link(found, &status) } else { NewLink::NotWanted },
        farewell_wanted,
        farewell_on: farewell_wanted && found.secrets.contains_key(names::FAREWELL),
        farewell_until: spec.farewell_allowed_until.as_ref().map(|it| it.0).filter(|it| farewell_wanted && *it > found.now),
        farewell_stage: status.farewell.map(|it| it.stage),
        secrets_digest: secrets_digest(&found.secrets),
        secrets_known: found.secrets_known,
    })
}

/// What writes can't be kept from a server without the gate. One that is suspended is answered for by the ingress then.
fn notice_image<'a>(spec: &MastodonInstanceSpec, config: &'a OperatorConfig) -> Result<Option<&'a str>, Refusal> {
    let image = config.notice_image();
    if image.is_none() && spec.power_state == PowerState::ReadOnly {
        return refuse(Reason::NotConfigured, "noticeImage".to_owned());
    }
    Ok(image)
}

fn is_below(domains: &[String], host: &str) -> bool {
    host.split_once('.').is_some_and(|(_, parent)| domains.iter().any(|it| it == parent))
}

/// Where it is looked at: at once, so under the certificate that is there, and at none of the hosts that another server still has.
fn rehearsal<'a>(spec: &'a MastodonInstanceSpec, config: &OperatorConfig) -> Result<Option<&'a str>, Refusal> {
    if spec.power_state != PowerState::Rehearsal {
        return Ok(None);
    }
    let host = spec.routing.preview_host.as_deref().unwrap_or_default();
    if config.certificates.platform_secret.is_none() || !is_below(&config.platform_domains, host) {
        return refuse(Reason::NotConfigured, format!("previewHost: no wildcard covers `{host}`"));
    }
    if [spec.domain.as_str(), spec.web_domain(), &spec.media_domain()].contains(&host) {
        return refuse(Reason::DomainConflict, format!("previewHost: {host} is the server's own"));
    }
    Ok(Some(host))
}

fn refusal(reason: Reason, message: String) -> Refusal {
    Refusal { reason, message }
}

fn refuse<T>(reason: Reason, message: String) -> Result<T, Refusal> {
    Err(refusal(reason, message))
}

/// The copy in the server's own namespace counts where there is one: it is what runs.
fn copy_or_inbox<'a>(inbox: Option<&'a SecretSeen>, copy: Option<&'a SecretSeen>, name: &str) -> Result<&'a SecretSeen, Refusal> {
    copy.or(inbox).ok_or_else(|| refusal(Reason::SecretNotFound, name.to_owned()))
}

fn require(secret: &SecretSeen, keys: &[&str], name: &str) -> Result<(), Refusal> {
    let lacks = secret.lacks(keys);
    if lacks.is_empty() { Ok(()) } else { refuse(Reason::SecretIncomplete, format!("{name}: {}", lacks.join(", "))) }
}

/// Name of the wanted copy. A relay login that has vanished from the inbox is no reason to take it from a running server.
fn smtp(found: &Dereferenced) -> Result<String, Refusal> {
    let name = &found.cr.spec.smtp_ref.name;
    match &found.smtp {
        Some(seen) => {
            require(seen, &secrets::smtp::REQUIRED, name)?;
            Ok(names::smtp(seen.digest))
        }
        None => found.secrets.keys().find(|it| names::is_smtp(it)).cloned().ok_or_else(|| refusal(Reason::SecretNotFound, name.clone())),
    }
}

fn owner(found: &Dereferenced) -> Result<Option<String>, Refusal> {
    let Bootstrap::New { owner_secret_ref } = &found.cr.spec.bootstrap else { return Ok(None) };
    let Some(seen) = found.owner.as_ref().or(found.secrets.get(names::OWNER)) else { return Ok(None) };
    require(seen, &secrets::owner::REQUIRED, &owner_secret_ref.name)?;
    Ok(Some(owner_secret_ref.name.clone()))
}

/// The server is set up: before that, the bootstrap's own token is on its way.
fn new_link(found: &Dereferenced, status: &MastodonInstanceStatus) -> NewLink {
    let Some(OwnerLink { secret_ref, issued }) = &found.cr.spec.owner_link else { return NewLink::NotWanted };
    if status.owner_link_issued.as_ref() == Some(issued) {
        return NewLink::NotWanted;
    }
    let Some(seen) = &found.owner_link else {
        return NewLink::Lacks { reason: Reason::SecretNotFound, message: secret_ref.name.clone() };
    };
    match require(seen, &secrets::owner::LINK, &secret_ref.name) {
        Ok(()) => NewLink::Wanted { issued: issued.clone(), from: secret_ref.name.clone(), secret: names::owner_link(seen.digest) },
        Err(Refusal { reason, message }) => NewLink::Lacks { reason, message },
    }
}

fn minor(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|it| it.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn secrets_digest(secrets: &Secrets) -> String {
    let names = [names::DATABASE, names::REDIS, names::OBJECT_STORE];
    let digests: Vec<_> = names.iter().map(|name| secrets.get(*name).map(|it| it.digest.hex())).collect();
    Digest::of(&json!(digests)).short()
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
