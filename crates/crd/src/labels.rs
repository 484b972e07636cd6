//! Labels, annotations and finalizers on everything that the operator makes.

/// The instance's id (UUID) on every child, namespaced or not: the operator finds its owner by it.
pub const INSTANCE: &str = "howdah.dev/instance";
/// An export's id (UUID) on what is made for it: its own controller looks after that, and the instance's leaves it alone.
pub const EXPORT: &str = "howdah.dev/export";
/// The process that a workload, pod or policy is for: see [`process`].
pub const PROCESS: &str = "howdah.dev/process";
/// Hash of the inputs that a Job was made from; a Job with another hash is another Job.
pub const INPUTS: &str = "howdah.dev/inputs";
/// The kind of Job: see [`job`].
pub const JOB: &str = "howdah.dev/job";
/// Which try of a Job this is, from 1: a failed one is followed by another after a while.
pub const ATTEMPT: &str = "howdah.dev/attempt";
/// Annotation on the pods of an import's Jobs: the mark of the pass that they are for, so that another pass has Jobs of its own.
pub const PASS: &str = "howdah.dev/pass";
/// Annotation on every child: digest of what the operator wanted when it last applied it.
pub const DESIRED: &str = "howdah.dev/desired";
/// Annotation on a run-time Secret: what the database or bucket behind it was last brought to.
pub const ENSURED: &str = "howdah.dev/ensured";
/// Kubernetes' own recommended label, always [`MANAGED_BY_VALUE`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
pub const MANAGED_BY_VALUE: &str = "howdah-operator";
/// Finalizer on a `MastodonInstance`: the operator's teardown runs before it is taken off.
pub const FINALIZER: &str = "howdah.dev/teardown";

/// Finalizer on a `MastodonExport`: its S3 user goes before it is taken off.
pub const EXPORT_FINALIZER: &str = "howdah.dev/export";

/// Values of [`PROCESS`], which are also the names of the workloads and Services.
pub mod process {
    pub const WEB: &str = "web";
    pub const STREAMING: &str = "streaming";
    /// Sidekiq without the `scheduler` queue; any number of replicas.
    pub const SIDEKIQ: &str = "sidekiq";
    /// The one Sidekiq that listens to `scheduler`; always one replica.
    pub const SCHEDULER: &str = "scheduler";
    pub const REDIS: &str = "redis";
    /// What answers for a server that is suspended.
    pub const GATE: &str = "gate";
    /// What stands before a read-only one's web.
    pub const READ_ONLY_GATE: &str = "read-only-gate";
    /// Every Job of Mastodon's own image.
    pub const JOB: &str = "job";
    /// A Job that makes a bundle, or brings one back.
    pub const BUNDLE: &str = "bundle";
}

/// Values of [`JOB`].
pub mod job {
    pub const EXPORT: &str = "export";
    /// Of an import, before each pass: Redis is emptied, and the release's tables are made anew.
    pub const FLUSH: &str = "flush";
    pub const SCHEMA: &str = "schema";
    /// And the bundle's rows and media brought in.
    pub const LOAD: &str = "load";
    pub const FEEDS: &str = "feeds";
    pub const DB_PREPARE: &str = "db-prepare";
    pub const OWNER: &str = "owner";
    pub const CONFIGURE: &str = "configure";
    pub const OWNER_LINK: &str = "owner-link";
    pub const FAREWELL_TOKEN: &str = "farewell-token";
    pub const FAREWELL_PROGRESS: &str = "farewell-progress";
}
