//! Takes a stack down, whatever state it is in, and nothing else: also what a killed xtask left, found without its records.
//!
//! Nothing is ended gently, since all data is thrown away. A process is the stack's when it carries the stack's mark, is in its network
//! namespace or a cgroup of its containers, or descends from such a one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::{Scope, Stack, process};
use crate::{places::Places, progress::Progress, shell};

const CGROUP: &str = "/k8s.io";
const ENDED_WITHIN: Duration = Duration::from_secs(20);
/// What a start can use again: containerd's images and the binaries that images are made of.
const KEPT: &[&str] = &["containerd", "stripped"];

pub fn down(places: &Places) -> Result<()> {
    let _lock = super::lock(places, Progress::start())?;
    down_at_once(places)
}

/// For a process that is itself bringing the stack up in another thread, and so holds the lock.
pub fn down_at_once(places: &Places) -> Result<()> {
    let progress = Progress::start();
    let stack = Stack { name: places.name(), places: places.clone(), scope: Scope::Whole, ip: String::new(), progress };
    clear(&stack)?;
    progress.say("the stack is down");
    Ok(())
}

/// Idempotent; does nothing where nothing is left.
pub fn clear(stack: &Stack) -> Result<()> {
    let containers = containers(stack)?;
    end_processes(stack, &containers)?;
    remove_shim_sockets(stack);
    unmount(stack)?;
    remove_cgroups(&containers)?;
    stack.remove_netns()?;
    remove_files(stack)
}

/// By the folders of their shims, which containerd makes first and removes last.
fn containers(stack: &Stack) -> Result<BTreeSet<String>> {
    let shims = fs::read_dir(shims(stack)).into_iter().flatten();
    shims.map(|shim| Ok(shim?.file_name().to_string_lossy().into_owned())).collect()
}

fn shims(stack: &Stack) -> PathBuf {
    stack.run_dir().join("containerd/io.containerd.runtime.v2.task/k8s.io")
}

fn end_processes(stack: &Stack, containers: &BTreeSet<String>) -> Result<()> {
    let begun = Instant::now();
    let mut said = false;
    loop {
        let left = processes_of(stack, containers);
        if left.is_empty() {
            return Ok(());
        }
        if !said {
            stack.progress.say(format!("ending {} processes of the stack", left.len()));
            said = true;
        }
        if begun.elapsed() > ENDED_WITHIN {
            bail!("processes {left:?} of the stack do not end");
        }
        for pid in left.into_iter().filter_map(Pid::from_raw) {
            // It may be gone by now.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Never this process or one above it: it may itself run inside.
fn processes_of(stack: &Stack, containers: &BTreeSet<String>) -> BTreeSet<i32> {
    let mark = format!("{}={}", process::MARK, stack.name);
    let netns = fs::metadata(stack.netns()).ok().map(|it| (it.dev(), it.ino()));
    let all: BTreeMap<i32, process::Stat> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            process::stat(pid).filter(|stat| stat.state != 'Z').map(|stat| (pid, stat))
        })
        .collect();
    let is_ours = |pid: i32| {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        let marked = fs::read(proc.join("environ")).is_ok_and(|it| it.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()));
        let inside = || netns.is_some() && fs::metadata(proc.join("ns/net")).ok().map(|it| (it.dev(), it.ino())) == netns;
        let grouped = || fs::read_to_string(proc.join("cgroup")).is_ok_and(|it| it.lines().any(|line| in_cgroup(line, containers)));
        marked || inside() || grouped()
    };
    let mut ours: BTreeSet<i32> = all.keys().copied().filter(|pid| is_ours(*pid)).collect();
    loop {
        let children: Vec<i32> =
            all.iter().filter(|(pid, stat)| ours.contains(&stat.parent) && !ours.contains(*pid)).map(|(pid, _)| *pid).collect();
        if children.is_empty() {
            break;
        }
        ours.extend(children);
    }
    let mut above = i32::try_from(std::process::id()).ok();
    while let Some(pid) = above {
        ours.remove(&pid);
        above = all.get(&pid).map(|stat| stat.parent);
    }
    ours
}

/// `line` is one of /proc/PID/cgroup: hierarchy, controllers, path. containerd puts a container where its namespace and id say.
fn in_cgroup(line: &str, containers: &BTreeSet<String>) -> bool {
    let path = line.splitn(3, ':').nth(2).and_then(|path| path.strip_prefix(CGROUP));
    path.and_then(|path| path.split('/').find(|part| !part.is_empty())).is_some_and(|id| containers.contains(id))
}

/// containerd's shims make their sockets in a folder of the whole machine, and note which in their own.
fn remove_shim_sockets(stack: &Stack) {
    for shim in fs::read_dir(shims(stack)).into_iter().flatten().flatten() {
        if let Ok(address) = fs::read_to_string(shim.path().join("address"))
            && let Some(socket) = address.trim().strip_prefix("unix://")
            && socket.starts_with("/run/containerd/s/")
        {
            // It is gone where the shim had the time to remove it.
            let _ = fs::remove_file(socket);
        }
    }
    for folder in ["/run/containerd/s", "/run/containerd"] {
        // Fails where a containerd of the machine uses it.
        let _ = fs::remove_dir(folder);
    }
}

fn unmount(stack: &Stack) -> Result<()> {
    let folders = [stack.places.stack.clone(), stack.run_dir()];
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let ours =
        mounts.lines().filter_map(|line| line.split(' ').nth(1)).filter(|point| folders.iter().any(|it| Path::new(point).starts_with(it)));
    let mut points: Vec<&str> = ours.collect();
    points.reverse();
    for point in points {
        if shell::output(Command::new("umount").arg(point)).is_err() {
            shell::output(Command::new("umount").args(["--lazy", point]))?;
        }
    }
    Ok(())
}

fn remove_cgroups(containers: &BTreeSet<String>) -> Result<()> {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root)?.filter_map(|entry| Some(entry.ok()?.path())).chain([root.to_owned()]);
    for all in hierarchies.map(|hierarchy| hierarchy.join(&CGROUP[1..])).filter(|group| group.is_dir()) {
        for group in containers.iter().map(|id| all.join(id)).filter(|group| group.is_dir()) {
            remove_group(&group).with_context(|| format!("can't remove the cgroup {}", group.display()))?;
        }
        // Where another containerd has its containers in it, it stays.
        let _ = fs::remove_dir(&all);
    }
    Ok(())
}

fn remove_group(group: &Path) -> Result<()> {
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_group(&entry.path())?;
        }
    }
    Ok(fs::remove_dir(group)?)
}

fn remove_files(stack: &Stack) -> Result<()> {
    remove_where(Path::new("/var/log/containers"), |file| fs::read_link(file).is_ok_and(|log| log.starts_with(stack.dir("podlogs"))))?;
    remove_cni_results(stack)?;
    if stack.run_dir().exists() {
        fs::remove_dir_all(stack.run_dir())?;
    }
    if stack.places.stack.exists() {
        for entry in fs::read_dir(&stack.places.stack)? {
            let entry = entry?;
            let kept = KEPT.iter().any(|kept| entry.file_name() == *kept);
            match (kept, entry.file_type()?.is_dir()) {
                (true, _) => {}
                (false, true) => fs::remove_dir_all(entry.path())?,
                (false, false) => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

/// The network plugins note what they did in a folder of the whole machine: by network, which bears our name, and for loopback by container.
fn remove_cni_results(stack: &Stack) -> Result<()> {
    let folder = Path::new("/var/lib/cni/results");
    let network = format!("{}-", stack.name);
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.file_name().to_string_lossy().into_owned());
    let ours: BTreeSet<String> = names.filter_map(|name| Some(name.strip_prefix(&network)?.split('-').next()?.to_owned())).collect();
    remove_where(folder, |file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let of = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.split('-').next()).is_some_and(|id| ours.contains(id));
        of(&network) || of("cni-loopback-")
    })
}

/// Removes a folder's files that are ours, and the folder when nothing else is in it.
fn remove_where(folder: &Path, is_ours: impl Fn(&Path) -> bool) -> Result<()> {
    for file in fs::read_dir(folder).into_iter().flatten() {
        let path = file?.path();
        if is_ours(&path) {
            fs::remove_file(path)?;
        }
    }
    // Fails where something else is in it, as it should.
    let _ = fs::remove_dir(folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::in_cgroup;

    #[test]
    fn only_the_cgroups_of_its_own_containers_are_a_stacks() {
        let containers = BTreeSet::from(["1b2c".to_owned()]);
        assert!(in_cgroup("4:memory:/k8s.io/1b2c", &containers));
        assert!(in_cgroup("0::/k8s.io/1b2c/inner", &containers));
        assert!(!in_cgroup("4:memory:/k8s.io/1b2c4", &containers));
        assert!(!in_cgroup("4:memory:/user/k8s.io/1b2c", &containers));
        assert!(!in_cgroup("4:memory:/k8s.iox/1b2c", &containers));
        assert!(!in_cgroup("0::/", &containers));
    }
}
