//! A cluster as the worker may touch it: custom resources, Secrets of the inbox, and Jobs that pull bundles.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use howdah_crd::{MastodonExport, MastodonInstance};

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// No answer: it is asked again.
    #[error("the cluster's API server cannot be reached: {0}")]
    Unavailable(String),
    /// The API server says that what was sent is wrong: sending it again changes nothing.
    #[error("the cluster refused {what}: {message}")]
    Refused { what: String, message: String },
    /// Somebody was faster, or it is not the object that was meant: read again.
    #[error("{what} was changed meanwhile")]
    Conflict { what: String },
    /// Anything else: missing rights or namespaces, say.
    #[error("the cluster could not {what}: {message}")]
    Failed { what: String, message: String },
}

/// One Secret of the inbox as it ought to be.
#[derive(Clone, PartialEq, Eq)]
pub struct InboxSecret {
    pub name: String,
    /// The server's id, as its label.
    pub instance: String,
    pub variables: BTreeMap<String, String>,
    /// The API server refuses every later change.
    pub immutable: bool,
}

/// A pull as it is to run: `howdah bundle pull` with this environment.
#[derive(Clone, PartialEq, Eq)]
pub struct PullJob {
    pub name: String,
    pub variables: BTreeMap<String, String>,
}

/// How far the run of a pull is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRun {
    /// Also where it is still to begin, or begins again.
    Running,
    Succeeded,
    Failed,
}

pub trait Cluster: Send + Sync {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<MastodonInstance>, ClusterError>>;

    fn list(&self) -> BoxFuture<'_, Result<Vec<MastodonInstance>, ClusterError>>;

    /// Server-side apply of the whole, by the worker's field manager.
    fn apply<'a>(&'a self, instance: &'a MastodonInstance) -> BoxFuture<'a, Result<(), ClusterError>>;

    /// Only the object with this UID at this version; one that is gone already is a success.
    fn delete<'a>(&'a self, name: &'a str, uid: &'a str, resource_version: &'a str) -> BoxFuture<'a, Result<(), ClusterError>>;

    /// Made where it is not there; one that is there stays as it is, since it can't change.
    fn put_export<'a>(&'a self, export: &'a MastodonExport) -> BoxFuture<'a, Result<(), ClusterError>>;

    /// One that is not there is a success.
    fn delete_export<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), ClusterError>>;

    /// Begun where it is not there.
    fn put_pull<'a>(&'a self, pull: &'a PullJob) -> BoxFuture<'a, Result<(), ClusterError>>;

    /// `None` where it is not there.
    fn pull<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<PullRun>, ClusterError>>;

    /// With its keys; one that is not there is a success.
    fn delete_pull<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ClusterError>>;

    /// Written only where it is not so already.
    fn put_secret<'a>(&'a self, secret: &'a InboxSecret) -> BoxFuture<'a, Result<(), ClusterError>>;

    /// One that is not there is a success.
    fn delete_secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ClusterError>>;
}
