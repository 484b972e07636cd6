//! Clusters, database servers and object stores, each with its room.

use chrono::{DateTime, Utc};
use howdah_db::models::place::{Cluster, DatabaseServer, ObjectStore};
use howdah_domain::listing::PlaceKind;

use crate::{Actor, App, Error};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceView {
    pub kind: PlaceKind,
    pub name: String,
    pub servers: i64,
    /// In servers.
    pub capacity: i32,
    pub is_default: bool,
    pub is_retired: bool,
    /// Of a cluster, whose API server does not answer.
    pub unreachable_since: Option<DateTime<Utc>>,
    pub seen_at: Option<DateTime<Utc>>,
}

impl PlaceView {
    /// Servers that it still takes.
    #[must_use]
    pub fn room(&self) -> i64 {
        if self.is_retired { 0 } else { (i64::from(self.capacity) - self.servers).max(0) }
    }
}

/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn places(app: &App, actor: &Actor) -> Result<Vec<PlaceView>, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    let clusters = Cluster::with_servers(&mut conn).await?.into_iter().map(|(it, servers)| PlaceView {
        kind: PlaceKind::Cluster,
        name: it.name,
        servers,
        capacity: it.capacity,
        is_default: it.is_default,
        is_retired: it.retired_at.is_some(),
        unreachable_since: it.unreachable_since,
        seen_at: it.seen_at,
    });
    let mut places: Vec<PlaceView> = clusters.collect();
    let of = |kind, name, (servers, capacity), is_default, retired_at: Option<DateTime<Utc>>| PlaceView {
        kind,
        name,
        servers,
        capacity,
        is_default,
        is_retired: retired_at.is_some(),
        unreachable_since: None,
        seen_at: None,
    };
    for (it, servers) in DatabaseServer::with_servers(&mut conn).await? {
        places.push(of(PlaceKind::DatabaseServer, it.name, (servers, it.capacity), it.is_default, it.retired_at));
    }
    for (it, servers) in ObjectStore::with_servers(&mut conn).await? {
        places.push(of(PlaceKind::ObjectStore, it.name, (servers, it.capacity), it.is_default, it.retired_at));
    }
    Ok(places)
}
