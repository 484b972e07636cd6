//! The end of a tenant's database and role. Called only where the teardown was confirmed.

use postgres_protocol::escape::escape_identifier;

use super::session::{Session, failed};
use super::{DatabaseError, DatabaseServerSettings};

pub(super) async fn destroy(settings: &DatabaseServerSettings, name: &str) -> Result<(), DatabaseError> {
    let session = Session::provisioner(settings).await?;
    session.lock(name).await?;
    let role = session.query_opt("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", &[&name]).await;
    if role.map_err(failed("look up the role", name))?.is_none() {
        // The database is its role's: without the role there is none.
        return Ok(());
    }
    let quoted = escape_identifier(name);
    // First: whoever is thrown out by FORCE does not come back.
    session.run("close the role", name, &format!("ALTER ROLE {quoted} NOLOGIN"), &[]).await?;
    let database = session.query_opt("SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = $1", &[&name]).await;
    if let Some(row) = database.map_err(failed("look up the database", name))? {
        session.run("act as", name, &format!("SET ROLE {quoted}"), &[]).await?;
        // Its owner can make it a template, and a template is not dropped.
        if row.get(0) {
            session.run("make no template of", name, &format!("ALTER DATABASE {quoted} IS_TEMPLATE false"), &[]).await?;
        }
        session.run("drop the database", name, &format!("DROP DATABASE IF EXISTS {quoted} WITH (FORCE)"), &[]).await?;
        session.run("stop acting as", name, "RESET ROLE", &[]).await?;
    }
    session.run("drop the role", name, &format!("DROP ROLE IF EXISTS {quoted}"), &[]).await
}
