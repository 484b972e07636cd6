//! A process that looks like another stack's, which no `down` may touch: marked with that one's name, in a network namespace of its own, in
//! a cgroup beside those of the stack's containers.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command},
};

use crate::machine::MARK;

pub struct Bystander {
    process: Child,
    cgroup: PathBuf,
}

impl Bystander {
    pub fn start() -> Self {
        let root = PathBuf::from("/sys/fs/cgroup");
        let hierarchy = if root.join("cgroup.procs").exists() { root } else { root.join("memory") };
        let cgroup = hierarchy.join("k8s.io/bystander");
        fs::create_dir_all(&cgroup).unwrap();
        let mark = MARK.trim_end_matches('=');
        let mut sleep = Command::new("unshare");
        sleep.args(["--net", "sleep", "infinity"]).env(mark, "howdah-bystander").process_group(0);
        let process = sleep.spawn().unwrap();
        fs::write(cgroup.join("cgroup.procs"), process.id().to_string()).unwrap();
        Self { process, cgroup }
    }

    pub fn assert_well(mut self) {
        assert!(self.process.try_wait().unwrap().is_none(), "another stack's process was ended");
        let members = fs::read_to_string(self.cgroup.join("cgroup.procs")).unwrap();
        assert!(members.lines().any(|pid| pid == self.process.id().to_string()), "another stack's cgroup was emptied");
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        // What fails here is left over, and says so in the next survey.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir(&self.cgroup);
        let _ = self.cgroup.parent().map(fs::remove_dir);
    }
}
