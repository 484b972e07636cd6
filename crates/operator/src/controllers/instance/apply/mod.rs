//! Fourth step: brings what is there to what is wanted, in an order of which each place has its reason, and says how far it
//! came. It waits for nothing: what is not ready yet is left for the pass that its change brings.

pub(in crate::controllers) mod children;
mod farewell;
mod load;
pub(in crate::controllers) mod outside;
mod owner_link;
mod prune;
mod routes;
pub(in crate::controllers) mod s3_user;
pub(in crate::controllers) mod secrets;

use std::collections::BTreeSet;
use std::marker::PhantomData;

use howdah_crd::{Bootstrap, ConditionType, MastodonInstanceSpec, Reason};

pub use children::delete;
pub use load::put_away;
pub use outside::{of_database, read_key, reread};
pub use prune::prune;

use super::build::{Applied, Desired, Front, Jobs, Objects, Prepared};
use super::conditions::{self, Progress};
use super::context::Context;
use super::names;
use super::validate::{NewLink, Valid};
use crate::cache::{Child, ChildKind, Facts, Snapshot};
use crate::error::Error;

/// `None` where the pass had to end early: `progress` says why.
pub async fn apply(
    context: &Context,
    valid: &Valid<'_>,
    prepared: Objects<Prepared>,
    progress: &mut Progress,
) -> Result<Option<Objects<Applied>>, Error> {
    let Objects { namespace, access, guards, secrets, cache, jobs, front, workloads, routes, retry_in, stage: _ } = prepared;

    if valid.is_suspended() {
        // Until this pass has seen it: what an earlier one saw says nothing.
        progress.not(ConditionType::Stopped, Reason::Progressing, String::new());
    }
    // Nothing else has a place without it, and nothing else is allowed without the rights.
    if !home(context, valid, &namespace, &access, progress).await? {
        return Ok(None);
    }
    // Before the first pod: it must not run without its limits and its walls.
    children::ensure_all(context, valid, &guards).await?;
    progress.ready(ConditionType::NamespaceReady);

    // Before what uses them: a pod that misses a Secret waits for its kubelet's next try.
    secrets::ensure(context, valid, &secrets, progress).await?;
    outside::database(context, valid, progress).await?;
    outside::bucket(context, valid, progress).await?;
    if progress.again {
        return Ok(None);
    }

    children::ensure_all(context, valid, &cache).await?;
    let redis: Vec<&Desired> = cache.iter().filter(|it| it.key.kind == ChildKind::StatefulSet).collect();
    progress.set(ConditionType::CacheReady, conditions::workloads(&snapshot(context, valid), &redis));

    bootstrap(context, valid, &jobs, progress).await?;

    // Last: they serve only what is whole.
    if progress.is_ready(ConditionType::Configured) {
        run_workloads(context, valid, &front, &workloads, progress).await?;
        // Nobody is led to a server that never ran: what was served counts as launched, and its name is given to nobody else.
        if valid.done.up || progress.is_ready(ConditionType::WorkloadsReady) {
            routes::ensure(context, valid, &routes, progress).await?;
            secrets::certified(context, valid, progress);
        }
    } else {
        progress.not(ConditionType::WorkloadsReady, Reason::Waiting, String::new());
    }
    if !valid.is_loaded() && progress.is_ready(ConditionType::DataLoaded) {
        // All this was built for a server that has nothing to serve, and may have run all the time: nothing is taken away by it.
        return Ok(None);
    }
    owner_link::owner_link(context, valid, jobs.owner_link.as_ref(), progress).await?;
    farewell::farewell(context, valid, &jobs, progress).await?;
    if let Some(after) = retry_in {
        progress.wake(after);
    }
    Ok(Some(Objects { namespace, access, guards, secrets, cache, jobs, front, workloads, routes, retry_in, stage: PhantomData }))
}

fn snapshot(context: &Context, valid: &Valid<'_>) -> Snapshot {
    context.children.snapshot(valid.id)
}

/// The namespace and the operator's rights in it. False where the pass ends here.
async fn home(context: &Context, valid: &Valid<'_>, namespace: &Desired, access: &Desired, progress: &mut Progress) -> Result<bool, Error> {
    if let Some(Child { facts, owner_uid, .. }) = valid.children.get(&namespace.key) {
        // Another's: one that was deleted a moment ago, and takes its namespace with it.
        let foreign = owner_uid.is_some() && *owner_uid != valid.cr.metadata.uid;
        if foreign || *facts == (Facts::Namespace { terminating: true }) {
            progress.not(ConditionType::NamespaceReady, Reason::NamespaceTerminating, String::new());
            progress.wake(std::time::Duration::from_secs(5));
            return Ok(false);
        }
    }
    children::ensure(context, valid, namespace).await?;
    let written = children::ensure(context, valid, access).await?;
    if written || !valid.secrets_known {
        // With the rights, the next pass reads the namespace's Secrets; until then nothing may be taken for absent.
        progress.again = true;
        progress.not(ConditionType::NamespaceReady, Reason::Progressing, String::new());
        return Ok(false);
    }
    Ok(true)
}

/// Gate, Services, workloads: each leads to what was ready before, and what is led to no longer may stop.
async fn run_workloads(
    context: &Context,
    valid: &Valid<'_>,
    front: &Front,
    workloads: &[Desired],
    progress: &mut Progress,
) -> Result<(), Error> {
    let Front { gate, services, may_stop, retry_in: _ } = front;
    children::ensure_all(context, valid, gate).await?;
    children::ensure_all(context, valid, services).await?;
    children::ensure_all(context, valid, workloads).await?;
    let deployments = |it: &&Desired| it.key.kind == ChildKind::Deployment;
    let all: Vec<&Desired> = gate.iter().chain(workloads).filter(deployments).collect();
    let own: Vec<&Desired> = workloads.iter().filter(deployments).collect();
    let children = snapshot(context, valid);
    progress.set(ConditionType::WorkloadsReady, conditions::workloads(&children, &all));
    if valid.is_suspended() && *may_stop && conditions::is_stopped(&children, &own) {
        progress.ready(ConditionType::Stopped);
    }
    Ok(())
}

/// An import's data, `db:prepare`, the owner's account, the settings: each once what it needs is ready.
async fn bootstrap(context: &Context, valid: &Valid<'_>, jobs: &Jobs, progress: &mut Progress) -> Result<(), Error> {
    let Jobs { loading, db_prepare, owner, configure, owner_link: _, farewell_token: _, farewell_progress: _ } = jobs;
    let has_owner = valid.done.owner || owner.is_some() || adopted(context, valid, progress).await?;
    let needs = [ConditionType::SecretsReady, ConditionType::DatabaseReady, ConditionType::CacheReady, ConditionType::BucketReady];
    let open = has_owner && needs.iter().all(|it| progress.is_ready(*it));
    load::load(context, valid, loading.as_ref(), open, progress).await?;
    let open = open && (valid.import.is_none() || progress.is_ready(ConditionType::DataLoaded));
    run(context, valid, ConditionType::SchemaReady, db_prepare.as_ref(), open, progress).await?;
    let schema = progress.is_ready(ConditionType::SchemaReady);
    if schema {
        progress.schema_version = Some(valid.spec.version.clone());
    }
    if has_owner {
        run(context, valid, ConditionType::OwnerReady, owner.as_ref(), open && schema, progress).await?;
    }
    let open = open && progress.is_ready(ConditionType::OwnerReady);
    run(context, valid, ConditionType::Configured, configure.as_ref(), open, progress).await
}

/// One Job of the bootstrap: not there because it is done, or not yet open, or run and looked at.
async fn run(
    context: &Context,
    valid: &Valid<'_>,
    condition: ConditionType,
    job: Option<&Desired>,
    open: bool,
    progress: &mut Progress,
) -> Result<(), Error> {
    match job {
        None => progress.ready(condition),
        Some(_) if !open => progress.not(condition, Reason::Waiting, String::new()),
        Some(job) => {
            children::ensure(context, valid, job).await?;
            progress.set(condition, conditions::job(&snapshot(context, valid), job));
        }
    }
    Ok(())
}

/// No owner was given: is there one in the database, of a server that is taken up again?
async fn adopted(context: &Context, valid: &Valid<'_>, progress: &mut Progress) -> Result<bool, Error> {
    if !progress.is_ready(ConditionType::DatabaseReady) {
        progress.not(ConditionType::OwnerReady, Reason::Waiting, String::new());
        return Ok(false);
    }
    match outside::has_owner(context, valid, progress).await? {
        Some(true) => {
            progress.ready(ConditionType::OwnerReady);
            return Ok(true);
        }
        Some(false) => {}
        None => return Ok(false),
    }
    // A bundle's server is never asked: it has an owner.
    if let Bootstrap::New { owner_secret_ref } = &valid.spec.bootstrap {
        for condition in [ConditionType::SecretsReady, ConditionType::OwnerReady] {
            progress.not(condition, Reason::SecretNotFound, &owner_secret_ref.name);
        }
    }
    Ok(false)
}

/// After bootstrap nobody needs the owner's name, address and token any more; they are a person's. But for a new link, until it is
/// made.
pub async fn forget_owner(context: &Context, valid: &Valid<'_>) -> Result<(), Error> {
    if valid.done.owner && valid.done.configured && valid.new_link == NewLink::NotWanted {
        for name in owner_secrets(valid.spec) {
            secrets::delete_from_inbox(context, valid.id, name).await?;
        }
    }
    Ok(())
}

/// Names of the inbox's Secrets about the owner.
fn owner_secrets(spec: &MastodonInstanceSpec) -> BTreeSet<&str> {
    let first = match &spec.bootstrap {
        Bootstrap::New { owner_secret_ref } => Some(owner_secret_ref),
        Bootstrap::Import(_) => None,
    };
    let link = spec.owner_link.as_ref().map(|it| &it.secret_ref);
    first.into_iter().chain(link).map(|it| it.name.as_str()).collect()
}

/// Names of all of the inbox's Secrets that are not for ever: about the owner, and what opens a bundle.
pub fn brief_secrets(spec: &MastodonInstanceSpec) -> BTreeSet<&str> {
    let key = match &spec.bootstrap {
        Bootstrap::New { .. } => None,
        Bootstrap::Import(import) => Some(import.key_secret_ref.name.as_str()),
    };
    owner_secrets(spec).into_iter().chain(key).collect()
}

pub use routes::ensure as open_routes;
pub use s3_user::remove_reader;
pub use secrets::{certify_hosts, delete_from_inbox, delete_media_certificate};

/// Names that the namespace may keep although nothing wants them now.
fn is_kept(name: &str, valid: &Valid<'_>) -> bool {
    // The token is for ever, and a self-destruct can't be taken back. The keys of a user go after it.
    (name == names::FAREWELL && !valid.farewell_wanted) || name == names::BUNDLE_READER || names::is_export(name)
}
