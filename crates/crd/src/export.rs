//! `MastodonExport`: one run that takes a server along as a portable bundle, in the server's namespace, and how far it is.
//!
//! A run doesn't change: who wants another destination makes another export. Deleting it cancels the run; what was written stays where
//! it is. It holds public keys only: whoever opens the bundle has the other half.

#![expect(clippy::duplicated_attributes, reason = "printed columns share their type")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::instance::SecretRef;

/// Where a run answers how far it is: [`ExportReport`], to the operator alone.
pub const PROGRESS_PATH: &str = "/progress";
pub const PROGRESS_PORT: u16 = 9110;

/// Exit code of a run that no further try can mend.
pub const LASTING_FAILURE: u8 = 4;

/// One run of `howdah bundle create` on one server.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "howdah.dev",
    version = "v1alpha1",
    kind = "MastodonExport",
    plural = "mastodonexports",
    shortname = "mx",
    category = "howdah",
    namespaced,
    doc = "One run that takes a Mastodon server along as a portable bundle, and how far it is.",
    status = "MastodonExportStatus",
    derive = "PartialEq",
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Complete", type_ = "string", json_path = ".status.conditions[?(@.type==\"Complete\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Complete\")].reason"),
    printcolumn(name = "Bytes", type_ = "integer", json_path = ".status.progress.bytes"),
    printcolumn(name = "Size", type_ = "integer", json_path = ".status.size"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("self == oldSelf").message("an export cannot change: delete it, which cancels it, and make another"))]
#[x_kube(validation = Rule::new("!has(self.incrementalFrom) || has(self.destination.kept)").message("incrementalFrom names an export that is kept: only a kept one can begin from it"))]
#[x_kube(validation = Rule::new("!has(self.incrementalFrom) || self.incrementalFrom != self.id").message("incrementalFrom names an earlier export"))]
#[serde(rename_all = "camelCase")]
pub struct MastodonExportSpec {
    /// UUID of the export. What is kept of it lies below this name.
    #[schemars(length(equal = 36), regex(pattern = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))]
    pub id: String,

    /// What the server does meanwhile.
    #[serde(default)]
    pub mode: ExportMode,

    /// age public keys: whoever holds the secret key of one of them opens the dump and the secrets.
    #[schemars(length(min = 1, max = 8), inner(length(equal = 62), regex(pattern = r"^age1[02-9ac-hj-np-z]{58}$")))]
    pub recipients: Vec<String>,

    /// An age identity file that a passphrase opens, in base64, of one of the recipients: it goes into the bundle. Whoever knows the passphrase opens
    /// the bundle; it stands nowhere here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 100, max = 1400), regex(pattern = r"^[A-Za-z0-9+/]+={0,2}$"))]
    pub recovery_key: Option<String>,

    pub destination: ExportDestination,

    /// An earlier export of this server that is kept: media that has not changed since is not read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(equal = 36), regex(pattern = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))]
    pub incremental_from: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum ExportMode {
    /// It serves.
    #[default]
    Live,
    /// Nobody can write, and its queues are empty.
    Drained,
    /// Nothing of it runs.
    Stopped,
}

impl ExportMode {
    /// As `howdah bundle create --mode` has it.
    #[must_use]
    pub const fn as_argument(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Drained => "drained",
            Self::Stopped => "stopped",
        }
    }
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExportDestination {
    /// The platform's own bucket, below `<instance's id>/<export's id>/`.
    Kept {},
    /// Somebody else's bucket.
    #[serde(rename_all = "camelCase")]
    Bucket {
        /// An origin: `https://s3.example.com`.
        #[schemars(
            length(min = 12, max = 261),
            regex(pattern = r"^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$")
        )]
        endpoint: String,
        #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
        region: String,
        #[schemars(length(min = 3, max = 63), regex(pattern = r"^[a-z0-9][a-z0-9.-]*[a-z0-9]$"))]
        bucket: String,
        /// The bundle lies below it and the export's id. Without slashes at its ends; empty for the bucket's root.
        #[serde(default)]
        #[schemars(length(max = 200), regex(pattern = r"^([A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)?$"))]
        prefix: String,
        /// The bucket is asked at its own host, `https://<bucket>.<endpoint's host>`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        virtual_hosted: bool,
        /// A Secret in `howdah-inbox` with the keys of [`crate::secrets::bucket`].
        secret_ref: SecretRef,
    },
}

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MastodonExportStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ExportProgress>,
    /// Bytes of all files of the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// `contentDigest` of the bundle's manifest: two bundles with the same one hold the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub content_digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it was whole, or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ExportFailure>,
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub conditions: Vec<Condition>,
}

/// How far a run was when it was last asked.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportProgress {
    #[serde(flatten)]
    pub report: ExportReport,
    pub at: Time,
}

/// How far a run is, as it tells it itself: of the stage in hand.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportReport {
    /// As the bundle's progress events name it, `copying_media` say.
    #[schemars(length(max = 40))]
    pub stage: String,
    pub bytes: i64,
    /// What is expected: it may become more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<i64>,
    pub files: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_total: Option<i64>,
    /// Bytes in a second, since the stage began.
    pub rate: i64,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportFailure {
    /// A [`crate::FailureReason`].
    #[schemars(length(max = 40))]
    pub reason: String,
    /// The run's own words.
    #[schemars(length(max = 1000))]
    pub message: String,
}

/// What a run says at its end, as its pod's termination message.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum ExportOutcome {
    #[serde(rename_all = "camelCase")]
    Finished {
        size: i64,
        content_digest: String,
    },
    Failed(ExportFailure),
}

impl ExportFailure {
    /// No longer than a status takes, and with what two others need less than a termination message.
    const MESSAGE: usize = 1000;

    #[must_use]
    pub fn new(reason: crate::FailureReason, message: &str) -> Self {
        // A termination message is cut at 4096 bytes, and JSON writes some characters with more than one.
        let plain = message.chars().map(|it| if it.is_control() { ' ' } else { it });
        let mut bytes = 0;
        let fits = plain.take(Self::MESSAGE).take_while(|it| {
            bytes += it.len_utf8().max(2);
            bytes <= 3 * Self::MESSAGE
        });
        Self { reason: reason.to_string(), message: fits.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureReason;

    #[test]
    fn an_outcome_fits_a_termination_message() {
        for hostile in ["\"".repeat(5000), "\u{1F418}".repeat(5000), "\n\u{7}".repeat(5000), "\\".repeat(5000)] {
            let outcome = ExportOutcome::Failed(ExportFailure::new(FailureReason::Destination, &hostile));
            let text = serde_json::to_string(&outcome).unwrap();
            assert!(text.len() < 4096, "{}", text.len());
            assert_eq!(serde_json::from_str::<ExportOutcome>(&text).unwrap(), outcome);
        }
    }

    #[test]
    fn a_spec_is_written_as_its_definition_has_it() {
        let spec: MastodonExportSpec = serde_json::from_value(serde_json::json!({
            "id": "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d", "recipients": ["age1x"], "destination": {"kept": {}},
        }))
        .unwrap();
        assert_eq!((spec.mode, spec.destination), (ExportMode::Live, ExportDestination::Kept {}));
    }
}
