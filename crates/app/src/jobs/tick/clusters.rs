//! Clusters that were away: a watch that goes on where it broke says nothing of it, so somebody has to ask.

use futures::future::join_all;
use howdah_db::models::place::Cluster as ClusterRow;

use crate::worker::{WorkError, Worker};

/// No server's: the answer that there is none is an answer.
const NOBODY: &str = "is-anybody-there";

pub async fn look_again(worker: &Worker) -> Result<(), WorkError> {
    let conn = worker.app.database.conn().await?;
    let all = ClusterRow::all(&conn).await?;
    drop(conn);
    let away = all.iter().filter(|it| it.unreachable_since.is_some());
    let answers = join_all(away.map(async |row| {
        let cluster = worker.clusters.get(&row.name)?;
        cluster.get(NOBODY).await.is_ok().then_some(row)
    }));
    for row in answers.await.into_iter().flatten() {
        let mut conn = worker.app.database.conn().await?;
        ClusterRow::seen(&mut conn, row.id, true, worker.now()).await?;
        tracing::info!(cluster.name = row.name, "the cluster can be reached again");
    }
    Ok(())
}
