//! Three PostgreSQL servers: Howdah's own (the machine's), the tenants' (Debian trixie's 17, in its own root filesystem), and a throw-away
//! one for quick tests. All lose their data with the stack, so none syncs to disk.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{Stack, images::Images};
use crate::{places::Places, progress::Progress, shell};

pub const CONTROL_PORT: u16 = 5432;
const TENANTS_PORT: u16 = 5433;
pub const PROVISIONER: &str = "howdah_provisioner";
pub const PROVISIONER_PASSWORD: &str = "provisioner";
/// Where the object store keeps its users.
pub const S3_USERS: &str = "seaweedfs";
pub const TEMPLATE: &str = "howdah_template";
/// What was committed outlives a `kill -9`, as it must where that is tested; it need not outlive the machine.
const THROW_AWAY: &str = "fsync=off full_page_writes=off dynamic_shared_memory_type=mmap";

impl Stack {
    pub fn database_url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{CONTROL_PORT}/howdah?sslmode=disable")
    }

    pub fn tenant_database_url(&self) -> String {
        format!("postgres://{PROVISIONER}:{PROVISIONER_PASSWORD}@{}:{TENANTS_PORT}/postgres?sslmode=disable", self.ip)
    }

    pub fn tenants_host(&self) -> (&str, u16) {
        (&self.ip, TENANTS_PORT)
    }

    /// Begins both; they are waited for later.
    pub fn start_postgres(&self, images: &Images) -> Result<()> {
        let bin = machines_postgres()?;
        let data = self.run_dir().join("control");
        // In a folder below /run: the stack's own may lie where the user postgres can't go.
        fs::create_dir_all(self.dir("postgres/control"))?;
        bind(&self.dir("postgres/control"), &data)?;
        own(&data, "postgres")?;
        initialise(&bin, &data, Some("postgres"))?;
        let mut control = Command::new("unshare");
        control.args(["--ipc", "setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(bin.join("postgres"));
        self.start("postgres", serve(&mut control, &data, &data, "127.0.0.1", CONTROL_PORT))?;

        let tenants = self.dir("postgres/tenants");
        fs::create_dir_all(&tenants)?;
        let script = self.places.deploy("postgres/tenants.sh");
        let mut server = Command::new("unshare");
        server.args(["--mount", "--ipc", "--propagation", "private", "sh"]).arg(script).arg(&images.postgres).arg(&tenants);
        self.start("postgres-tenants", server.args([&self.ip, &TENANTS_PORT.to_string()]))
    }

    /// Howdah's own, with a database for the object store's users besides.
    pub fn await_control_postgres(&self) -> Result<()> {
        let bin = machines_postgres()?;
        let control = |sql: &str| psql(&bin, ("127.0.0.1", CONTROL_PORT), "postgres", sql);
        self.wait("postgres", || control("select").is_ok())?;
        control("create database howdah")?;
        control(&format!("create database {S3_USERS}"))
    }

    pub fn await_tenants_postgres(&self) -> Result<()> {
        let bin = machines_postgres()?;
        let psql = |database: &str, sql: &str| psql(&bin, (&self.ip, TENANTS_PORT), database, sql);
        self.wait("postgres-tenants", || psql("postgres", "select").is_ok())?;
        let setup = fs::read_to_string(self.places.deploy("postgres/tenants.sql"))?;
        let (setup, template) = setup.split_once("-- in the template\n").context("tenants.sql has no part for the template")?;
        for statement in setup.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
            psql("postgres", statement)?;
        }
        psql(TEMPLATE, template)
    }
}

fn psql(bin: &Path, (host, port): (&str, u16), database: &str, sql: &str) -> Result<()> {
    let mut psql = Command::new(bin.join("psql"));
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h", host, "-d", database, "-c", sql]);
    shell::output(psql.arg("-p").arg(port.to_string()).env("PGPASSWORD", "postgres")).map(drop)
}

/// A server of its own for tests, gone when this value is.
pub struct ThrowAway {
    server: Child,
    folder: PathBuf,
    port: u16,
}

impl ThrowAway {
    pub fn start(places: &Places, progress: Progress) -> Result<Self> {
        progress.quiet("PostgreSQL for the tests", || {
            let bin = machines_postgres()?;
            let user = rustix::process::geteuid().is_root().then_some("postgres");
            // Not below the checkout, where another user may not go.
            let folder = std::env::temp_dir().join(format!("{}-test-{}", places.name(), std::process::id()));
            let data = folder.join("data");
            fs::create_dir_all(&data)?;
            if let Some(user) = user {
                own(&folder, user)?;
                own(&data, user)?;
            }
            initialise(&bin, &data, user)?;
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let mut command = as_user(user, &bin.join("postgres"));
            serve(&mut command, &data, &folder, "127.0.0.1", port).args(["-c", "max_connections=300"]);
            let log = fs::File::create(folder.join("log"))?;
            let server = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
            let throw_away = Self { server, folder, port };
            throw_away.wait(&bin)?;
            Ok(throw_away)
        })
    }

    /// A superuser's, on which tests make their own databases.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Of its first process, the parent of all others.
    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    fn wait(&self, bin: &Path) -> Result<()> {
        let begun = Instant::now();
        let ready = || {
            let port = self.port.to_string();
            shell::output(Command::new(bin.join("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &port])).is_ok()
        };
        while !ready() {
            if begun.elapsed() > Duration::from_secs(30) {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("PostgreSQL is not ready after 30 s:\n{}", shell::last_lines(&log, 10));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        // An immediate shutdown: it ends its children and frees its shared memory, and nobody needs the data.
        if let Some(pid) = rustix::process::Pid::from_raw(self.server.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        }
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where the machine's own PostgreSQL, the newest, has its programs.
fn machines_postgres() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").context("no PostgreSQL on this machine")?;
    let newest = versions.filter_map(|version| version.ok()?.file_name().to_str()?.parse::<u32>().ok()).max();
    Ok(PathBuf::from(format!("/usr/lib/postgresql/{}/bin", newest.context("no PostgreSQL on this machine")?)))
}

fn as_user(user: Option<&str>, program: &Path) -> Command {
    match user {
        None => Command::new(program),
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={user}"), format!("--regid={user}"), "--init-groups".to_owned()]).arg(program);
            command
        }
    }
}

fn initialise(bin: &Path, data: &Path, user: Option<&str>) -> Result<()> {
    let mut initdb = as_user(user, &bin.join("initdb"));
    initdb.args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "-D"]).arg(data);
    shell::output(initdb.current_dir("/")).map(drop)
}

fn serve<'a>(command: &'a mut Command, data: &Path, sockets: &Path, address: &str, port: u16) -> &'a mut Command {
    command.arg("-D").arg(data).arg("-k").arg(sockets).args(["-h", address, "-p", &port.to_string()]).current_dir("/");
    for setting in THROW_AWAY.split(' ') {
        command.args(["-c", setting]);
    }
    command
}

fn own(path: &Path, user: &str) -> Result<()> {
    let passwd = fs::read_to_string("/etc/passwd")?;
    let mut fields =
        passwd.lines().find(|line| line.starts_with(&format!("{user}:"))).with_context(|| format!("no user {user}"))?.split(':').skip(2);
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    chown(path, number(), number())?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o700))?)
}

/// Makes `from` seen at `to` too.
fn bind(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    shell::output(Command::new("mount").arg("--bind").args([from, to])).map(drop)
}
