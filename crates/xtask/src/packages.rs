//! The Debian packages that the stack needs, in one place; what is missing is installed, said aloud, by root only.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{progress::Progress, shell};

/// For `test --quick`: a PostgreSQL of its own.
pub const POSTGRESQL: &[&str] = &["postgresql", "postgresql-contrib"];

/// For the stand-in's own tests, besides.
pub const REDIS: &[&str] = &["redis-server"];

/// For the test that brings a bundle back by stock tools, besides.
pub const AGE: &[&str] = &["age"];

/// For what comes as Python packages.
pub const PYTHON: &[&str] = &["python3-venv"];

/// For libFuzzer.
pub const CXX: &[&str] = &["g++"];

/// For the benches: load.
pub const WRK: &[&str] = &["wrk", "util-linux"];

/// For the benches of bundles: the peers, and who times them.
pub const BUNDLE_PEERS: &[&str] = &["rclone", "time"];

/// For the libraries of the pages, where no npm is there.
pub const NPM: &[&str] = &["npm"];

/// For the browser tests. `certutil` makes the browser trust the stack's authority.
pub const BROWSER: &[&str] = &["chromium", "chromium-driver", "libnss3-tools"];

/// For the whole stack, besides.
pub const STACK: &[&str] = &[
    "containerd",
    "runc",
    "containernetworking-plugins", // bridge, host-local, portmap
    "mmdebstrap",
    "buildah",
    "iproute2",
    "nftables",
    "iptables", // the portmap plugin's
    "curl",     // what its tests ask with
    "gcc",
    "libc6-dev",
    "util-linux",
];

pub fn ensure(progress: Progress, lists: &[&[&str]]) -> Result<()> {
    let wanted: Vec<&str> = lists.iter().flat_map(|list| list.iter().copied()).collect();
    // Its exit code says that one is unknown; what matters is which ones it calls installed.
    let known = Command::new("dpkg-query").args(["-W", "-f", "${Package} ${db:Status-Status}\n"]).args(&wanted).output()?;
    let known = String::from_utf8_lossy(&known.stdout).into_owned();
    let missing: Vec<&str> = wanted.into_iter().filter(|name| !known.lines().any(|line| line == format!("{name} installed"))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        bail!("Debian packages are missing: as root, `apt-get install {}`", missing.join(" "));
    }
    progress.step(&format!("Debian packages that are missing: apt-get install {}", missing.join(" ")), || {
        let apt = || {
            let mut apt = Command::new("apt-get");
            apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
            apt
        };
        shell::output(apt().arg("update"))?;
        shell::output(apt().args(["install", "--yes", "--no-install-recommends"]).args(&missing)).map(drop)
    })
}
