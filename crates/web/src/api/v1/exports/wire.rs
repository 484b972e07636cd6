//! Exports as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::exports::{Begun, BucketView, ExportView, Progress};
use howdah_domain::ExportId;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::v1::bucket::NewBucket;
use crate::api::v1::operations::wire::{Failure, operation_url};
use crate::api::words;

pub fn export_url(id: ExportId) -> String {
    format!("/api/v1/exports/{id}")
}

/// Who is to open the bundle.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExport {
    /// age public keys (`age1…`, as `age-keygen` makes them). Whoever holds the secret key of one of them opens everything.
    #[serde(default)]
    #[schema(max_items = 8, max_length = 100)]
    pub recipients: Vec<String>,
    /// Make a key, too, and show it once, in the answer.
    #[serde(default)]
    pub recovery_key: bool,
    /// Make a recovery phrase, and show it once, in the answer: twelve words that open the bundle by stock `age`.
    #[serde(default)]
    pub recovery_phrase: bool,
    /// A passphrase of your own instead of that, of 12 characters or more. It is kept nowhere.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub passphrase: Option<String>,
    /// Where it goes, if not to the platform's bucket. A small file is written, read and deleted there before anything begins.
    #[serde(default)]
    pub bucket: Option<NewBucket>,
}

/// An export has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct BegunExport {
    id: Uuid,
    #[schema(max_length = 200)]
    pub url: String,
    #[schema(max_length = 200)]
    operation_url: String,
    /// The age secret key that was made, if one was asked for. Keep it: it is shown this once, and nobody else has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    recovery_key: Option<String>,
    /// The recovery phrase that was made, if one was asked for: its words with a hyphen between two, as `age` takes it for
    /// `env/recovery-key.age` of the bundle. Keep it: it is shown this once, and nobody else has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    recovery_phrase: Option<String>,
}

impl BegunExport {
    pub fn without_key(begun: &Begun) -> Self {
        let Begun { export, instance: _, operation, key: _, phrase: _ } = begun;
        let operation_url = operation_url(*operation);
        Self { id: export.as_uuid(), url: export_url(*export), operation_url, recovery_key: None, recovery_phrase: None }
    }

    pub fn with_key(begun: &Begun) -> Self {
        let [recovery_key, recovery_phrase] = [&begun.key, &begun.phrase].map(|it| it.as_ref().map(|it| it.expose_secret().to_owned()));
        Self { recovery_key, recovery_phrase, ..Self::without_key(begun) }
    }
}

/// One run that takes a server along.
#[derive(Debug, Serialize, ToSchema)]
pub struct Export {
    id: Uuid,
    #[schema(max_length = 200)]
    url: String,
    instance_id: Uuid,
    #[schema(max_length = 200)]
    operation_url: String,
    #[schema(schema_with = words::operation_state)]
    state: &'static str,
    /// What the server did meanwhile: `live`, `drained` or `stopped`.
    #[schema(max_length = 20)]
    mode: String,
    /// `kept`: in the platform's own bucket; `bucket`: in the customer's.
    #[schema(max_length = 20)]
    destination: String,
    bucket: Option<ExportBucket>,
    /// The platform began it by itself, by the server's schedule.
    is_scheduled: bool,
    #[schema(max_items = 8, max_length = 100)]
    recipients: Vec<String>,
    /// A recovery phrase, or a passphrase of the customer's, opens it, too.
    opens_by_words: bool,
    /// While it runs.
    progress: Option<ExportProgress>,
    failure: Option<Failure>,
    /// The final bundle of a server that leaves: the platform began it by itself.
    is_final: bool,
    /// The key that was made for it can be asked for with this token.
    can_show_key: bool,
    /// Of the whole bundle, in bytes.
    size: Option<i64>,
    /// Two bundles with the same one hold the same.
    #[schema(max_length = 100)]
    content_digest: Option<String>,
    kept_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

/// Where it lies, if that is a bucket of the customer's.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportBucket {
    #[schema(max_length = 261)]
    endpoint: String,
    #[schema(max_length = 63)]
    bucket: String,
    /// Of this bundle.
    #[schema(max_length = 300)]
    prefix: String,
}

impl From<BucketView> for ExportBucket {
    fn from(BucketView { endpoint, bucket, prefix }: BucketView) -> Self {
        Self { endpoint, bucket, prefix }
    }
}

/// Of the stage in hand.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportProgress {
    /// `dumping` or `copying_media`, say.
    #[schema(max_length = 40)]
    stage: String,
    bytes: i64,
    /// What is expected: it may become more.
    bytes_total: Option<i64>,
    files: i64,
    files_total: Option<i64>,
    /// Bytes in a second.
    rate: i64,
    at: DateTime<Utc>,
}

impl From<ExportView> for Export {
    fn from(view: ExportView) -> Self {
        Self {
            id: view.id.as_uuid(),
            url: export_url(view.id),
            instance_id: view.instance.as_uuid(),
            operation_url: operation_url(view.operation),
            state: view.state.as_str(),
            mode: view.mode,
            destination: view.destination,
            bucket: view.bucket.map(Into::into),
            is_scheduled: view.is_scheduled,
            recipients: view.recipients,
            opens_by_words: view.opens_by_words,
            progress: view.progress.map(Into::into),
            failure: view.failure.map(Into::into),
            is_final: view.is_final,
            can_show_key: view.can_show_key,
            size: view.size,
            content_digest: view.content_digest,
            kept_until: view.kept_until,
            created_at: view.created_at,
            finished_at: view.finished_at,
        }
    }
}

impl From<Progress> for ExportProgress {
    fn from(Progress { stage, bytes, bytes_total, files, files_total, rate, at }: Progress) -> Self {
        Self { stage, bytes, bytes_total, files, files_total, rate, at }
    }
}
