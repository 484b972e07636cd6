//! Which Kubernetes objects a server has: a pure function of what was found valid. One file a subject.
//!
//! Nothing here asks or writes anything, and nothing here decides an order: that is the next step's.

pub(in crate::controllers) mod bundle;
pub(in crate::controllers) mod environment;
mod gate;
mod jobs;
mod load;
mod namespace;
mod object;
pub(in crate::controllers) mod pod;
pub(in crate::controllers) mod policies;
pub(in crate::controllers) mod quota;
mod redis;
mod routes;
mod secrets;
mod sidekiq;
mod streaming;
mod web;

#[cfg(test)]
mod gate_tests;
#[cfg(test)]
mod import_tests;
#[cfg(test)]
mod netpol;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;

use std::marker::PhantomData;
use std::time::Duration;

pub use environment::{CA_KEY, connection_limit};
pub use gate::Front;
pub use load::Loading;
pub use object::Desired;
pub use secrets::{SecretSource, SecretWish};

use super::validate::{Site, Valid};

/// Built, nothing written.
pub struct Prepared;
/// Written as far as this pass could.
pub struct Applied;

/// All that a server wants to have, in the order of its steps.
pub struct Objects<Stage> {
    pub namespace: Desired,
    /// The operator's own rights in the namespace.
    pub access: Desired,
    /// Quota, limits, accounts, network policies: before the first pod.
    pub guards: Vec<Desired>,
    pub secrets: Vec<SecretWish>,
    pub cache: Vec<Desired>,
    pub jobs: Jobs,
    /// Who answers for the workloads.
    pub front: Front,
    pub workloads: Vec<Desired>,
    pub routes: Vec<Desired>,
    /// When a Job is tried or done again.
    pub retry_in: Option<Duration>,
    pub stage: PhantomData<Stage>,
}

/// Jobs that are wanted now: one that is done is not.
pub struct Jobs {
    /// Of an import, until the wanted pass is loaded, where it can be.
    pub loading: Option<Loading>,
    pub db_prepare: Option<Desired>,
    pub owner: Option<Desired>,
    /// Of an import: its feeds.
    pub configure: Option<Desired>,
    pub owner_link: Option<Desired>,
    pub farewell_token: Option<Desired>,
    pub farewell_progress: Option<Desired>,
}

impl Jobs {
    pub fn all(&self) -> impl Iterator<Item = &Desired> {
        let Self { loading, db_prepare, owner, configure, owner_link, farewell_token, farewell_progress } = self;
        let others = [db_prepare, owner, configure, owner_link, farewell_token, farewell_progress];
        loading.iter().flat_map(Loading::in_order).chain(others.into_iter().flatten())
    }
}

#[must_use]
pub fn build(valid: &Valid<'_>) -> Objects<Prepared> {
    let mut guards = vec![quota::quota(valid), quota::limits(valid)];
    guards.extend(namespace::accounts(valid));
    guards.extend(policies::policies(valid));
    let (jobs, retry_in) = jobs::jobs(valid);
    let front = if valid.is_loaded() { gate::front(valid) } else { gate::none() };
    Objects {
        namespace: namespace::namespace(valid),
        access: namespace::access(valid),
        guards,
        secrets: secrets::secrets(valid),
        cache: redis::redis(valid),
        jobs,
        workloads: workloads(valid, valid.is_suspended() && front.may_stop),
        retry_in: retry_in.into_iter().chain(front.retry_in).min(),
        front,
        routes: routes::routes(valid),
        stage: PhantomData,
    }
}

/// All that is left of a server that has moved.
#[must_use]
pub fn media_host(site: &Site<'_>) -> (Vec<Desired>, Vec<SecretWish>) {
    if !site.spec.routing.enabled {
        return (vec![], vec![]);
    }
    (vec![routes::media(site)], vec![secrets::of_media(site)])
}

/// None of an import's before its data is loaded: what runs of the pass before has to go first. In a rehearsal web alone, so that nothing that
/// it is told leads to anything.
fn workloads(valid: &Valid<'_>, stops: bool) -> Vec<Desired> {
    match valid.rehearsal {
        _ if !valid.is_loaded() => vec![],
        Some(_) => web::web(valid, stops),
        None => [web::web(valid, stops), streaming::streaming(valid, stops), sidekiq::sidekiq(valid)].concat(),
    }
}
