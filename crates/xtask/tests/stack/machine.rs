//! What a machine has that a stack could leave behind or take away.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

/// In a part's environment.
pub const MARK: &str = "HOWDAH_STACK_NAME=";

/// Folders of the whole machine in which the parts keep things.
const FOLDERS: &[&str] = &[
    "/run",
    "/run/netns",
    "/run/containerd",
    "/run/containerd/s",
    "/etc/cni",
    "/var/lib/cni",
    "/var/lib/cni/results",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
];
/// Files that say how the machine's network behaves.
const FILES: &[&str] = &["/etc/resolv.conf", "/etc/hosts", "/proc/sys/net/ipv4/ip_forward", "/proc/net/route"];

#[derive(Debug)]
pub struct Machine {
    processes: BTreeSet<Process>,
    /// By kind: mounts, links, …
    things: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    pid: u32,
    /// Clock ticks after boot, which tell it from a later one with the same pid.
    started: String,
}

impl Machine {
    pub fn survey() -> Self {
        Self { processes: processes().collect(), things: things() }
    }

    /// What is there and was not, or is not and was; nothing when all is as it was. Processes that others start and end meanwhile are not
    /// looked at: only those that are in other namespaces than this test's, or carry a stack's mark.
    pub fn changes(&self) -> Option<String> {
        let now = things();
        let mut changes: Vec<String> = self.strays().into_iter().map(|stray| format!("+ process {stray}")).collect();
        for (kind, before) in &self.things {
            changes.extend(now[kind].difference(before).map(|thing| format!("+ {kind} {thing}")));
            changes.extend(before.difference(&now[kind]).map(|thing| format!("- {kind} {thing}")));
        }
        (!changes.is_empty()).then(|| changes.join("\n"))
    }

    /// New processes that are a stack's, also those in its containers, which know nothing of it.
    pub fn strays(&self) -> Vec<String> {
        let new = processes().filter(|process| !self.processes.contains(process));
        new.filter(|process| is_a_stacks(process.pid)).map(|process| format!("{} {}", process.pid, command(process.pid))).collect()
    }
}

fn processes() -> impl Iterator<Item = Process> {
    names(Path::new("/proc")).into_iter().filter_map(|name| {
        let pid = name.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let started = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.to_owned();
        Some(Process { pid, started })
    })
}

fn is_a_stacks(pid: u32) -> bool {
    let namespace = |pid: &str, kind: &str| fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
    let elsewhere = |kind: &str| namespace(&pid.to_string(), kind).is_some_and(|it| Some(it) != namespace("self", kind));
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let marked = environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(MARK.as_bytes()));
    marked || ["net", "mnt", "pid"].into_iter().any(elsewhere)
}

fn command(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ")
}

fn things() -> BTreeMap<String, BTreeSet<String>> {
    let lines = |text: String| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let mut things = BTreeMap::from([
        ("mount".to_owned(), lines(fs::read_to_string("/proc/self/mounts").unwrap())),
        ("link".to_owned(), names(Path::new("/sys/class/net"))),
        ("nft table".to_owned(), lines(output(Command::new("nft").args(["list", "tables"])))),
        ("cgroup".to_owned(), cgroups(Path::new("/sys/fs/cgroup"), 3)),
    ]);
    things.extend(FOLDERS.iter().map(|folder| (format!("entry of {folder}"), names(Path::new(folder)))));
    things.extend(FILES.iter().map(|file| (format!("line of {file}"), lines(fs::read_to_string(file).unwrap_or_default()))));
    things
}

/// Nothing where there is no such folder.
fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Those of systemd come and go with the machine's services.
fn cgroups(folder: &Path, depth: usize) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_group = entry.file_type().is_ok_and(|kind| kind.is_dir()) && ![".slice", ".scope"].iter().any(|end| name.ends_with(end));
        if is_group {
            all.insert(entry.path().display().to_string());
            if depth > 1 {
                all.extend(cgroups(&entry.path(), depth - 1));
            }
        }
    }
    all
}

fn output(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}
