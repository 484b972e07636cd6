//! One export from the record down to its cluster: its custom resource while it is live, and none once it is over. It may run at any time
//! and twice; a cluster that is away is tried again, by itself and by each tick.

use howdah_db::Conn;
use howdah_db::models::export::Export;
use howdah_db::models::export_bucket::ExportBucket;
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::{Operation, OperationStep};
use howdah_db::models::place::Cluster as ClusterRow;
use howdah_domain::lifecycle::Cause;
use howdah_domain::{OperationState, StepName};
use uuid::Uuid;

use super::{SyncExport, sync_instance::queue_now};
use crate::exports::{self, manifest};
use crate::operations::{Recorded, save};
use crate::ports::ClusterError;
use crate::ports::cluster::InboxSecret;
use crate::sealed::Variables;
use crate::worker::{WorkError, Worker};

struct Wanted {
    export: Export,
    /// The customer's own, and its keys, until they are forgotten.
    bucket: Option<(ExportBucket, Option<Variables>)>,
    cluster: String,
    is_live: bool,
}

pub async fn run(worker: &Worker, job: SyncExport) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let wanted = howdah_db::transaction(&mut conn, async |conn| read(worker, conn, job.export_id).await).await?;
    drop(conn);
    let Some(wanted) = wanted else { return Ok(()) };
    let outcome = bring_about(worker, &wanted).await;
    let Err(WorkError::Cluster(error)) = outcome else { return outcome };
    tracing::warn!(export.id = %job.export_id, %error, attempt = job.attempt, "an export was not taken");
    let mut conn = worker.app.database.conn().await?;
    match &error {
        ClusterError::Refused { .. } => {
            let refused = Cause::new("InvalidSpec", Some(error.to_string()));
            howdah_db::transaction(&mut conn, async |conn| give_up(worker, conn, &wanted.export, refused).await).await
        }
        ClusterError::Unavailable(_) | ClusterError::Conflict { .. } | ClusterError::Failed { .. } => {
            Ok(job.enqueue_again(&mut conn, queue_now()).await?)
        }
    }
}

/// What is live is begun.
async fn read(worker: &Worker, conn: &mut Conn, id: Uuid) -> Result<Option<Wanted>, WorkError> {
    let Some((export, operation)) = Export::by_id(conn, id).await? else { return Ok(None) };
    let Some(instance) = Instance::by_id(conn, export.instance_id).await? else { return Ok(None) };
    let missing = || WorkError::Missing { what: "the cluster of a server".to_owned() };
    let cluster = ClusterRow::by_id(conn, instance.cluster_id).await?.ok_or_else(missing)?.name;
    let recorded = recorded(conn, operation).await?;
    let is_live = recorded.operation.state.is_live();
    let bucket = match ExportBucket::by_export(conn, id).await? {
        Some(bucket) => Some((bucket.clone(), exports::bucket_variables(&worker.app, &bucket)?)),
        None => None,
    };
    if recorded.operation.state == OperationState::Queued {
        let begun = recorded.operation.clone().start(worker.now()).map_err(crate::Error::from)?;
        save(conn, &recorded, &begun).await?;
    }
    Ok(Some(Wanted { export, bucket, cluster, is_live }))
}

pub(crate) async fn recorded(conn: &mut Conn, row: Operation) -> Result<Recorded, WorkError> {
    let operation = row.with_steps(&OperationStep::of(conn, row.id).await?)?;
    Ok(Recorded { row, operation })
}

async fn bring_about(worker: &Worker, wanted: &Wanted) -> Result<(), WorkError> {
    let Wanted { export, bucket, cluster, is_live } = wanted;
    let cluster = worker.cluster(cluster)?;
    let secret = manifest::keys_secret(export);
    if *is_live {
        if let Some((_, Some(variables))) = bucket {
            let instance = export.instance_id.to_string();
            let keys = InboxSecret { name: secret, instance, variables: variables.clone(), immutable: false };
            cluster.put_secret(&keys).await?;
        }
        cluster.put_export(&manifest::resource(export, bucket.as_ref().map(|(it, _)| it))).await?;
        return Ok(());
    }
    let (namespace, name) = manifest::names(export);
    cluster.delete_export(&namespace, &name).await?;
    if bucket.is_some() {
        cluster.delete_secret(&secret).await?;
        let mut conn = worker.app.database.conn().await?;
        ExportBucket::forget_keys(&mut conn, export.id).await?;
    }
    Ok(())
}

async fn give_up(worker: &Worker, conn: &mut Conn, export: &Export, cause: Cause) -> Result<(), WorkError> {
    let Some(row) = Operation::lock(conn, export.operation_id).await? else { return Ok(()) };
    let recorded = recorded(conn, row).await?;
    if recorded.operation.state != OperationState::Running {
        return Ok(());
    }
    let failed = recorded.operation.clone().fail(StepName::Bundle, cause.clone(), worker.now()).map_err(crate::Error::from)?;
    save(conn, &recorded, &failed).await?;
    exports::ended_badly(&worker.app, conn, export, &cause).await?;
    // What was sent down for it goes.
    Ok(SyncExport::of(export.id).enqueue(conn).await?)
}
