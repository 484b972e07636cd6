//! Load by wrk on one address, and the processor time that it costs those who answer.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::shell;

/// A second of processor time, as Linux shows it to programs (USER_HZ).
const TICKS: f64 = 100.0;

/// What is asked for, and as whom.
pub struct Route {
    pub name: &'static str,
    /// `%d` is the number of the session, at most `range`, then from 1 again.
    pub path: String,
    pub range: u32,
    pub header: &'static str,
    /// With `%d` for the number of the session.
    pub value: &'static str,
}

/// One run.
#[derive(Clone, Copy)]
pub struct Measured {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Of whoever answers, a request, in milliseconds.
    pub server_ms: f64,
    pub database_ms: f64,
}

/// Whose processor time is counted.
#[derive(Clone, Copy)]
pub struct Processes {
    pub server: u32,
    /// PostgreSQL's first: its children answer.
    pub database: u32,
}

pub struct Wrk<'a> {
    pub script: &'a Path,
    pub connections: u32,
    /// Sessions that take turns.
    pub sessions: u32,
    pub lasting: Duration,
}

impl Wrk<'_> {
    /// Asks as fast as it is answered; an answer that is no success fails the bench.
    pub fn run(&self, address: &str, route: &Route, processes: Processes) -> Result<Measured> {
        let before = (processes.server_seconds()?, processes.database_seconds()?);
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads=1", &format!("--connections={}", self.connections), &format!("--duration={}s", self.lasting.as_secs())]);
        // What is slow is measured, and not given up.
        wrk.arg("--timeout=10s");
        wrk.arg("--script").arg(self.script).arg(format!("http://{address}")).arg("--");
        wrk.args([&route.path, route.header, route.value, &self.sessions.to_string(), &route.range.to_string()]);
        let said = shell::output(&mut wrk)?;
        let after = (processes.server_seconds()?, processes.database_seconds()?);
        let line = said.lines().find_map(|line| line.strip_prefix("measured ")).with_context(|| format!("wrk said no figures:\n{said}"))?;
        let figures: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().context("wrk's figures")?;
        let [requests, failures, micros, p50, p99] = figures[..] else { anyhow::bail!("wrk said {line}") };
        ensure!(failures == 0.0 && requests > 0.0, "{}: {failures} of {requests} requests failed:\n{said}", route.name);
        Ok(Measured {
            per_second: requests / micros * 1e6,
            p50_ms: p50 / 1e3,
            p99_ms: p99 / 1e3,
            server_ms: (after.0 - before.0) * 1e3 / requests,
            database_ms: (after.1 - before.1) * 1e3 / requests,
        })
    }
}

impl Processes {
    fn server_seconds(self) -> Result<f64> {
        Ok(stat_of(self.server)?.seconds)
    }

    fn database_seconds(self) -> Result<f64> {
        let children = all()?.into_values().filter(|it| it.parent == self.database).map(|it| it.seconds).sum::<f64>();
        Ok(children + stat_of(self.database)?.seconds)
    }
}

struct Stat {
    parent: u32,
    /// In user and system mode.
    seconds: f64,
}

fn all() -> Result<BTreeMap<u32, Stat>> {
    let numbers = fs::read_dir("/proc")?.filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok());
    // One that has ended meanwhile is nobody's.
    Ok(numbers.filter_map(|pid: u32| Some((pid, stat_of(pid).ok()?))).collect())
}

fn stat_of(pid: u32) -> Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
    // The name, in brackets, may hold anything.
    let (_, rest) = text.rsplit_once(") ").context("a line of /proc/PID/stat has a name")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at).and_then(|it| it.parse::<u32>().ok()).context("a field of /proc/PID/stat");
    let ticks = f64::from(number(11)?) + f64::from(number(12)?);
    Ok(Stat { parent: number(1)?, seconds: ticks / TICKS })
}

pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
