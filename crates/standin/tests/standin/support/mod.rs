//! A server for one test: its database, its Redis, its folder, its processes. All of it goes when the test ends.

mod object_store;
mod process;
mod redis;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls};

pub use object_store::ObjectStore;
pub use process::{Process, free_port};
pub use redis::Redis;

const SERVER: &str = "HOWDAH_TEST_DATABASE_URL";
pub const DOMAIN: &str = "social.example";
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The generator point of P-256, whose private key is 1.
const VAPID: (&str, &str) = (
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
    "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU=",
);

pub struct Server {
    pub env: BTreeMap<String, String>,
    pub folder: TempDir,
    pub redis: Redis,
    name: String,
    superuser: Config,
}

impl Server {
    /// With an empty database, owned by a role that is no superuser.
    pub async fn new(version: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var(SERVER)
            .unwrap_or_else(|_| panic!("{SERVER} names no PostgreSQL server to test on: run the tests by `cargo xtask test --quick`"));
        let superuser: Config = url.parse().expect("the URL of the server for tests can be read");
        let name = format!("standin_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let admin = connect(&superuser).await;
        for sql in [
            format!("CREATE ROLE {name} LOGIN PASSWORD 'secret'"),
            format!("CREATE DATABASE {name} OWNER {name}"),
            format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"),
        ] {
            admin.batch_execute(&sql).await.expect("the server makes a role and a database");
        }
        let folder = tempfile::tempdir().expect("a folder can be made");
        std::fs::create_dir(folder.path().join("tmp")).expect("a folder can be made");
        let redis = Redis::start(folder.path()).await;
        let mut server = Self { env: environment(version), folder, redis, name, superuser };
        server.point_at_stores();
        server
    }

    /// With the schema loaded.
    pub async fn prepared(version: &str) -> Self {
        let server = Self::new(version).await;
        server.runs("bundle exec rake db:prepare");
        server
    }

    fn point_at_stores(&mut self) {
        let host = match self.superuser.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
            Some(tokio_postgres::config::Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        let port = self.superuser.get_ports().first().copied().unwrap_or(5432).to_string();
        let (name, redis_port) = (self.name.clone(), self.redis.port.to_string());
        for (key, value) in [
            ("DB_HOST", host.as_str()),
            ("DB_PORT", &port),
            ("DB_NAME", &name),
            ("DB_USER", &name),
            ("DB_PASS", "secret"),
            ("REDIS_PORT", &redis_port),
        ] {
            self.set(key, value);
        }
    }

    pub fn keep_media_in(&mut self, store: &ObjectStore) {
        for (key, value) in [
            ("S3_ENABLED", "true"),
            ("S3_ENDPOINT", &format!("http://127.0.0.1:{}", store.port)),
            ("S3_BUCKET", "mi-a"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("S3_ALIAS_HOST", "media.social.example"),
        ] {
            self.set(key, value);
        }
    }

    pub fn set(&mut self, key: &str, value: &str) {
        self.env.insert(key.to_owned(), value.to_owned());
    }

    pub fn unset(&mut self, key: &str) {
        self.env.remove(key);
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_howdah-standin"));
        command.args(line.split(' ')).current_dir(self.folder.path()).env_clear().envs(&self.env);
        command
    }

    /// Runs a command line to its end.
    pub fn run(&self, line: &str) -> Output {
        self.command(line).output().expect("the binary can be run")
    }

    /// Runs a command line that has to end well; what it printed.
    pub fn runs(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "`{line}` failed: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("what is printed is text")
    }

    /// Runs a command line that has to fail with exit code 1; what it said.
    pub fn fails(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(1), "`{line}`: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).expect("what is said is text")
    }

    /// Starts a process that stays; `PORT` is a free one.
    pub fn start(&self, line: &str) -> Process {
        Process::start(self.command(line))
    }

    /// The database, as the tenant's own role.
    pub async fn database(&self) -> Client {
        let mut config = self.superuser.clone();
        connect(config.dbname(&self.name).user(&self.name).password("secret")).await
    }

    /// One number, asked of the database.
    pub async fn number(&self, sql: &str) -> i64 {
        self.database().await.query_one(sql, &[]).await.expect("the question can be asked").get(0)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let (name, superuser) = (self.name.clone(), self.superuser.clone());
        // A runtime of its own: this may run inside another one.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
            runtime.block_on(async {
                let admin = connect(&superuser).await;
                admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
                admin.batch_execute(&format!("DROP ROLE IF EXISTS {name}")).await
            })
        })
        .join();
        assert!(std::thread::panicking() || matches!(dropped, Ok(Ok(()))), "the test's database could not be dropped");
    }
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}

fn environment(version: &str) -> BTreeMap<String, String> {
    let secret_key_base = "0123456789abcdef".repeat(8);
    [
        ("PATH", "/usr/bin:/bin"),
        ("STANDIN_VERSION", version),
        ("STANDIN_RETRY_SECONDS", "1"),
        ("STANDIN_SELF_DESTRUCT_INTERVAL_SECONDS", "1"),
        ("LOCAL_DOMAIN", DOMAIN),
        ("SECRET_KEY_BASE", secret_key_base.as_str()),
        ("ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"),
        ("ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT", "cccccccccccccccccccccccccccccccc"),
        ("OTP_SECRET", "otp"),
        ("VAPID_PRIVATE_KEY", VAPID.0),
        ("VAPID_PUBLIC_KEY", VAPID.1),
        ("REDIS_HOST", "127.0.0.1"),
        ("SMTP_SERVER", "relay"),
        ("SMTP_PORT", "25"),
        ("SMTP_LOGIN", "login"),
        ("SMTP_PASSWORD", "password"),
        ("SMTP_FROM_ADDRESS", "notifications@social.example"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// Asks again until there is an answer, or the deadline is over.
pub async fn wait_for<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
