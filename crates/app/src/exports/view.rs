//! Exports as people see them.

use chrono::{DateTime, Utc};
use howdah_db::models::export::{Export, WithOperation};
use howdah_db::models::export_bucket::ExportBucket;
use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::instance::Page;
use howdah_db::models::operation::OperationStep;
use howdah_domain::{ExportId, Failure, InstanceId, OperationId, OperationState};
use serde::Deserialize;
use uuid::Uuid;

use super::final_bundle::may_see_key;
use super::seen_by;
use crate::{Actor, App, Error, instances, operations};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportView {
    pub id: ExportId,
    pub instance: InstanceId,
    pub operation: OperationId,
    pub state: OperationState,
    pub mode: String,
    pub destination: String,
    /// Where that is the customer's own.
    pub bucket: Option<BucketView>,
    /// The platform began it by itself, at its time.
    pub is_scheduled: bool,
    pub recipients: Vec<String>,
    /// A recovery phrase or a passphrase opens it, too.
    pub opens_by_words: bool,
    /// While it runs.
    pub progress: Option<Progress>,
    pub failure: Option<Failure>,
    /// What is kept of a server that left, or leaves; the platform began it by itself.
    pub is_final: bool,
    /// Whoever asks can be shown the key that was made for it.
    pub can_show_key: bool,
    /// Of the whole bundle, in bytes.
    pub size: Option<i64>,
    pub content_digest: Option<String>,
    pub kept_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Without its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketView {
    pub endpoint: String,
    pub bucket: String,
    /// Of this bundle, with its id.
    pub prefix: String,
}

/// Of the stage in hand, as the run told it last.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub stage: String,
    pub bytes: i64,
    #[serde(default)]
    pub bytes_total: Option<i64>,
    pub files: i64,
    #[serde(default)]
    pub files_total: Option<i64>,
    /// Bytes in a second.
    pub rate: i64,
    pub at: DateTime<Utc>,
}

/// # Errors
/// [`Error::NotFound`].
pub async fn get(app: &App, actor: &Actor, id: ExportId) -> Result<ExportView, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let found = seen_by(&mut conn, actor, id).await?;
    let server = instances::seen_by(&mut conn, actor, InstanceId::from_uuid(found.0.instance_id)).await?;
    let steps = OperationStep::of(&mut conn, found.1.id).await?;
    let last = FinalBundle::by_export(&mut conn, found.0.id).await?;
    let bucket = ExportBucket::by_export(&mut conn, found.0.id).await?;
    view(found, &steps, (last.as_ref(), bucket.as_ref()), may_see_key(actor, &server))
}

/// A server's, the newest first.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn list(app: &App, actor: &Actor, instance: InstanceId, page: Page) -> Result<Vec<ExportView>, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let server = instances::seen_by(&mut conn, actor, instance).await?;
    let may_see_key = may_see_key(actor, &server);
    let rows = Export::page_of_instance(&mut conn, instance.as_uuid(), page).await?;
    let ids: Vec<_> = rows.iter().map(|(_, operation)| operation.id).collect();
    let steps = OperationStep::of_all(&mut conn, &ids).await?;
    let ids: Vec<_> = rows.iter().map(|(export, _)| export.id).collect();
    let last = FinalBundle::of_exports(&mut conn, &ids).await?;
    let buckets = ExportBucket::of_exports(&mut conn, &ids).await?;
    let all = rows.into_iter().map(|row| {
        let of = steps.iter().filter(|it| it.operation_id == row.1.id).cloned().collect::<Vec<_>>();
        let last = last.iter().find(|it| it.export_id == row.0.id);
        let bucket = buckets.iter().find(|it| it.export_id == row.0.id);
        view(row, &of, (last, bucket), may_see_key)
    });
    all.collect()
}

fn view(
    (export, operation): WithOperation,
    steps: &[OperationStep],
    (last, bucket): (Option<&FinalBundle>, Option<&ExportBucket>),
    may_see_key: bool,
) -> Result<ExportView, Error> {
    let operation = operations::view(&operation, steps, false)?;
    let is_live = operation.state.is_live();
    // What another version wrote, and this one can't read, is not shown.
    let progress = export.progress.and_then(|it| serde_json::from_value(it).ok()).filter(|_| is_live);
    Ok(ExportView {
        id: ExportId::from_uuid(export.id),
        instance: operation.instance,
        operation: operation.id,
        state: operation.state,
        mode: export.mode,
        destination: export.destination,
        bucket: bucket.map(|it| bucket_view(it, export.id)),
        is_scheduled: export.scheduled_for.is_some(),
        recipients: export.recipients.split_ascii_whitespace().map(str::to_owned).collect(),
        opens_by_words: export.recovery_key.is_some(),
        progress,
        failure: operation.failure,
        is_final: last.is_some(),
        can_show_key: may_see_key && last.is_some_and(FinalBundle::has_key),
        size: export.size,
        content_digest: export.content_digest,
        // What a run left that came to nothing is kept for nobody.
        kept_until: export.kept_until.filter(|_| export.size.is_some() && export.deleted_at.is_none()),
        created_at: export.created_at,
        finished_at: operation.finished_at,
    })
}

fn bucket_view(it: &ExportBucket, export: Uuid) -> BucketView {
    let prefix = format!("{}/{export}", it.prefix).trim_start_matches('/').to_owned();
    BucketView { endpoint: it.endpoint.clone(), bucket: it.bucket.clone(), prefix }
}
