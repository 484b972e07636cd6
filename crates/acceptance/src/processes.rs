//! The stack's processes as xtask recorded them: killed, stopped, and started again with the same command line and environment.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde::{Deserialize, Serialize};

use crate::Stack;

const POLL: Duration = Duration::from_millis(10);
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// As xtask writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    name: String,
    pid: i32,
    /// Clock ticks after boot.
    started: u64,
}

/// A process of the stack, and how to start it again.
#[derive(Clone, Debug)]
pub struct Part {
    record: Record,
    file: PathBuf,
    log: PathBuf,
    folder: PathBuf,
    command: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    /// User and group: not every part runs as root.
    user: (u32, u32),
}

impl Part {
    /// `operator`, `worker`, `server`, `kube-apiserver`, `postgres` …
    pub fn of(stack: &Stack, name: &str) -> Result<Self> {
        let file = stack.folder.join("run").join(format!("{name}.pid.json"));
        let text = fs::read(&file).with_context(|| format!("the stack has no part {name}: {}", file.display()))?;
        let record: Record = serde_json::from_slice(&text)?;
        ensure!(is_alive(&record), "{name} has ended: see {}", stack.folder.join("log").display());
        let proc = PathBuf::from(format!("/proc/{}", record.pid));
        let command = words(&fs::read(proc.join("cmdline"))?);
        let environment = words(&fs::read(proc.join("environ"))?).into_iter().filter_map(variable).collect();
        let folder = fs::read_link(proc.join("cwd"))?;
        let log = stack.folder.join("log").join(format!("{name}.log"));
        let owner = fs::metadata(&proc)?;
        Ok(Self { record, file, log, folder, command, environment, user: (owner.uid(), owner.gid()) })
    }

    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.record.pid
    }

    #[must_use]
    pub fn is_alive(&self) -> bool {
        is_alive(&self.record)
    }

    #[must_use]
    pub fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// `kill -9`. Whatever becomes of the test, it is started again.
    pub fn kill(self) -> Result<Killed> {
        self.signal(Signal::KILL)?;
        let begun = Instant::now();
        // PostgreSQL takes a pid that nobody has waited for yet for one that runs.
        while stat(self.record.pid).is_some() {
            ensure!(begun.elapsed() < GONE_WITHIN, "{} does not die", self.record.name);
            // Where this test started it, it is this test's to wait for.
            let _ = waitpid(Pid::from_raw(self.record.pid), WaitOptions::NOHANG);
            std::thread::sleep(POLL);
        }
        Ok(Killed { part: Some(self) })
    }

    /// SIGSTOP until the value is dropped.
    pub fn stop(&self) -> Result<Stopped> {
        self.signal(Signal::STOP)?;
        Ok(Stopped { part: self.clone() })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.record.pid).context("a pid")?;
        kill_process(pid, signal).with_context(|| format!("signal {}", self.record.name))
    }

    fn start(&self) -> Result<()> {
        let (program, arguments) = self.command.split_first().context("a command line has a program")?;
        let log = OpenOptions::new().append(true).create(true).open(&self.log)?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.environment.iter().cloned()).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        if rustix::process::geteuid().as_raw() != self.user.0 {
            command.uid(self.user.0).gid(self.user.1);
        }
        let child = command.spawn().with_context(|| format!("start {} again", self.record.name))?;
        let pid = i32::try_from(child.id())?;
        let record = Record { pid, started: stat(pid).context("it ended at once")?.1, ..self.record.clone() };
        Ok(fs::write(&self.file, serde_json::to_vec(&record)?)?)
    }
}

/// A process that was killed.
#[derive(Debug)]
pub struct Killed {
    part: Option<Part>,
}

impl Killed {
    /// The same again.
    pub fn start(mut self) -> Result<()> {
        self.part.take().map_or(Ok(()), |it| it.start())
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.part.take().map(|it| it.start()) {
            eprintln!("the stack lacks a part now: {error:#}");
        }
    }
}

/// A process that is stopped, until this is dropped.
#[derive(Debug)]
pub struct Stopped {
    part: Part,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Err(error) = self.part.signal(Signal::CONT) {
            eprintln!("a part of the stack stays stopped: {error:#}");
        }
    }
}

/// Another process of the same command line with some words changed; killed when it is dropped.
#[derive(Debug)]
pub struct Another {
    child: std::process::Child,
}

impl Another {
    pub fn start(like: &Part, more: &[&str], log: &str) -> Result<Self> {
        let (program, arguments) = like.command.split_first().context("a command line has a program")?;
        let log = File::create(like.log.with_file_name(format!("{log}.log")))?;
        let mut command = Command::new(program);
        command.args(arguments).args(more).env_clear().envs(like.environment.iter().cloned()).current_dir(&like.folder);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self { child: command.spawn()? })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("a pid")?;
        Ok(kill_process(pid, signal)?)
    }

    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }
}

impl Drop for Another {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn words(bytes: &[u8]) -> Vec<OsString> {
    bytes.split(|it| *it == 0).filter(|it| !it.is_empty()).map(|it| OsString::from_vec(it.to_vec())).collect()
}

fn variable(text: OsString) -> Option<(OsString, OsString)> {
    let bytes = text.into_vec();
    let at = bytes.iter().position(|it| *it == b'=')?;
    Some((OsString::from_vec(bytes[..at].to_vec()), OsString::from_vec(bytes[at + 1..].to_vec())))
}

fn is_alive(record: &Record) -> bool {
    stat(record.pid).is_some_and(|(state, started)| started == record.started && state != 'Z')
}

/// State and start time of a process.
fn stat(pid: i32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and brackets: fields are counted after its last bracket.
    let fields: Vec<&str> = text.get(text.rfind(')')? + 2..)?.split(' ').collect();
    Some((fields.first()?.chars().next()?, fields.get(19)?.parse().ok()?))
}
