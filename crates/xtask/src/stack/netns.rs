//! The stack's own network namespace: its links, routes and nft tables end with it, nothing in it reaches the outside, and another stack
//! with the same addresses fits beside it.

use std::{
    fs::{self, File},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context, Result, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::Stack;
use crate::shell;

/// The address of the bridge, the node's and of all that pods reach outside the cluster.
pub const BRIDGE_IP: &str = "10.99.0.1";
const BRIDGE: &str = "br-node";
const MADE_FOLDER: &str = "made-the-netns-folder";

impl Stack {
    pub fn netns(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.name)
    }

    pub fn make_netns(&self) -> Result<()> {
        // `ip` makes the folder a mount of its own the first time, and leaves it so.
        if !fs::read_to_string("/proc/self/mounts")?.contains(" /run/netns ") {
            fs::write(self.run_dir().join(MADE_FOLDER), "")?;
        }
        shell::output(Command::new("ip").args(["netns", "add", &self.name]))?;
        self.within(|| {
            let ip = |args: &str| shell::output(Command::new("ip").args(args.split(' ')));
            ip("link set lo up")?;
            ip(&format!("link add {BRIDGE} type bridge"))?;
            ip(&format!("addr add {BRIDGE_IP}/24 dev {BRIDGE}"))?;
            ip(&format!("link set {BRIDGE} up"))?;
            // What lies below /proc/sys/net is that of the thread which opens it.
            fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
            // A pod's link gets no address of its own: browsers here would take that for another network, and drop what they load.
            fs::write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1")?;
            Ok(())
        })
    }

    /// Does nothing where it isn't.
    pub fn remove_netns(&self) -> Result<()> {
        if self.netns().exists() {
            shell::output(Command::new("ip").args(["netns", "del", &self.name]))?;
        }
        let folder = Path::new("/run/netns");
        if self.run_dir().join(MADE_FOLDER).exists() && fs::read_dir(folder).is_ok_and(|mut folder| folder.next().is_none()) {
            shell::output(Command::new("umount").arg(folder))?;
            fs::remove_dir(folder)?;
        }
        Ok(())
    }

    /// Runs `work` in a thread that is in the namespace; processes and sockets it makes are there too.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        if !self.scope.has_netns() {
            return work();
        }
        let netns = self.netns();
        thread::scope(|scope| {
            scope
                .spawn(|| {
                    enter(&netns)?;
                    work()
                })
                .join()
                .map_err(|_| anyhow!("a thread in the stack's network namespace panicked"))?
        })
    }
}

/// Moves the calling thread, and only it, into a network namespace.
pub fn enter(netns: &Path) -> Result<()> {
    let file = File::open(netns).with_context(|| format!("the stack is not up: no network namespace {}", netns.display()))?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).with_context(|| format!("can't enter {}", netns.display()))
}
