//! What was seen of one server, and what follows from it: one transaction each.

use howdah_crd::MastodonInstance;
use howdah_db::Conn;
use howdah_db::models::instance::Instance;
use howdah_db::models::observation::Observation;
use howdah_db::models::place::Cluster as ClusterRow;
use howdah_domain::InstanceId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::jobs::SyncInstance;
use crate::progress;
use crate::worker::{WorkError, Worker};

/// The custom resource is there, like this.
///
/// # Errors
/// Where the record can't be read or written; nothing is written then.
pub async fn seen(worker: &Worker, cluster: &str, resource: &MastodonInstance) -> Result<(), WorkError> {
    let Ok(id) = resource.spec.id.parse::<InstanceId>() else { return Ok(()) };
    let status = serde_json::to_value(&resource.status).unwrap_or(Value::Null);
    let observation = Observation {
        instance_id: id.as_uuid(),
        present: true,
        observed_revision: resource.status.as_ref().and_then(|it| it.observed_revision),
        resource_version: resource.metadata.resource_version.clone(),
        status: if status.is_null() { json!({}) } else { status },
        observed_at: worker.now(),
    };
    write(worker, cluster, observation).await
}

/// The custom resource is no longer there.
///
/// # Errors
/// As [`seen`].
pub async fn gone(worker: &Worker, cluster: &str, id: Uuid) -> Result<(), WorkError> {
    let observation = Observation {
        instance_id: id,
        present: false,
        observed_revision: None,
        resource_version: None,
        status: json!({}),
        observed_at: worker.now(),
    };
    write(worker, cluster, observation).await
}

async fn write(worker: &Worker, cluster: &str, observation: Observation) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| write_in(worker, conn, cluster, observation).await).await
}

async fn write_in(worker: &Worker, conn: &mut Conn, cluster: &str, observation: Observation) -> Result<(), WorkError> {
    let id = observation.instance_id;
    // What has no row is the orphans' report's.
    let Some(instance) = Instance::lock(conn, id).await?.filter(|it| it.tombstoned_at.is_none()) else {
        return Ok(());
    };
    let home = ClusterRow::by_id(conn, instance.cluster_id).await?;
    if home.is_none_or(|it| it.name != cluster) {
        return Ok(());
    }
    let before = Observation::of(conn, id).await?;
    let is_same = before.is_some_and(|it| it.present == observation.present && it.status == observation.status);
    if is_same {
        return Ok(());
    }
    observation.put(conn).await?;
    if !observation.present || instance.teardown_began_at.is_some() {
        // One that went by somebody else's hand is written anew; one that is being torn down goes on.
        SyncInstance::of(id).enqueue(conn).await?;
    }
    progress::advance(worker, conn, id).await?;
    Ok(())
}
