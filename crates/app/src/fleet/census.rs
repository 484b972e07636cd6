//! How many servers there are in each state, and on which clusters they can be.

use howdah_db::models::place::Cluster;

use crate::instances::{ServerCounts, ServerQuery, counted};
use crate::{Actor, App, Error};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// Of everybody's servers.
    pub counts: ServerCounts,
    pub clusters: Vec<ClusterName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterName {
    pub name: String,
    pub is_retired: bool,
}

/// Reads every server: not to be asked for each page.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn census(app: &App, actor: &Actor) -> Result<Census, Error> {
    let counts = counts(app, actor, &ServerQuery::default()).await?;
    let clusters = Cluster::all(&*app.conn().await?).await?;
    let name = |it: Cluster| ClusterName { name: it.name, is_retired: it.retired_at.is_some() };
    Ok(Census { counts, clusters: clusters.into_iter().map(name).collect() })
}

/// Of the servers that a list of the fleet holds with one state or another chosen.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn counts(app: &App, actor: &Actor, query: &ServerQuery) -> Result<ServerCounts, Error> {
    actor.may_operate()?;
    counted(app, actor, &ServerQuery { fleet: true, ..query.clone() }).await
}
