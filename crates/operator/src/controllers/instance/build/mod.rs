//! Which Kubernetes objects a server has: a pure function of what was found valid. One file a subject.
//!
//! Nothing here asks or writes anything, and nothing here decides an order: that is the next step's.

pub(in crate::controllers) mod environment;
mod jobs;
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
pub use object::Desired;
pub use secrets::{SecretSource, SecretWish};

use super::validate::Valid;

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
    pub workloads: Vec<Desired>,
    pub routes: Vec<Desired>,
    /// When a Job is tried or done again.
    pub retry_in: Option<Duration>,
    pub stage: PhantomData<Stage>,
}

/// Jobs that are wanted now: one that is done is not.
pub struct Jobs {
    pub db_prepare: Option<Desired>,
    pub owner: Option<Desired>,
    pub configure: Option<Desired>,
    pub owner_link: Option<Desired>,
    pub farewell_token: Option<Desired>,
    pub farewell_progress: Option<Desired>,
}

#[must_use]
pub fn build(valid: &Valid<'_>) -> Objects<Prepared> {
    let mut guards = vec![quota::quota(valid), quota::limits(valid)];
    guards.extend(namespace::accounts(valid));
    guards.extend(policies::policies(valid));
    let (jobs, retry_in) = jobs::jobs(valid);
    let mut workloads = web::web(valid);
    workloads.extend(streaming::streaming(valid));
    workloads.extend(sidekiq::sidekiq(valid));
    Objects {
        namespace: namespace::namespace(valid),
        access: namespace::access(valid),
        guards,
        secrets: secrets::secrets(valid),
        cache: redis::redis(valid),
        jobs,
        workloads,
        routes: routes::routes(valid),
        retry_in,
        stage: PhantomData,
    }
}
