//! One read-only transaction that everything is read in.

use std::time::Duration;

use tokio_postgres::Client;

use super::DatabaseError;
use super::catalogue::{self, Table};
use super::session::Session;
use crate::format::Finding;
use crate::source::{DatabaseSettings, notice};

/// The oldest PostgreSQL whose catalogue is known here: Mastodon 4.3's.
const OLDEST: u32 = 12;

/// How long the server may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connect: Duration,
    /// For a lock that a running migration holds.
    pub lock: Duration,
    /// For one statement: an exact count of a table with 10⁸ rows takes minutes.
    pub statement: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), lock: Duration::from_secs(30), statement: Duration::from_secs(3600) }
    }
}

/// `REPEATABLE READ, READ ONLY`, exported for `pg_dump --snapshot`. It ends when this is dropped.
///
/// Its tables are locked as `pg_dump` locks them (`ACCESS SHARE`): a migration that would rewrite one waits, and can't empty it under the
/// snapshot.
pub struct Snapshot {
    session: Session,
    id: String,
    version_num: u32,
    pub(super) tables: Vec<Table>,
    findings: Vec<Finding>,
    settings: DatabaseSettings,
    limits: Limits,
}

impl Snapshot {
    /// Connects (directly: a pooler between transactions breaks `pg_dump`) and takes the snapshot.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn open(settings: &DatabaseSettings, limits: &Limits) -> Result<Self, DatabaseError> {
        let session = Session::open(settings, limits, None).await?;
        let about = about(session.client()).await?;
        if about.version_num / 10_000 < OLDEST {
            return Err(DatabaseError::Old { version: about.version, oldest: OLDEST });
        }
        // Before any name is read: it could be no text.
        if about.encoding == "SQL_ASCII" {
            return Err(DatabaseError::Encoding { database: settings.shown() });
        }
        let functions = functions(session.client()).await?;
        let tables = catalogue::tables(session.client()).await?;
        lock(session.client(), &tables).await?;
        let findings = findings(settings, &about, &functions, &tables);
        Ok(Self {
            session,
            id: about.snapshot,
            version_num: about.version_num,
            tables,
            findings,
            settings: settings.clone(),
            limits: *limits,
        })
    }

    /// For `pg_dump --snapshot`, as long as this lives.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Of the server: `pg_dump` has to be of the same.
    #[must_use]
    pub const fn major(&self) -> u32 {
        self.version_num / 10_000
    }

    pub(super) const fn version_num(&self) -> u32 {
        self.version_num
    }

    pub(super) fn database(&self) -> String {
        self.settings.shown()
    }

    /// Inside the transaction, for others' queries: an error of one aborts the snapshot, unless it runs in a savepoint.
    #[must_use]
    pub const fn client(&self) -> &Client {
        self.session.client()
    }

    /// Whether statements may be planned on this table of `public`: it is there, and has no booby trap (see the module's documentation).
    #[must_use]
    pub fn plannable(&self, table: &str) -> bool {
        self.tables.iter().any(|it| it.name == table && it.plannable())
    }

    /// Another connection that sees the same rows, for what may fail.
    pub(super) async fn another(&self) -> Result<Session, DatabaseError> {
        Session::open(&self.settings, &self.limits, Some(&self.id)).await
    }

    /// About the session and the schema, such as a superuser's.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Ends the transaction in good order. Dropping it ends it, too.
    pub async fn close(self) {
        self.session.close().await;
    }
}

struct About {
    snapshot: String,
    version: String,
    version_num: u32,
    encoding: String,
    user: String,
    superuser: bool,
}

async fn about(client: &Client) -> Result<About, DatabaseError> {
    let row = client
        .query_one(
            "SELECT pg_catalog.pg_export_snapshot(), pg_catalog.current_setting('server_version'),
                    pg_catalog.current_setting('server_version_num'), pg_catalog.current_setting('server_encoding'),
                    current_user::pg_catalog.text,
                    (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)",
            &[],
        )
        .await
        .map_err(DatabaseError::query("the server's version"))?;
    Ok(About {
        snapshot: row.get(0),
        version: row.get(1),
        version_num: row.get::<_, &str>(2).parse().unwrap_or_default(),
        encoding: row.get(3),
        user: row.get(4),
        superuser: row.get::<_, Option<bool>>(5).unwrap_or(true),
    })
}

/// Those in `public` that are neither Mastodon's nor an extension's.
async fn functions(client: &Client) -> Result<Vec<String>, DatabaseError> {
    let rows = client.query(FUNCTIONS, &[]).await.map_err(DatabaseError::query("the list of functions"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

const FUNCTIONS: &str = "
    SELECT p.proname::pg_catalog.text
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = 'public' AND p.proname <> 'timestamp_id'
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
      )
    GROUP BY 1
    ORDER BY 1
    LIMIT 20";

async fn lock(client: &Client, tables: &[Table]) -> Result<(), DatabaseError> {
    for table in tables {
        let statement = format!("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", table.sql());
        client.batch_execute(&statement).await.map_err(DatabaseError::query(format!("the table {}", table.name)))?;
    }
    Ok(())
}

fn findings(settings: &DatabaseSettings, about: &About, functions: &[String], tables: &[Table]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if about.superuser {
        findings.push(notice(
            &about.user,
            "superuser",
            format!(
                "the role {} is a superuser: what somebody left in this database may run with all of its rights, `pg_dump` included; let Mastodon's tables belong to a role without them, and name that in DB_USER",
                about.user
            ),
        ));
    }
    if settings.port == 6432 {
        findings.push(notice(
            "DB_PORT",
            "pooler",
            "port 6432 is PgBouncer's: `pg_dump` and the snapshot need the server itself; name its own host and port",
        ));
    }
    if !functions.is_empty() {
        findings.push(notice(
            functions.join(", "),
            "foreign_functions",
            "these functions in `public` are not Mastodon's: none was called here; `pg_restore` of this dump makes them again, and Howdah's own import does not",
        ));
    }
    for table in tables.iter().filter(|it| !it.plannable()) {
        findings.push(notice(
            &table.name,
            "calls_in_index",
            format!(
                "an index or statistics of {} use what is not PostgreSQL's own ({}), which planning a statement on the table might run: it was read without planning, so that its rows are counted and nothing else",
                table.name,
                table.calls.join(", ")
            ),
        ));
    }
    findings
}
