//! A database of a test's own, that belongs to a role without rights, as a Mastodon server's does. It is spoken to by psql.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use url::Url;

const SERVER: &str = "HOWDAH_TEST_DATABASE_URL";
const SCHEMA: &str = include_str!("../../../standin/src/schema/sql/4_3.sql");
const SEEDS: &str = include_str!("../../../standin/src/schema/sql/seeds.sql");
const MIGRATIONS: &str = "CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
    CREATE TABLE ar_internal_metadata (key varchar NOT NULL PRIMARY KEY, value varchar, created_at timestamp(6), updated_at timestamp(6));
    INSERT INTO schema_migrations VALUES ('20241007071624'), ('20160220174730');";
/// Longer than any statement of the tests' takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Database {
    /// Of the role that owns it, too.
    pub name: String,
    pub url: Url,
}

/// The superuser's, in the database `postgres`.
pub fn server() -> Url {
    let url = std::env::var(SERVER)
        .unwrap_or_else(|_| panic!("{SERVER} names no PostgreSQL server to test on: run the tests by `cargo xtask test --quick`"));
    url.parse().unwrap()
}

pub fn psql(url: &Url, sql: &str) -> String {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url.as_str(), "-f", "-"]);
    let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut input, sql) = (psql.stdin.take().unwrap(), sql.to_owned());
    // What it answers may fill the pipe before it has read all.
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut input, sql.as_bytes()));
    let done = psql.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

impl Database {
    /// As `rails db:schema:load` leaves it.
    pub fn schema_only() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("howdah_command_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        forget(&name);
        psql(&server(), &format!("CREATE ROLE {name} LOGIN PASSWORD 'hunter2'"));
        psql(&server(), &format!("CREATE DATABASE {name} OWNER {name} ENCODING 'UTF8' TEMPLATE template0"));
        let mut url = server();
        url.set_path(&name);
        url.set_username(&name).unwrap();
        url.set_password(Some("hunter2")).unwrap();
        let database = Self { name, url };
        database.sql(&format!("{}{MIGRATIONS}", SCHEMA.replace("{salt}", &"0".repeat(32))));
        database
    }

    pub fn seeded() -> Self {
        let database = Self::schema_only();
        database.sql(SEEDS);
        database
    }

    /// As its owner.
    pub fn sql(&self, sql: &str) -> String {
        psql(&self.url, sql)
    }

    /// Rows of every table that has any, and a digest of them; and how many indexes and constraints there are, without a name.
    pub fn content(&self) -> BTreeMap<String, String> {
        content(&self.url)
    }

    /// Nobody of its role is connected any more: what a killed program had begun is undone by then, or done.
    pub fn settle(&self) {
        let begun = Instant::now();
        let here = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'", self.name);
        while psql(&server(), &here) != "0" {
            assert!(begun.elapsed() < PATIENCE, "somebody stays connected to {}", self.name);
        }
    }
}

pub fn content(url: &Url) -> BTreeMap<String, String> {
    let tables = "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1";
    let each = |table: &str| {
        format!(
            r"SELECT '{table} ' || count(*) || ' ' || md5(string_agg(t::text, E'\n' ORDER BY t::text)) FROM public.{table} t HAVING count(*) > 0;"
        )
    };
    let questions: String = psql(url, tables).lines().map(each).collect();
    let made = "SELECT ' ' || (SELECT count(*) FROM pg_indexes WHERE schemaname = 'public') || ' ' || \
                (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype = 'f');";
    let answers = psql(url, &(questions + made));
    answers.lines().filter_map(|it| it.split_once(' ')).map(|(table, rest)| (table.to_owned(), rest.to_owned())).collect()
}

/// Of a database, and of the role that owns it.
pub fn forget(name: &str) {
    for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("DROP ROLE IF EXISTS {name}")] {
        psql(&server(), &statement);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            forget(&self.name);
        }
    }
}
