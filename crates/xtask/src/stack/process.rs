//! The stack's parts as processes: started detached, recorded by pid and start time, watched through /proc.
//!
//! Each carries a mark in its environment, so that what a killed xtask left is found even without the records.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::Stack;
use crate::shell;

/// The mark in a part's environment: its value is the stack's name.
pub const MARK: &str = "HOWDAH_STACK_NAME";
/// More than 20,000 makes runc's children slow to start where every number is closed one by one; fewer starve the API server.
const OPEN_FILES: &str = "--nofile=16384:16384";
const POLL: Duration = Duration::from_millis(100);
const READY_WITHIN: Duration = Duration::from_secs(90);
const LOG_LINES: usize = 15;

static STOPPING: AtomicBool = AtomicBool::new(false);

/// From now on no part is started: the stack is being taken down while another thread may still bring it up. Says whether nobody had said
/// so before: only the first takes it down.
pub fn stop_starting() -> bool {
    !STOPPING.swap(true, Ordering::SeqCst)
}

/// Whether parts that end now were meant to.
pub fn is_stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// A process that was started; the start time tells it from a later one with the same pid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub name: String,
    pub pid: i32,
    /// Clock ticks after boot.
    pub started: u64,
}

impl Record {
    pub fn is_alive(&self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.started == self.started && stat.state != 'Z')
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) {
            // It may end by itself in between; then there is nothing to signal.
            let _ = kill_process(pid, signal);
        }
    }
}

pub struct Stat {
    pub state: char,
    pub parent: i32,
    pub started: u64,
}

/// What /proc/PID/stat says, or nothing where there is no such process.
pub fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and brackets: fields are counted after its last bracket.
    let fields: Vec<&str> = text.get(text.rfind(')')? + 2..)?.split(' ').collect();
    Some(Stat { state: fields.first()?.chars().next()?, parent: fields.get(1)?.parse().ok()?, started: fields.get(19)?.parse().ok()? })
}

impl Stack {
    pub fn log(&self, part: &str) -> PathBuf {
        self.dir("log").join(format!("{part}.log"))
    }

    fn record(&self, part: &str) -> PathBuf {
        self.dir("run").join(format!("{part}.pid.json"))
    }

    /// Starts a part in a session of its own (Ctrl-C reaches xtask only), its output in its log.
    pub fn start(&self, part: &str, command: &Command) -> Result<()> {
        if is_stopping() {
            bail!("{part} is not started: the stack is being taken down");
        }
        let log = File::create(self.log(part))?;
        let mut wrapped = Command::new("setsid");
        wrapped.args(["prlimit", OPEN_FILES]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            wrapped.current_dir(folder);
        }
        wrapped.env(MARK, &self.name).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // setsid and prlimit replace themselves by what they run: the child's pid is the part's.
        let mut child = wrapped.spawn().with_context(|| format!("can't start {part}"))?;
        let pid = i32::try_from(child.id())?;
        let started = stat(pid).with_context(|| format!("{part} ended at once"))?.started;
        // A killed part that nobody waits for keeps its pid: PostgreSQL would not start again beside it.
        std::thread::spawn(move || child.wait());
        // Others read it at any moment.
        let half = self.record(part).with_extension("half");
        fs::write(&half, serde_json::to_vec(&Record { name: part.to_owned(), pid, started })?)?;
        Ok(fs::rename(half, self.record(part))?)
    }

    /// All parts that were started and not stopped.
    pub fn records(&self) -> Result<Vec<Record>> {
        let Ok(folder) = fs::read_dir(self.dir("run")) else {
            return Ok(Vec::new());
        };
        let mut records = Vec::new();
        for file in folder {
            let path = file?.path();
            if path.to_string_lossy().ends_with(".pid.json") {
                records.push(serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("can't read {}", path.display()))?);
            }
        }
        records.sort_by(|a: &Record, b| a.name.cmp(&b.name));
        Ok(records)
    }

    /// Ends a part and forgets it; does nothing where it isn't.
    pub fn stop(&self, part: &str) -> Result<()> {
        let Some(record) = self.records()?.into_iter().find(|record| record.name == part) else {
            return Ok(());
        };
        record.signal(Signal::TERM);
        let begun = Instant::now();
        while record.is_alive() {
            if begun.elapsed() > Duration::from_secs(10) {
                record.signal(Signal::KILL);
            }
            std::thread::sleep(POLL);
        }
        fs::remove_file(self.record(part)).with_context(|| format!("can't forget {part}"))
    }

    /// Waits until a part does what it is there for; says so with its log where it ends or takes too long.
    pub fn wait(&self, part: &str, mut ready: impl FnMut() -> bool) -> Result<()> {
        let begun = Instant::now();
        let record = self.records()?.into_iter().find(|record| record.name == part).with_context(|| format!("{part} was not started"))?;
        while !ready() {
            if !record.is_alive() {
                bail!("{}", self.obituary(part));
            }
            if begun.elapsed() > READY_WITHIN {
                bail!("{part} is not ready after {} s; {}", READY_WITHIN.as_secs(), self.log_end(part));
            }
            std::thread::sleep(POLL);
        }
        self.progress.say(format!("{part} is ready"));
        Ok(())
    }

    pub fn obituary(&self, part: &str) -> String {
        format!("{part} has ended; {}", self.log_end(part))
    }

    fn log_end(&self, part: &str) -> String {
        let log = self.log(part);
        let text = fs::read(&log).unwrap_or_default();
        format!("the last lines of {}:\n{}", log.display(), shell::last_lines(&String::from_utf8_lossy(&text), LOG_LINES))
    }
}
