//! Exports as people see them.

use chrono::{DateTime, Utc};
use howdah_db::models::export::{Export, WithOperation};
use howdah_db::models::instance::Page;
use howdah_db::models::operation::OperationStep;
use howdah_domain::{ExportId, Failure, InstanceId, OperationId, OperationState};
use serde::Deserialize;

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
    pub recipients: Vec<String>,
    /// While it runs.
    pub progress: Option<Progress>,
    pub failure: Option<Failure>,
    /// Of the whole bundle, in bytes.
    pub size: Option<i64>,
    pub content_digest: Option<String>,
    pub kept_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
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
    let steps = OperationStep::of(&mut conn, found.1.id).await?;
    view(found, &steps)
}

/// A server's, the newest first.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn list(app: &App, actor: &Actor, instance: InstanceId, page: Page) -> Result<Vec<ExportView>, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    instances::seen_by(&mut conn, actor, instance).await?;
    let rows = Export::page_of_instance(&mut conn, instance.as_uuid(), page).await?;
    let ids: Vec<_> = rows.iter().map(|(_, operation)| operation.id).collect();
    let steps = OperationStep::of_all(&mut conn, &ids).await?;
    let all = rows.into_iter().map(|row| {
        let of = steps.iter().filter(|it| it.operation_id == row.1.id).cloned().collect::<Vec<_>>();
        view(row, &of)
    });
    all.collect()
}

fn view((export, operation): WithOperation, steps: &[OperationStep]) -> Result<ExportView, Error> {
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
        recipients: export.recipients.split_ascii_whitespace().map(str::to_owned).collect(),
        progress,
        failure: operation.failure,
        size: export.size,
        content_digest: export.content_digest,
        kept_until: export.kept_until.filter(|_| export.deleted_at.is_none()),
        created_at: export.created_at,
        finished_at: operation.finished_at,
    })
}
