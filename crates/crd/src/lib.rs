//! The Kubernetes kinds of Howdah, `howdah.dev/v1alpha1`: what the control plane wants to run, and what the operator reports back.
//!
//! A `MastodonInstance` is derived and disposable: the business record lies in PostgreSQL, and every sync writes the whole
//! spec. No custom resource holds a person's data; the owner's name, address and set-password token are keys of a Secret
//! in [`INBOX_NAMESPACE`], which the spec names. The English sentence for a reason belongs to whoever shows it.

pub mod conditions;
pub mod export;
pub mod instance;
pub mod labels;
pub mod secrets;

pub use conditions::{ConditionType, ExportConditionType, FailureReason, Reason};
pub use export::{
    ExportDestination, ExportFailure, ExportMode, ExportOutcome, ExportProgress, ExportReport, MastodonExport, MastodonExportSpec,
    MastodonExportStatus,
};
pub use instance::{
    Bootstrap, DatabaseSpec, DeletionPolicy, Endpoints, Farewell, FarewellStage, Image, ImportSpec, InstanceUsage, MastodonInstance,
    MastodonInstanceSpec, MastodonInstanceStatus, ObjectStorageSpec, OwnerLink, PowerState, ProcessResources, RedisResources, Resources,
    Routing, SchedulerResources, SecretRef, SidekiqResources, StreamingResources, Teardown, TeardownKind, WebResources,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The only namespace whose Secrets a custom resource may name. The control plane writes here, the operator copies from here.
pub const INBOX_NAMESPACE: &str = "howdah-inbox";
/// Where the platform's wildcard and the authority of provider `ca` lie: whoever may write into the inbox can't read them, and no
/// custom resource can name them.
pub const CERTIFICATES_NAMESPACE: &str = "howdah-certificates";
/// Where the operator and its lease live.
pub const SYSTEM_NAMESPACE: &str = "howdah-system";
/// Where the media gateway and every server's media Ingress live.
pub const MEDIA_NAMESPACE: &str = "howdah-media";
/// The Service of the media gateway in [`MEDIA_NAMESPACE`].
pub const MEDIA_SERVICE: &str = "media-gateway";

/// Where a server's web host shows its mark, the name of its namespace: a file that only the pods of this very server have. A
/// look from outside knows it by that, whatever stands before it, and tells it from a copy that lives on elsewhere: database,
/// media and identity move along, this doesn't. Rails serves `public` before everything else, in a self-destruct too
/// (UP:lib/mastodon/middleware/public_file_server.rb).
pub const MARK_PATH: &str = "/howdah/instance";

/// Field manager of the control plane's worker.
pub const WORKER_FIELD_MANAGER: &str = "howdah-worker";
/// Field manager of the operator.
pub const OPERATOR_FIELD_MANAGER: &str = "howdah-operator";

/// Every definition, in the order in which they are to be applied.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![MastodonInstance::crd(), MastodonExport::crd()]
}
