//! The stack's processes as xtask recorded them: killed, stopped, and started again with the same command line and environment.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde::{Deserialize, Serialize};

use crate::Stack;

const POLL: Duration = Duration::from_millis(10);
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// The kernel's USER_HZ, the same everywhere.
const TICKS_A_SECOND: u64 = 100;

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
    /// What stands before it so that it runs as it did: its user, an IPC namespace of its own.
    before: Vec<OsString>,
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
        let before = as_it_runs(&proc)?;
        Ok(Self { record, file, log, folder, command, environment, before })
    }

    /// The binary that it runs.
    #[must_use]
    pub fn program(&self) -> &std::ffi::OsStr {
        self.command.first().map(OsString::as_os_str).unwrap_or_default()
    }

    #[must_use]
    pub fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// Processor time that it has used.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = stat(self.record.pid).with_context(|| format!("{} has ended", self.record.name))?;
        Ok(Duration::from_millis(stat.ticks * 1000 / TICKS_A_SECOND))
    }

    /// `kill -9`. Whatever becomes of the test, it is started again.
    pub fn kill(self) -> Result<Killed> {
        let [killed] = kill_all([self])?;
        Ok(killed)
    }

    fn wait_for_its_end(&self, children: &[i32]) -> Result<()> {
        let begun = Instant::now();
        // PostgreSQL takes a pid that nobody has waited for yet for one that runs, and doesn't start beside its old children.
        while stat(self.record.pid).is_some() || children.iter().any(|it| stat(*it).is_some()) {
            ensure!(begun.elapsed() < GONE_WITHIN, "{} does not die", self.record.name);
            // Where this test started it, it is this test's to wait for.
            let _ = waitpid(Pid::from_raw(self.record.pid), WaitOptions::NOHANG);
            std::thread::sleep(POLL);
        }
        Ok(())
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

    fn start(&self) -> Result<Record> {
        let mut words = self.before.iter().chain(&self.command);
        let log = OpenOptions::new().append(true).create(true).open(&self.log)?;
        let mut command = Command::new(words.next().context("a command line has a program")?);
        command.args(words).env_clear().envs(self.environment.iter().cloned()).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let child = command.spawn().with_context(|| format!("start {} again", self.record.name))?;
        let pid = i32::try_from(child.id())?;
        let record = Record { pid, started: stat(pid).context("it ended at once")?.started, ..self.record.clone() };
        fs::write(&self.file, serde_json::to_vec(&record)?)?;
        Ok(record)
    }
}

/// `kill -9` of all of them at once.
pub fn kill_all<const N: usize>(parts: [Part; N]) -> Result<[Killed; N]> {
    let children: Vec<Vec<i32>> = parts.iter().map(|it| children(it.record.pid)).collect();
    for part in &parts {
        part.signal(Signal::KILL)?;
    }
    let killed = parts.map(|it| Killed { part: Some(it) });
    for (killed, children) in killed.iter().zip(children) {
        killed.part.iter().try_for_each(|it| it.wait_for_its_end(&children))?;
    }
    Ok(killed)
}

/// A process that was killed.
#[derive(Debug)]
pub struct Killed {
    part: Option<Part>,
}

impl Killed {
    /// The same again. Of a process that has only just begun /proc does not tell the command line yet: the part is returned.
    pub fn start(mut self) -> Result<Part> {
        let mut part = self.part.take().context("a killed part is started once")?;
        part.record = part.start()?;
        Ok(part)
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

/// Another process of the same command line with one word changed; killed when it is dropped.
#[derive(Debug)]
pub struct Another {
    part: Part,
}

impl Another {
    pub fn start(like: &Part, name: &str, (word, changed): (&str, &str)) -> Result<Self> {
        let mut part = like.clone();
        part.record.name = name.to_owned();
        part.file = like.file.with_file_name(format!("{name}.pid.json"));
        part.log = like.log.with_file_name(format!("{name}.log"));
        let found = part
            .command
            .iter_mut()
            .find(|it| it.to_str() == Some(word))
            .with_context(|| format!("{} is not told {word}", like.record.name))?;
        *found = changed.into();
        part.record = part.start()?;
        Ok(Self { part })
    }

    /// SIGSTOP until the value is dropped.
    pub fn stop(&self) -> Result<Stopped> {
        self.part.stop()
    }
}

impl Drop for Another {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.part.signal(Signal::KILL);
        let _ = self.part.wait_for_its_end(&[]);
        let _ = fs::remove_file(&self.part.file);
    }
}

/// The words before a command that give it the user and the IPC namespace that this process has. What PostgreSQL shares would
/// else outlive it in the machine's.
fn as_it_runs(proc: &Path) -> Result<Vec<OsString>> {
    let mut words = Vec::new();
    if fs::read_link(proc.join("ns/ipc"))? != fs::read_link("/proc/self/ns/ipc")? {
        words.extend(["unshare", "--ipc"].map(OsString::from));
    }
    let owner = fs::metadata(proc)?;
    if owner.uid() != rustix::process::geteuid().as_raw() {
        let user = [format!("--reuid={}", owner.uid()), format!("--regid={}", owner.gid()), "--clear-groups".to_owned()];
        words.extend(["setpriv".to_owned()].into_iter().chain(user).map(OsString::from));
    }
    Ok(words)
}

fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|it| it.parse().ok()).collect()
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
    stat(record.pid).is_some_and(|it| it.started == record.started && it.state != 'Z')
}

struct Stat {
    state: char,
    /// Processor time, its own and the kernel's for it.
    ticks: u64,
    started: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and brackets: fields are counted after its last bracket.
    let fields: Vec<&str> = text.get(text.rfind(')')? + 2..)?.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat { state: fields.first()?.chars().next()?, ticks: number(11)? + number(12)?, started: number(19)? })
}
