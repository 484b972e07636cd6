//! The pages and the API with 10,000 servers in the record, beside the bare peer.
//!
//! Whoever answers has core 0 to itself; PostgreSQL and wrk share core 1. The routes take turns, round by round, so that whatever else
//! the machine does meets them all.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    folder::Folder,
    load::{Measured, Processes, Route, Wrk, median},
};
use crate::{dist, packages, places::Places, progress::Progress, shell, stack::ThrowAway};

const SERVER: &str = "127.0.0.1:18080";
const BARE: &str = "127.0.0.1:18081";
const ROUNDS: usize = 5;
const LASTING: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_secs(2);
/// Of wrk; of the pools it is twice that.
const CONNECTIONS: u32 = 8;
/// As many as `pages.sql` makes.
const SESSIONS: u32 = 2000;
const SERVER_CORE: &str = "0";
const OTHER_CORE: usize = 1;

pub fn run(places: &Places, no_build: bool) -> Result<()> {
    let progress = Progress::start();
    packages::ensure(progress, &[packages::POSTGRESQL, packages::WRK])?;
    if !no_build {
        dist::build(places, progress, &["howdah", "howdah-bench"])?;
    }
    stay_on(OTHER_CORE)?;
    let bench = Bench::set_up(places, progress)?;
    let rounds = progress.step("measuring", || bench.measure(progress))?;
    println!("\n{}", table(&bench.routes, &rounds));
    Ok(())
}

/// This process, and all that it starts from now on.
fn stay_on(core: usize) -> Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    rustix::thread::sched_setaffinity(None, &set).context("two cores are needed: one for whoever answers, one for who asks")
}

struct Bench {
    routes: Vec<Route>,
    script: PathBuf,
    server: Program,
    bare: Program,
    // Ended last.
    postgres: ThrowAway,
    _folder: Folder,
}

impl Bench {
    fn set_up(places: &Places, progress: Progress) -> Result<Self> {
        let postgres = ThrowAway::start(places, progress)?;
        let folder = Folder::new(places)?;
        let howdah = Howdah { places, url: postgres.url(), folder: &folder.0 };
        progress.step("10,000 servers", || howdah.seed())?;
        let first = shell::output(psql(&postgres.url()).args(["-c", "select id from instances where slug = 'birds-1'"]))?;
        let server = Program::start(&mut howdah.command(&["server", "--threads=1", "--behind-proxy", "--listen", SERVER]), SERVER)?;
        let mut bare = on_core(&dist::program(places, "howdah-bench"));
        bare.args(["--database-url", &postgres.url(), "--listen", BARE, "--database-connections", &pool()]);
        let bare = Program::start(&mut bare, BARE)?;
        let script = places.checkout.join("crates/bench/wrk.lua");
        Ok(Self { routes: routes(first.trim()), script, server, bare, postgres, _folder: folder })
    }

    /// Of each round, each route's figures.
    fn measure(&self, progress: Progress) -> Result<Vec<Vec<Measured>>> {
        self.round(WARM_UP)?;
        let round = |number| {
            let figures = self.round(LASTING)?;
            progress.say(format!("round {number} of {ROUNDS}"));
            Ok(figures)
        };
        (1..=ROUNDS).map(round).collect()
    }

    fn round(&self, lasting: Duration) -> Result<Vec<Measured>> {
        let wrk = Wrk { script: &self.script, connections: CONNECTIONS, sessions: SESSIONS, lasting };
        let run = |(at, route): (usize, &Route)| {
            let (address, program) = if at == 0 { (BARE, &self.bare) } else { (SERVER, &self.server) };
            wrk.run(address, route, Processes { server: program.0.id(), database: self.postgres.pid() })
        };
        self.routes.iter().enumerate().map(run).collect()
    }
}

/// The bare one first.
fn routes(id: &str) -> Vec<Route> {
    let page = |name, path: &str, value| Route { name, path: path.to_owned(), range: 12, header: "Cookie", value };
    let (operator, customer) = ("__Host-howdah=operator-%d", "__Host-howdah=customer-%d");
    vec![
        page("bare route: one row by its id", &format!("/{id}"), customer),
        page("`/operator`: the fleet’s first page", "/operator", operator),
        Route { range: 10_000, ..page("`/operator?q=…`: a search by domain", "/operator?q=birds-%d.", operator) },
        page("`/servers`: a customer’s list", "/servers", customer),
        page("`/servers/{slug}`: one server", "/servers/birds-%d", customer),
        Route {
            header: "Authorization",
            value: "Bearer howdah_customer-%d",
            ..page("`/api/v1/instances/{id}`", &format!("/api/v1/instances/{id}"), "")
        },
    ]
}

fn table(routes: &[Route], rounds: &[Vec<Measured>]) -> String {
    let mut lines = vec![
        "| route | requests/s | of the bare route’s | p50 | p99 | server CPU a request | of the bare route’s | PostgreSQL CPU a request |"
            .to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    for (at, route) in routes.iter().enumerate() {
        let of = |figure: &dyn Fn(&Measured) -> f64| median(rounds.iter().map(|round| figure(&round[at])).collect());
        let ratio = |figure: &dyn Fn(&Measured) -> f64| median(rounds.iter().map(|round| figure(&round[at]) / figure(&round[0])).collect());
        lines.push(format!(
            "| {} | {:.0} | {:.0} % | {:.1} ms | {:.1} ms | {:.2} ms | {:.1} × | {:.2} ms |",
            route.name,
            of(&|it| it.per_second),
            ratio(&|it| it.per_second) * 100.0,
            of(&|it| it.p50_ms),
            of(&|it| it.p99_ms),
            of(&|it| it.server_ms),
            ratio(&|it| it.server_ms),
            of(&|it| it.database_ms),
        ));
    }
    lines.join("\n")
}

/// The real program on a record of its own.
struct Howdah<'a> {
    places: &'a Places,
    url: String,
    folder: &'a Path,
}

impl Howdah<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let settings = [
            ("DATABASE_URL", self.url.clone()),
            ("DATABASE_CONNECTIONS", pool()),
            ("KEY_FILE", self.folder.join("keys").display().to_string()),
            ("DASHBOARD_URL", "https://howdah.example".to_owned()),
            ("PLATFORM_DOMAINS", "platform.example".to_owned()),
            ("INGRESS_ADDRESSES", "192.0.2.10".to_owned()),
            ("RELAY_SERVER", "relay.howdah.example".to_owned()),
            ("RELAY_FROM_DOMAIN", "howdah.example".to_owned()),
        ];
        let mut command = on_core(&dist::program(self.places, "howdah"));
        command.args(arguments).envs(settings.map(|(name, value)| (format!("HOWDAH_{name}"), value)));
        command
    }

    fn seed(&self) -> Result<()> {
        let run = |arguments: &[&str]| shell::output(&mut self.command(arguments));
        run(&["migrate"])?;
        fs::write(self.folder.join("keys"), run(&["admin", "new-key"])?)?;
        run(&["admin", "setup", "--support-address", "support@howdah.example", "--grant-every-launch"])?;
        run(&["admin", "add-place", "cluster", "main", "--capacity=20000", "--default", "--placement=default"])?;
        run(&["admin", "add-place", "database-server", "main", "--capacity=20000", "--default"])?;
        run(&["admin", "add-place", "object-store", "main", "--capacity=20000", "--default"])?;
        run(&["admin", "add-operator", "operator@howdah.example"])?;
        run(&["admin", "add-customer", "customer@howdah.example", "--servers-allowed=20"])?;
        shell::output(psql(&self.url).arg("-f").arg(self.places.checkout.join("crates/bench/pages.sql"))).map(drop)
    }
}

fn pool() -> String {
    (2 * CONNECTIONS).to_string()
}

fn on_core(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", SERVER_CORE]).arg(program);
    command
}

fn psql(url: &str) -> Command {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", url]);
    psql
}

/// Ended when this value is.
struct Program(Child);

impl Program {
    fn start(command: &mut Command, address: &str) -> Result<Self> {
        let begun = Instant::now();
        let mut program = Self(command.stdin(Stdio::null()).spawn().with_context(|| format!("can't start {command:?}"))?);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = program.0.try_wait()? {
                bail!("{command:?} ended ({status})");
            }
            if begun.elapsed() > Duration::from_secs(30) {
                bail!("{command:?} does not listen on {address} after 30 s");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(program)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
