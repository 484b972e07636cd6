//! One pull from the record down to a cluster: its Job while it is live, and none once it has ended. It may run at any time and twice; a cluster
//! that is away is asked again.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use howdah_db::models::import::Import;
use howdah_db::models::import_pull::ImportPull;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::{SyncPull, sync_instance::queue_now};
use crate::imports;
use crate::ports::{ClusterError, PullJob, PullRun};
use crate::worker::{WorkError, Worker};

/// Between two looks at a Job; how far it is, it tells itself.
const LOOKED: TimeDelta = TimeDelta::seconds(10);

pub async fn run(worker: &Worker, job: SyncPull) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let Some(pull) = ImportPull::of(&mut conn, job.import_id).await? else { return Ok(()) };
    drop(conn);
    let outcome = if pull.is_live() { go_on(worker, &pull).await } else { put_away(worker, &pull).await };
    let Err(WorkError::Cluster(error)) = outcome else { return outcome };
    tracing::warn!(import.id = %job.import_id, %error, "a pull was not taken");
    if matches!(error, ClusterError::Refused { .. }) && pull.is_live() {
        let sentence = "This platform could not begin the pull: bring the bundle from a computer, or write to the support.";
        return end(worker, job.import_id, "failed", sentence).await;
    }
    let mut conn = worker.app.database.conn().await?;
    Ok(job.enqueue_again(&mut conn, queue_now() + LOOKED).await?)
}

async fn go_on(worker: &Worker, pull: &ImportPull) -> Result<(), WorkError> {
    let name = name(pull.import_id);
    let cluster_name = match &pull.cluster {
        Some(name) => name,
        // Any will do: what it brings goes to the platform's bucket.
        None => worker.clusters.keys().next().ok_or_else(|| WorkError::Missing { what: "a cluster".to_owned() })?,
    };
    let cluster = worker.cluster(cluster_name)?;
    // Before the Job, so that it is known where to look for it.
    let mut conn = worker.app.database.conn().await?;
    ImportPull::sent(&mut conn, pull.import_id, cluster_name).await?;
    drop(conn);
    let again = async || {
        let mut conn = worker.app.database.conn().await?;
        Ok(SyncPull::of(pull.import_id).enqueue_again(&mut conn, queue_now() + LOOKED).await?)
    };
    match cluster.pull(&name).await? {
        Some(PullRun::Running) => again().await,
        // It told so itself before; else whatever it told was lost.
        Some(PullRun::Succeeded) => end(worker, pull.import_id, "done", "").await,
        Some(PullRun::Failed) => {
            let sentence = pull.sentence.as_deref().unwrap_or("It was interrupted too often. What has arrived stays: begin it again.");
            end(worker, pull.import_id, "failed", sentence).await
        }
        None => {
            let secret = pull.secret(&worker.app.keys).map_err(howdah_db::models::identity::SealedError::from)?;
            let variables: Option<BTreeMap<String, String>> = secret.and_then(|it| serde_json::from_slice(it.expose_secret()).ok());
            let variables = variables.ok_or_else(|| WorkError::Missing { what: "what leads to a pull's source".to_owned() })?;
            cluster.put_pull(&PullJob { name, variables }).await?;
            again().await
        }
    }
}

async fn end(worker: &Worker, id: Uuid, state: &str, sentence: &str) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let sentence = Some(sentence).filter(|it| !it.is_empty());
    ImportPull::end(&mut conn, id, state, sentence, worker.now()).await?;
    Ok(SyncPull::of(id).enqueue(&mut conn).await?)
}

/// It has ended: its Job and keys go, and what it brought is looked into.
async fn put_away(worker: &Worker, pull: &ImportPull) -> Result<(), WorkError> {
    if let Some(cluster) = &pull.cluster {
        worker.cluster(cluster)?.delete_pull(&name(pull.import_id)).await?;
        let mut conn = worker.app.database.conn().await?;
        ImportPull::put_away(&mut conn, pull.import_id).await?;
    }
    if pull.state == "done" {
        let mut conn = worker.app.database.conn().await?;
        let import = Import::by_id(&mut conn, pull.import_id).await?;
        drop(conn);
        if let Some(import) = import.filter(|it| it.seen_at.is_none_or(|at| Some(at) < pull.ended_at)) {
            imports::look_unasked(&worker.app, &import).await?;
        }
    }
    Ok(())
}

fn name(import: Uuid) -> String {
    format!("pull-{import}")
}
