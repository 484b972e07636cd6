//! xtask as a person runs it: its output in a file beside the stack's folder, read while it runs.

use std::{
    env,
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

const POLL: Duration = Duration::from_millis(50);

/// Where the stack of these tests lives.
pub fn folder() -> PathBuf {
    env::var_os("HOWDAH_STACK").expect("HOWDAH_STACK is the folder of a stack that these tests may start and end").into()
}

pub fn wait_until(what: &str, within: Duration, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < within, "not within {} s: {what}", within.as_secs());
        thread::sleep(POLL);
    }
}

/// One at a time. Killed when it is dropped; what it started is not.
pub struct Xtask {
    child: Child,
    what: String,
    said: PathBuf,
}

impl Xtask {
    pub fn start(arguments: &[&str]) -> Self {
        fs::create_dir_all(folder().parent().unwrap()).unwrap();
        let said = folder().with_extension("said");
        File::create(&said).unwrap();
        let out = || File::options().append(true).open(&said).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(arguments).env("HOWDAH_STACK", folder()).stdin(Stdio::null()).stdout(out()).stderr(out());
        Self { child: command.spawn().unwrap(), what: format!("xtask {}", arguments.join(" ")), said }
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// Waits for these words.
    pub fn says(&self, words: &str, within: Duration) {
        let begun = Instant::now();
        while !self.said().contains(words) {
            assert!(self.is_running(), "{} ended without saying `{words}`:\n{}", self.what, self.said());
            assert!(begun.elapsed() < within, "{} does not say `{words}`:\n{}", self.what, self.said());
            thread::sleep(POLL);
        }
    }

    /// Waits for its end and gives what it said.
    pub fn succeeds(mut self, within: Duration) -> String {
        let begun = Instant::now();
        let status: ExitStatus = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < within, "{} does not end:\n{}", self.what, self.said());
            thread::sleep(POLL);
        };
        assert!(status.success(), "{}: {status}\n{}", self.what, self.said());
        self.said()
    }

    /// `kill -9`, of it alone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        kill_process(self.pid(), Signal::INT).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// One that has ended is a zombie until it is waited for.
    fn is_running(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }
}

impl Drop for Xtask {
    fn drop(&mut self) {
        // It has ended, mostly.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.said);
    }
}
