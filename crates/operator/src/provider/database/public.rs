//! The server's databases that are no tenant's: PostgreSQL lets every role connect to a new one, and make temporary tables in it.

use postgres_protocol::escape::escape_identifier;

use super::session::{Session, failed};
use super::{DatabaseError, DatabaseServerSettings};

/// Those that everybody may use, with whether the provisioner owns them.
const OPEN: &str = "SELECT datname::text, datdba = current_user::regrole FROM pg_catalog.pg_database \
                    WHERE datname::text = ANY ($1) AND has_database_privilege('public', oid, 'CONNECT, TEMPORARY') ORDER BY datname";

pub(super) async fn keep_out(settings: &DatabaseServerSettings) -> Result<Vec<String>, DatabaseError> {
    let session = Session::provisioner(settings).await?;
    let names = [settings.database.as_str(), settings.template.as_str(), "postgres", "template1"];
    let rows = session.query(OPEN, &[&names.as_slice()]).await.map_err(failed("look up who may connect to", &settings.database))?;
    let mut left = Vec::new();
    for row in rows {
        let (name, is_ours): (String, bool) = (row.get(0), row.get(1));
        if is_ours {
            let sql = format!("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC", escape_identifier(&name));
            session.run("keep everybody out of", &name, &sql, &[]).await?;
        } else {
            left.push(name);
        }
    }
    Ok(left)
}
