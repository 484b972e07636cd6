//! Imports as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::imports::{CutOver, ImportLaunch, ImportSource, ImportView, Seen, SeenFinding, SeenServer};
use howdah_domain::{ExportId, ImportId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::bringing::Pull;

pub fn import_url(id: ImportId) -> String {
    format!("/api/v1/imports/{id}")
}

/// Where the bundle is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// An export of a server of this account, which lies here. Without it, the bundle is brought, or pulled: see `/imports/{id}/files` and
    /// `/imports/{id}/pull`.
    #[serde(default)]
    pub export_id: Option<Uuid>,
}

impl From<NewImport> for ImportSource {
    fn from(NewImport { export_id }: NewImport) -> Self {
        export_id.map_or(Self::Upload, |it| Self::Export(ExportId::from_uuid(it)))
    }
}

/// A place for a bundle.
#[derive(Debug, Serialize, ToSchema)]
pub struct BegunImport {
    id: Uuid,
    #[schema(max_length = 200)]
    url: String,
}

impl BegunImport {
    pub fn of(id: ImportId) -> Self {
        Self { id: id.as_uuid(), url: import_url(id) }
    }
}

/// What opens a bundle.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleKey {
    /// The bundle's recovery phrase, or age's identity: `AGE-SECRET-KEY-1…`. With it the server's secrets are proved; it is not kept.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub key: Option<String>,
}

/// How a bundle is to become a server.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImportedInstance {
    #[schema(max_length = 40)]
    plan: String,
    /// The bundle's recovery phrase, or age's identity: `AGE-SECRET-KEY-1…`. What it comes to is kept, sealed, until the server has taken its place. Not needed where the bundle has no seal.
    #[serde(default)]
    #[schema(max_length = 1000)]
    key: Option<String>,
    /// For operators: a cluster by its name.
    #[serde(default)]
    #[schema(max_length = 63)]
    cluster: Option<String>,
    /// You may use Mastodon's trademark in your domain.
    #[serde(default)]
    trademark_permission: bool,
    /// You know that other servers remember an earlier server's farewell from this domain.
    #[serde(default)]
    remnants_known: bool,
}

impl From<NewImportedInstance> for ImportLaunch {
    fn from(NewImportedInstance { plan, key, cluster, trademark_permission, remnants_known }: NewImportedInstance) -> Self {
        Self { plan, key: key.unwrap_or_default().into(), cluster, trademark_permission, remnants_known }
    }
}

/// The rehearsal is over.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCutOver {
    /// The old server is stopped, whatever answers at its address.
    #[serde(default)]
    pub source_is_stopped: bool,
}

impl From<NewCutOver> for CutOver {
    fn from(NewCutOver { source_is_stopped }: NewCutOver) -> Self {
        Self { source_is_stopped }
    }
}

/// What goes with a way back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Discard {
    /// The server's domain, once it has taken its place: what was written on it since is lost.
    #[serde(default)]
    #[schema(max_length = 253)]
    pub confirm: String,
}

/// A server that is brought in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Import {
    id: Uuid,
    #[schema(max_length = 200)]
    url: String,
    /// `upload` or `export`.
    #[schema(max_length = 20)]
    source: String,
    /// `open`, `launched`, `accepted` or `gone`.
    #[schema(max_length = 20)]
    state: &'static str,
    /// The server that it became.
    instance_id: Option<Uuid>,
    /// It is loaded and waits for your decision.
    is_rehearsing: bool,
    /// Where the rehearsal is looked at.
    #[schema(max_length = 300)]
    preview_url: Option<String>,
    /// What the last look found.
    seen: Option<SeenBundle>,
    seen_at: Option<DateTime<Utc>>,
    kept_until: DateTime<Utc>,
    created_at: DateTime<Utc>,
    /// The last pull of its bundle.
    pull: Option<Pull>,
}

/// What a look into a bundle found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeenBundle {
    /// Nothing speaks against taking it in.
    holds: bool,
    /// The key opened it, and its secrets open what its database holds.
    is_proved: bool,
    server: Option<SeenInstance>,
    #[schema(max_items = 50)]
    findings: Vec<BundleFinding>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SeenInstance {
    #[schema(max_length = 400)]
    domain: String,
    #[schema(max_length = 400)]
    web_domain: String,
    #[schema(max_length = 400)]
    version: Option<String>,
    /// Under which it will run here.
    #[schema(max_length = 40)]
    runs_as: Option<String>,
    made_at: DateTime<Utc>,
    /// What the old server did meanwhile: `live`, `drained` or `stopped`.
    #[schema(max_length = 20)]
    consistency: String,
    is_sealed: bool,
    users: u64,
    statuses: u64,
    media_files: u64,
    media_bytes: u64,
    database_bytes: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BundleFinding {
    /// It can't be taken in so.
    is_wrong: bool,
    #[schema(max_length = 400)]
    object: String,
    #[schema(max_length = 400)]
    reason: String,
    #[schema(max_length = 400)]
    sentence: String,
}

impl From<ImportView> for Import {
    fn from(view: ImportView) -> Self {
        Self {
            id: view.id.as_uuid(),
            url: import_url(view.id),
            source: view.source,
            state: view.state.as_str(),
            instance_id: view.instance.as_ref().map(|(id, _)| id.as_uuid()),
            is_rehearsing: view.is_rehearsing,
            preview_url: view.preview_url,
            seen: view.seen.map(Into::into),
            seen_at: view.seen_at,
            kept_until: view.kept_until,
            created_at: view.created_at,
            pull: view.pull.map(Into::into),
        }
    }
}

impl From<Seen> for SeenBundle {
    fn from(seen: Seen) -> Self {
        let holds = seen.holds();
        let Seen { server, is_proved, findings } = seen;
        Self { holds, is_proved, server: server.map(Into::into), findings: findings.into_iter().map(Into::into).collect() }
    }
}

impl From<SeenServer> for SeenInstance {
    fn from(it: SeenServer) -> Self {
        Self {
            domain: it.domain,
            web_domain: it.web_domain,
            version: it.version,
            runs_as: it.runs_as,
            made_at: it.made_at,
            consistency: it.consistency,
            is_sealed: it.is_sealed,
            users: it.users,
            statuses: it.statuses,
            media_files: it.media_files,
            media_bytes: it.media_bytes,
            database_bytes: it.database_bytes,
        }
    }
}

impl From<SeenFinding> for BundleFinding {
    fn from(SeenFinding { is_wrong, object, reason, sentence }: SeenFinding) -> Self {
        Self { is_wrong, object, reason, sentence }
    }
}
