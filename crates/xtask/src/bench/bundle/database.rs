//! PostgreSQL 17 with a Mastodon server's tables in it, and the programs of that version.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{places::Places, progress::Progress, shell, stack};

const ADDRESS: &str = "127.0.0.1";
const PORT: u16 = 15_433;
/// Of the server in its root filesystem, and of every role made here.
const PASSWORD: &str = "postgres";
const TABLES: &[&str] = &["4_3", "4_3_belongings", "4_3_moderation", "4_3_views"];
const MIGRATIONS: &str = "CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
    CREATE TABLE ar_internal_metadata (key varchar NOT NULL PRIMARY KEY, value varchar, created_at timestamp(6), updated_at timestamp(6));
    INSERT INTO schema_migrations VALUES ('20241007071624'), ('20160220174730');";

pub struct Postgres {
    server: Child,
    tools: PathBuf,
    schema: String,
    rows: PathBuf,
}

impl Postgres {
    pub fn start(places: &Places, progress: Progress, folder: &Path) -> Result<Self> {
        let root = stack::postgres_rootfs(&places.cache, progress)?;
        let data = folder.join("postgres");
        fs::create_dir_all(&data)?;
        let log = fs::File::create(folder.join("postgres.log"))?;
        let mut server = Command::new("unshare");
        server.args(["--mount", "--ipc", "--propagation", "private", "sh"]).arg(places.deploy("postgres/tenants.sh"));
        server.arg(&root).arg(&data).args([ADDRESS, &PORT.to_string()]).env("HOWDAH_STACK_NAME", places.name());
        let server = server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let tools = folder.join("bin");
        write_tools(&root, &tools)?;
        let of = |name: &&str| fs::read_to_string(places.checkout.join(format!("crates/standin/src/schema/sql/{name}.sql")));
        let schema = TABLES.iter().map(of).collect::<Result<String, _>>()?.replace("{salt}", &"0".repeat(32)) + MIGRATIONS;
        let mut postgres = Self { server, tools, schema, rows: places.checkout.join("crates/bench/bundle.sql") };
        progress.quiet("PostgreSQL 17", || postgres.wait())?;
        Ok(postgres)
    }

    fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        while self.sql("postgres", "postgres", "SELECT 1").is_err() {
            if let Some(status) = self.server.try_wait()? {
                bail!("PostgreSQL 17 ended ({status})");
            }
            if begun.elapsed() > Duration::from_secs(60) {
                bail!("PostgreSQL 17 does not answer on {ADDRESS}:{PORT} after 60 s");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// A program of this server's version.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.tools.join(name)
    }

    /// As the role that owns it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{database}:{PASSWORD}@{ADDRESS}:{PORT}/{database}?sslmode=disable")
    }

    pub fn sql(&self, role: &str, database: &str, sql: &str) -> Result<String> {
        let mut psql = self.psql(role, database);
        shell::with_input(psql.args(["-f", "-"]), sql)
    }

    fn psql(&self, role: &str, database: &str) -> Command {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", ADDRESS, "-p", &PORT.to_string(), "-U", role, "-d", database]);
        psql.env("PGPASSWORD", PASSWORD);
        psql
    }

    /// Empty, with a role of its name that owns it.
    pub fn make(&self, name: &str) -> Result<()> {
        let exists = self.sql("postgres", "postgres", &format!("SELECT 1 FROM pg_roles WHERE rolname = '{name}'"))?;
        if exists.trim().is_empty() {
            self.sql("postgres", "postgres", &format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"))?;
        }
        self.sql("postgres", "postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        self.sql("postgres", "postgres", &format!("CREATE DATABASE {name} OWNER {name}"))?;
        Ok(())
    }

    /// With the release's tables, as `rails db:schema:load` leaves them.
    pub fn make_with_tables(&self, name: &str) -> Result<()> {
        self.make(name)?;
        self.sql(name, name, &self.schema).map(drop)
    }

    /// A server that people have used.
    pub fn make_with_rows(&self, name: &str, statuses: u32, attachments: u32) -> Result<()> {
        self.make_with_tables(name)?;
        let mut psql = self.psql(name, name);
        psql.args(["-v", &format!("statuses={statuses}"), "-v", &format!("attachments={attachments}"), "-f"]).arg(&self.rows);
        shell::output(&mut psql).map(drop)
    }
}

/// They are linked to libraries of their own root filesystem, so its own loader starts them.
fn write_tools(root: &Path, tools: &Path) -> Result<()> {
    fs::create_dir_all(tools)?;
    let root = root.display();
    for name in ["pg_dump", "pg_restore"] {
        let libraries = format!("{root}/usr/lib/x86_64-linux-gnu");
        let script = format!(
            "#!/bin/sh\nexec {libraries}/ld-linux-x86-64.so.2 --library-path {libraries} {root}/usr/lib/postgresql/17/bin/{name} \"$@\"\n"
        );
        let file = tools.join(name);
        fs::write(&file, script)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The shell that started it has become it.
        if let Some(pid) = rustix::process::Pid::from_raw(self.server.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        }
        let _ = self.server.wait();
    }
}
