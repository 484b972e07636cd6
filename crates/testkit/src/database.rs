//! A database per test, copied from a template that is made once for each set of migrations.
//!
//! A database and not a schema: the queue's own schema and its notification channels are the database's.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use howdah_db::{Conn, Database, Pooled};
use sha2::{Digest, Sha256};

use crate::wait::wait_for;

const SERVER: &str = "HOWDAH_TEST_DATABASE_URL";
const PREFIX: &str = "howdah_test_";
/// Held while the template is made.
const LOCK: i64 = 0x0068_6f77_6461_6802;
/// What a killed test left behind is cleared away after that.
const STALE: Duration = Duration::from_secs(3600);

/// All the tests share the machine: a connection is waited for longer than by somebody who asks the API.
const PATIENCE: Duration = Duration::from_secs(30);

/// A migrated database of this test's own, dropped with it.
pub struct TestDatabase {
    name: String,
    url: String,
    database: Database,
}

impl TestDatabase {
    /// # Panics
    /// Without a server to make it on.
    pub async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let template = template();
        let name = format!("{PREFIX}{}_{}_{}", unix_seconds(), std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        admin(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        let url = url_of(&name);
        let database = Database::open(&url, 10, tokio::runtime::Handle::current()).expect("the test server's URL can be read");
        Self { name, url, database: database.with_patience(PATIENCE) }
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// What only a test does to it.
    ///
    /// # Panics
    /// Where it can't be done.
    pub async fn execute(&self, sql: &str) {
        run(&mut *self.conn().await, sql).await;
    }

    /// Somebody else's transaction, which has what this locks.
    ///
    /// # Panics
    /// Where it can't be had.
    pub async fn hold(&self, sql: &str) -> Held<'_> {
        let mut conn = self.conn().await;
        run(&mut conn, &format!("BEGIN; {sql}")).await;
        Held { database: self, conn }
    }

    /// How many of its connections wait for somebody else's lock.
    async fn waiting(&self) -> i64 {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = BigInt)]
            waiting: i64,
        }
        let waits = "SELECT count(*) AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let found = diesel::sql_query(waits).get_result::<Found>(&mut *self.conn().await).await;
        found.expect("a connection can be had and asked").waiting
    }

    /// A connection of the pool.
    ///
    /// # Panics
    /// Without the database.
    pub async fn conn(&self) -> Pooled {
        self.database.conn().await.expect("the test's database is there")
    }
}

/// What [`TestDatabase::hold`] locks.
pub struct Held<'a> {
    database: &'a TestDatabase,
    conn: Pooled,
}

impl Held<'_> {
    /// Lets go once so many connections wait.
    ///
    /// # Panics
    /// Where they don't in time.
    pub async fn until_waited_for(mut self, connections: i64) {
        let wait = async || (self.database.waiting().await == connections).then_some(());
        wait_for("others to wait for a lock", PATIENCE, wait).await;
        run(&mut self.conn, "COMMIT").await;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn server_url() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!("{SERVER} names no PostgreSQL server to test on: run the tests by `cargo xtask test --quick`, which starts one and names it")
    })
}

/// The server's URL with another database's name.
fn url_of(name: &str) -> String {
    let server = server_url();
    let (base, query) = server.split_once('?').map_or((server.as_str(), None), |(base, query)| (base, Some(query)));
    let authority_at = base.find("://").map_or(0, |it| it + 3);
    let host = base[authority_at..].find('/').map_or(base, |it| &base[..authority_at + it]);
    query.map_or_else(|| format!("{host}/{name}"), |query| format!("{host}/{name}?{query}"))
}

/// Name of the template of this build's migrations, which exists when this returns.
fn template() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = format!("howdah_template_{}", migrations_digest());
        let made = name.clone();
        on_server(async move |conn| make_template(conn, &made).await);
        name
    })
}

async fn make_template(conn: &mut Conn, name: &str) {
    diesel::sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(LOCK).execute(conn).await.expect("the template's lock is to be had");
    if exists(conn, name).await {
        return;
    }
    clear_stale(conn).await;
    let unfinished = format!("{name}_unfinished");
    run(conn, &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
    run(conn, &format!("CREATE DATABASE {unfinished} ENCODING 'UTF8' TEMPLATE template0")).await;
    howdah_db::migrate(&url_of(&unfinished)).await.expect("the migrations run on an empty database");
    run(conn, &format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

async fn databases(conn: &mut Conn, pattern: &str) -> Vec<String> {
    let rows: Vec<Named> = diesel::sql_query("SELECT datname::text AS name FROM pg_database WHERE datname LIKE $1")
        .bind::<Text, _>(pattern)
        .load(conn)
        .await
        .expect("the server lists its databases");
    rows.into_iter().map(|it| it.name).collect()
}

async fn exists(conn: &mut Conn, name: &str) -> bool {
    databases(conn, name).await.iter().any(|it| it == name)
}

/// Databases of tests that were killed, and templates of migrations that are no more.
async fn clear_stale(conn: &mut Conn) {
    for name in databases(conn, &format!("{PREFIX}%")).await {
        let made: Option<u64> = name.strip_prefix(PREFIX).and_then(|it| it.split('_').next()).and_then(|it| it.parse().ok());
        if made.is_some_and(|it| it + STALE.as_secs() < unix_seconds()) {
            run(conn, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| it.as_secs())
}

/// Of all that makes a template what it is: our migrations, and the queue crate's version in the lock file.
fn migrations_digest() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<_> = std::fs::read_dir(root.join("migrations"))
        .expect("the migrations are in the repository's root")
        .map(|it| it.expect("the migrations can be listed").path().join("up.sql"))
        .filter(|it| it.is_file())
        .collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(std::fs::read(&file).expect("a migration can be read"));
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).expect("there is a lock file");
    let queue = lock.split("[[package]]").find(|it| it.contains("name = \"graphile_worker_migrations\"")).unwrap_or_default();
    hash.update(queue);
    let mut digest = String::new();
    for byte in &hash.finalize()[..6] {
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

async fn run(conn: &mut Conn, sql: &str) {
    conn.batch_execute(sql).await.unwrap_or_else(|error| panic!("`{sql}` failed: {error}"));
}

fn admin(sql: &str) {
    let sql = sql.to_owned();
    on_server(async move |conn| run(conn, &sql).await);
}

/// On a thread and runtime of its own: callers are tests of any flavour, and destructors.
fn on_server<F>(work: F)
where
    F: AsyncFnOnce(&mut Conn) + Send + 'static,
{
    let url = server_url();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be made");
        runtime.block_on(async {
            let database = Database::open(&url, 1, tokio::runtime::Handle::current()).expect("the test server's URL can be read");
            let mut conn =
                database.with_patience(PATIENCE).conn().await.unwrap_or_else(|error| panic!("{SERVER} leads to no server: {error}"));
            work(&mut conn).await;
        });
    });
    if thread.join().is_err() && !std::thread::panicking() {
        panic!("the test's database could not be made or dropped");
    }
}
