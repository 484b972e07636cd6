//! What was seen of one export, and what follows from it for its operation: one transaction each.

use chrono::TimeDelta;
use futures::StreamExt;
use howdah_crd::{ExportConditionType, MastodonExport, MastodonExportStatus, Reason};
use howdah_db::Conn;
use howdah_db::models::export::Export;
use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::Operation;
use howdah_db::models::place::Cluster as ClusterRow;
use howdah_domain::lifecycle::{Cause, StepFact};
use howdah_domain::{OperationState, StepName, failure};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_all};
use kube::{Api, Client};
use std::pin::pin;
use uuid::Uuid;

use crate::exports::{self, manifest};
use crate::jobs::{SyncExport, SyncInstance, recorded_export};
use crate::operations::save;
use crate::worker::{WorkError, Worker};

/// How long a bundle lies in the platform's bucket that somebody asked for.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Never ends: whoever selects it drops it. What can't be written now is seen again: each tick has what is live sent down once more, and a
/// watch begins with a list.
pub async fn watch(worker: &Worker, name: &str, client: Client) {
    let api: Api<MastodonExport> = Api::all(client);
    let mut events = pin!(watch_all(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        let written = match event {
            Ok(Event::Apply(resource) | Event::InitApply(resource)) => seen(worker, name, &resource).await,
            Ok(Event::Delete(resource)) => gone(worker, &resource).await,
            Ok(Event::Init | Event::InitDone) => Ok(()),
            Err(error) => {
                tracing::warn!(cluster.name = name, %error, "a watch on exports broke; it is begun anew");
                Ok(())
            }
        };
        if let Err(error) = written {
            tracing::warn!(cluster.name = name, %error, "what was seen of an export could not be written");
        }
    }
}

/// # Errors
/// Where the record can't be read or written; nothing is written then.
pub async fn seen(worker: &Worker, cluster: &str, resource: &MastodonExport) -> Result<(), WorkError> {
    let (Some(id), Some(status)) = (manifest::id_of(resource), &resource.status) else { return Ok(()) };
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| write(worker, conn, cluster, id, status).await).await
}

/// One that is live is sent down again.
async fn gone(worker: &Worker, resource: &MastodonExport) -> Result<(), WorkError> {
    let Some(id) = manifest::id_of(resource) else { return Ok(()) };
    let mut conn = worker.app.database.conn().await?;
    Ok(SyncExport::of(id).enqueue(&mut conn).await?)
}

async fn write(worker: &Worker, conn: &mut Conn, cluster: &str, id: Uuid, status: &MastodonExportStatus) -> Result<(), WorkError> {
    let Some((export, operation)) = Export::by_id(conn, id).await? else { return Ok(()) };
    if !lies_in(conn, &export, cluster).await? {
        return Ok(());
    }
    let Some(row) = Operation::lock(conn, operation.id).await? else { return Ok(()) };
    let recorded = recorded_export(conn, row).await?;
    let now = worker.now();
    let is_final = FinalBundle::by_export(conn, id).await?.is_some();
    if recorded.operation.state == OperationState::Running {
        let after = match status {
            MastodonExportStatus { finished_at: Some(_), failure: Some(failure), .. } => {
                let cause = Cause::new(&failure.reason, Some(failure.message.clone()));
                exports::ended_badly(&worker.app, conn, &export, &cause).await?;
                recorded.operation.clone().fail(StepName::Bundle, cause, now)
            }
            MastodonExportStatus { finished_at: Some(_), size: Some(size), content_digest: Some(digest), .. } => {
                Export::whole(conn, id, *size, digest, kept(&export, is_final).map(|it| now + it)).await?;
                if export.scheduled_for.is_some() {
                    exports::scheduled_whole(conn, export.instance_id, now).await?;
                }
                recorded.operation.clone().advance(&[(StepName::Bundle, StepFact::Done)], now)
            }
            status => {
                if let Some(progress) = &status.progress {
                    Export::told(conn, id, &serde_json::to_value(progress).unwrap_or_default()).await?;
                }
                recorded.operation.clone().advance(&[(StepName::Bundle, fact(status))], now)
            }
        };
        let after = after.map_err(crate::Error::from)?;
        save(conn, &recorded, &after).await?;
        if is_final && !after.state.is_live() {
            // What waits for it goes on.
            SyncInstance::of(export.instance_id).enqueue(conn).await?;
        }
    }
    // Once all that was made for it is put away, nothing is left to be seen of it.
    if is_put_away(status) {
        SyncExport::of(id).enqueue(conn).await?;
    }
    Ok(())
}

/// How long it lies in the platform's bucket, if it does.
fn kept(export: &Export, is_final: bool) -> Option<TimeDelta> {
    match export.destination.as_str() {
        "bucket" => None,
        _ if is_final => Some(exports::FINAL_KEPT),
        _ if export.scheduled_for.is_some() => Some(exports::SCHEDULED_VALID),
        _ => Some(KEPT),
    }
}

async fn lies_in(conn: &mut Conn, export: &Export, cluster: &str) -> Result<bool, WorkError> {
    let Some(instance) = Instance::by_id(conn, export.instance_id).await? else { return Ok(false) };
    Ok(ClusterRow::by_id(conn, instance.cluster_id).await?.is_some_and(|it| it.name == cluster))
}

/// The first condition that holds it up.
fn fact(status: &MastodonExportStatus) -> StepFact {
    let trouble = status.conditions.iter().find(|it| it.status == "False" && failure::is_trouble(&it.reason));
    match (trouble, &status.progress) {
        (Some(it), _) => StepFact::Failing(Cause::new(&it.reason, Some(it.message.clone()))),
        (None, Some(progress)) => {
            let words = progress.report.stage.replace('_', " ");
            StepFact::Running(Some(Cause::new(Reason::Progressing.as_str(), Some(words))))
        }
        (None, None) => StepFact::Running(None),
    }
}

fn is_put_away(status: &MastodonExportStatus) -> bool {
    let destination = status.conditions.iter().find(|it| it.type_ == ExportConditionType::DestinationReady.as_str());
    status.finished_at.is_some() && destination.is_some_and(|it| it.reason == Reason::NotWanted.as_str())
}
