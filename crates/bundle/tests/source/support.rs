//! A database of a test's own, with the stand-in's schema, that belongs to a role without rights.

use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use howdah_bundle::source::{DatabaseSettings, Dump, Limits, PgDump, Place, Snapshot};
use tokio_postgres::{Client, NoTls};
use url::Url;

const SERVER: &str = "HOWDAH_TEST_DATABASE_URL";
const SCHEMA: &str = include_str!("../../../standin/src/schema/sql/4_3.sql");
const SEEDS: &str = include_str!("../../../standin/src/schema/sql/seeds.sql");

pub struct TestDatabase {
    /// Of the database, and of the role that owns it.
    pub name: String,
    server: Url,
    /// The superuser, in this database.
    pub admin: Client,
    /// The owner, in this database.
    pub owner: Client,
}

pub fn server() -> Url {
    let url = std::env::var(SERVER)
        .unwrap_or_else(|_| panic!("{SERVER} names no PostgreSQL server to test on: run the tests by `cargo xtask test --quick`"));
    url.parse().expect("the server's URL can be read")
}

pub async fn connect(url: &Url) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url.as_str(), NoTls).await.unwrap_or_else(|error| panic!("{SERVER} leads to no server: {error:?}"));
    tokio::spawn(connection);
    client
}

impl TestDatabase {
    /// With Mastodon's tables, and nothing in them but the seeds.
    pub async fn mastodon() -> Self {
        Self::empty().await.with_schema().await
    }

    pub async fn with_schema(self) -> Self {
        let database = self.with_tables().await;
        database.owner(SEEDS).await;
        database
    }

    /// As `rails db:schema:load` leaves it.
    pub async fn schema_only() -> Self {
        Self::empty().await.with_tables().await
    }

    async fn with_tables(self) -> Self {
        let schema = SCHEMA.replace("{salt}", &"0".repeat(32));
        let migrations = "CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
            CREATE TABLE ar_internal_metadata (key varchar NOT NULL PRIMARY KEY, value varchar, created_at timestamp(6), updated_at timestamp(6));
            INSERT INTO schema_migrations VALUES ('20241007071624'), ('20160220174730');";
        self.owner(&format!("{schema}{migrations}")).await;
        self
    }

    pub async fn empty() -> Self {
        Self::made("ENCODING 'UTF8'").await
    }

    /// `options` of `CREATE DATABASE`.
    pub async fn made(options: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let name = format!("howdah_source_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let maintenance = connect(&server).await;
        for statement in [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("DROP ROLE IF EXISTS {name}"),
            format!("CREATE ROLE {name} LOGIN PASSWORD 'hunter2'"),
            format!("CREATE DATABASE {name} OWNER {name} {options} TEMPLATE template0"),
        ] {
            maintenance.batch_execute(&statement).await.unwrap();
        }
        let mut url = server.clone();
        url.set_path(&name);
        let admin = connect(&url).await;
        url.set_username(&name).unwrap();
        url.set_password(Some("hunter2")).unwrap();
        let owner = connect(&url).await;
        Self { name, server, admin, owner }
    }

    /// Statements of its owner's.
    pub async fn owner(&self, sql: &str) {
        self.owner.batch_execute(sql).await.unwrap_or_else(|error| panic!("`{sql}`: {error:?}"));
    }

    /// Statements of a superuser's.
    pub async fn admin(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("`{sql}`: {error:?}"));
    }

    /// The owner's.
    pub fn url(&self) -> Url {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.set_username(&self.name).unwrap();
        url.set_password(Some("hunter2")).unwrap();
        url
    }

    pub fn settings(&self) -> DatabaseSettings {
        DatabaseSettings::from_url(self.url().as_str(), &Place::default()).unwrap()
    }

    pub fn superusers_settings(&self) -> DatabaseSettings {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        DatabaseSettings::from_url(url.as_str(), &Place::default()).unwrap()
    }

    pub async fn snapshot(&self) -> Snapshot {
        Snapshot::open(&self.settings(), &Limits::default()).await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // On a runtime of its own: this one may be ending.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let maintenance = connect(&server).await;
                maintenance.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
                maintenance.batch_execute(&format!("DROP ROLE IF EXISTS {name}")).await.unwrap();
            });
        });
        let dropped = dropped.join();
        assert!(dropped.is_ok() || std::thread::panicking(), "the test's database could not be dropped");
    }
}

pub fn pg_dump(snapshot: &Snapshot) -> PgDump {
    PgDump::find(snapshot.major(), None, std::env::var_os("PATH").as_deref()).unwrap()
}

/// All of a dump, and what `pg_restore` of the same version makes of the rows in it.
pub async fn dumped(database: &TestDatabase, snapshot: &Snapshot) -> String {
    let (pg_dump, settings, id) = (pg_dump(snapshot), database.settings(), snapshot.id().to_owned());
    let major = snapshot.major();
    tokio::task::spawn_blocking(move || {
        let mut dump: Dump = pg_dump.start(&settings, &id).unwrap();
        let mut bytes = Vec::new();
        dump.read_to_end(&mut bytes).unwrap();
        dump.finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup.dump");
        std::fs::write(&path, bytes).unwrap();
        let usual = format!("/usr/lib/postgresql/{major}/bin/pg_restore");
        let pg_restore = if Path::new(&usual).exists() { usual } else { "pg_restore".to_owned() };
        let output = Command::new(pg_restore).args(["--data-only", "--file=-"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    })
    .await
    .unwrap()
}

/// The rows of a table in what [`dumped`] gave.
pub fn rows<'a>(script: &'a str, table: &str) -> Vec<&'a str> {
    let start = format!("COPY public.{table} ");
    let mut lines = script.lines().skip_while(|it| !it.starts_with(&start));
    assert!(lines.next().is_some(), "the dump has no rows of {table}");
    lines.take_while(|it| *it != "\\.").collect()
}
