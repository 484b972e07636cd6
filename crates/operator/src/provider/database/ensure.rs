//! Role and database of one tenant, brought to what they should be.

use postgres_protocol::escape::{escape_identifier, escape_literal};
use postgres_protocol::password::scram_sha_256;
use secrecy::{ExposeSecret, SecretString};

use super::session::{Session, failed};
use super::{DatabaseError, DatabaseServerSettings};

/// From 16 on a membership says by itself whether it inherits; before, the provisioner's own INHERIT decided.
const MEMBERSHIP_OPTIONS: i32 = 160_000;

pub(super) async fn ensure(
    settings: &DatabaseServerSettings,
    name: &str,
    password: &SecretString,
    connection_limit: i32,
) -> Result<(), DatabaseError> {
    let session = Session::provisioner(settings).await?;
    session.lock(name).await?;
    ensure_role(&session, name, password, connection_limit).await?;
    grant_membership(&session, name).await?;
    ensure_database(&session, settings, name).await
}

async fn ensure_role(session: &Session, name: &str, password: &SecretString, connection_limit: i32) -> Result<(), DatabaseError> {
    let role = session
        .query_opt("SELECT rolsuper OR rolreplication OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = $1", &[&name])
        .await
        .map_err(failed("look up the role", name))?;
    let verb = match role {
        None => "CREATE",
        Some(row) if row.get(0) => return Err(DatabaseError::PrivilegedRole { name: name.to_owned() }),
        Some(_) => "ALTER",
    };
    // The verifier, not the password: statements are logged.
    let verifier = scram_sha_256(password.expose_secret().as_bytes());
    let sql = format!(
        "{verb} ROLE {} LOGIN NOCREATEDB NOCREATEROLE INHERIT CONNECTION LIMIT {connection_limit} PASSWORD {}",
        escape_identifier(name),
        escape_literal(&verifier)
    );
    session.run("make the role", name, &sql, &[]).await
}

/// To act as the tenant on what the tenant owns: make its database, set its grants, drop it.
async fn grant_membership(session: &Session, name: &str) -> Result<(), DatabaseError> {
    let version: i32 = session
        .query_one("SELECT current_setting('server_version_num')::int4", &[])
        .await
        .map_err(failed("read the server's version for", name))?
        .get(0);
    let options = if version >= MEMBERSHIP_OPTIONS { " WITH INHERIT FALSE, SET TRUE" } else { "" };
    let sql = format!("GRANT {} TO CURRENT_USER{options}", escape_identifier(name));
    session.run("become a member of", name, &sql, &[]).await
}

/// A new database lets nobody in until its grants are set; `datallowconn` says that all of this was done.
async fn ensure_database(session: &Session, settings: &DatabaseServerSettings, name: &str) -> Result<(), DatabaseError> {
    let quoted = escape_identifier(name);
    let found = session
        .query_opt("SELECT pg_get_userbyid(datdba)::text, datallowconn FROM pg_catalog.pg_database WHERE datname = $1", &[&name])
        .await
        .map_err(failed("look up the database", name))?;
    let open = match found {
        None => {
            let template = escape_identifier(&settings.template);
            let sql = format!("CREATE DATABASE {quoted} OWNER {quoted} TEMPLATE {template} ALLOW_CONNECTIONS false");
            session.run("make the database", name, &sql, &[]).await?;
            false
        }
        Some(row) => {
            let owner: String = row.get(0);
            if owner != name {
                return Err(DatabaseError::ForeignOwner { name: name.to_owned(), owner });
            }
            row.get(1)
        }
    };
    // Only the owner can; the session ends right after, so the role is not handed back.
    session.run("act as", name, &format!("SET ROLE {quoted}"), &[]).await?;
    session.run("keep others out of the database", name, &format!("REVOKE ALL ON DATABASE {quoted} FROM PUBLIC"), &[]).await?;
    if !open {
        session.run("open the database", name, &format!("ALTER DATABASE {quoted} ALLOW_CONNECTIONS true"), &[]).await?;
    }
    Ok(())
}
