//! Every server is synced anew, spread over time, and record and clusters are compared. Orphans are reported, never deleted.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use howdah_db::models::instance::Instance;
use howdah_db::models::orphan::Orphan;
use howdah_db::models::place::Cluster as ClusterRow;
use howdah_db::models::sync::InstanceSync;
use howdah_db::queue::collect;
use howdah_domain::InstanceId;
use kube::ResourceExt;
use uuid::Uuid;

use super::{ResyncAll, SyncInstance};
use crate::jobs::sync_instance::queue_now;
use crate::worker::{WorkError, Worker};

const PAGE: i64 = 500;
/// Between two syncs: fifty a second.
const PACE: TimeDelta = TimeDelta::milliseconds(20);

pub async fn run(worker: &Worker, _: ResyncAll) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    // Before every server's sync is put into its queue again.
    howdah_db::transaction(&mut conn, async |conn| Ok::<_, WorkError>(collect(conn).await?)).await?;
    drop(conn);
    sync_all(worker).await?;
    let conn = worker.app.database.conn().await?;
    let clusters = ClusterRow::all(&conn).await?;
    drop(conn);
    for cluster in clusters.iter().filter(|it| worker.clusters.contains_key(&it.name)) {
        if let Err(error) = report_orphans(worker, cluster).await {
            tracing::warn!(cluster.name = cluster.name, %error, "a cluster could not be compared with the record");
        }
    }
    Ok(())
}

async fn sync_all(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let mut at = queue_now();
    let mut after = None;
    loop {
        let ids = Instance::live_ids(&mut conn, None, after, PAGE).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(*last);
        for id in ids {
            SyncInstance::of(id).enqueue_at(&mut conn, at).await?;
            at += PACE;
        }
    }
}

async fn report_orphans(worker: &Worker, cluster: &ClusterRow) -> Result<(), WorkError> {
    // The rows first: a server that is launched meanwhile is not taken for an orphan.
    let live = live(worker, None).await?;
    let expected = sent(worker, cluster.id).await?;
    let found = worker.cluster(&cluster.name)?.list().await?;
    let now = worker.now();
    let orphan = |kind: &str, name: String| Orphan { cluster_id: cluster.id, kind: kind.to_owned(), name, found_at: now };
    let without_row = found.iter().filter(|it| {
        let id = it.spec.id.parse::<InstanceId>().ok();
        !id.is_some_and(|id| live.contains(&id.as_uuid()) && it.name_any() == id.resource_name())
    });
    let names: BTreeSet<String> = found.iter().map(ResourceExt::name_any).collect();
    let without_resource = expected.iter().map(|id| InstanceId::from_uuid(*id).resource_name()).filter(|it| !names.contains(it));
    let orphans: Vec<Orphan> = without_row
        .map(|it| orphan("resource_without_row", it.name_any()))
        .chain(without_resource.map(|it| orphan("row_without_resource", it)))
        .collect();
    for it in &orphans {
        tracing::warn!(cluster.name = cluster.name, orphan.kind = it.kind, orphan.name = it.name, "record and cluster do not match");
    }
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| Orphan::replace(conn, cluster.id, &orphans).await).await?;
    Ok(())
}

async fn live(worker: &Worker, cluster_id: Option<Uuid>) -> Result<BTreeSet<Uuid>, WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let mut all = BTreeSet::new();
    let mut after = None;
    loop {
        let ids = Instance::live_ids(&mut conn, cluster_id, after, PAGE).await?;
        let Some(last) = ids.last() else { return Ok(all) };
        after = Some(*last);
        all.extend(ids);
    }
}

/// Servers of a cluster whose custom resource was taken by it, and not torn down.
async fn sent(worker: &Worker, cluster_id: Uuid) -> Result<Vec<Uuid>, WorkError> {
    let ids: Vec<Uuid> = live(worker, Some(cluster_id)).await?.into_iter().collect();
    let mut conn = worker.app.database.conn().await?;
    let syncs = InstanceSync::of_all(&mut conn, &ids).await?;
    let taken = syncs.into_iter().filter(|it| it.reason.is_none() && it.torn_down_uid.is_none());
    Ok(taken.map(|it| it.instance_id).collect())
}
