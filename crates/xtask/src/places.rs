//! Where things lie: the checkout, the stack's folder, the cache outside the checkout.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

#[derive(Clone, Debug)]
pub struct Places {
    /// The workspace's root.
    pub checkout: PathBuf,
    /// All state of a running stack; absolute. `$HOWDAH_STACK`, or `target/stack` of the checkout.
    pub stack: PathBuf,
    /// What is dear to build, keyed by what it is built from; survives `down` and a clean checkout.
    pub cache: PathBuf,
    /// Cargo's target folder, where the project's own binaries are.
    pub target: PathBuf,
}

impl Places {
    pub fn find() -> Result<Self> {
        // Of the checkout that cargo runs us for: checkouts that share a target folder share this program, too.
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let checkout = Path::new(&manifest).ancestors().nth(2).context("a crate lies two levels below the checkout")?;
        let home = || env::var_os("HOME").map(PathBuf::from).context("HOME is not set");
        let from = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let cache = std::path::absolute(match (from("HOWDAH_CACHE"), from("XDG_CACHE_HOME")) {
            (Some(cache), _) => cache,
            (None, Some(caches)) => caches.join("howdah"),
            (None, None) => home()?.join(".cache/howdah"),
        })?;
        // SeaweedFS, which lies in it, is run with a /tmp of its own.
        ensure!(!cache.starts_with("/tmp"), "the cache {} is below /tmp: name another folder by HOWDAH_CACHE", cache.display());
        Ok(Self {
            checkout: checkout.to_owned(),
            stack: std::path::absolute(from("HOWDAH_STACK").unwrap_or_else(|| checkout.join("target/stack")))?,
            cache,
            target: std::path::absolute(from("CARGO_TARGET_DIR").unwrap_or_else(|| checkout.join("target")))?,
        })
    }

    /// Of the second stack that the tests bring up.
    pub fn beside(&self) -> Self {
        Self { stack: self.stack.with_extension("beside"), ..self.clone() }
    }

    /// A file of the development stack that is checked in.
    pub fn deploy(&self, file: &str) -> PathBuf {
        self.checkout.join("deploy/dev").join(file)
    }

    /// One of the project's own programs, as it was built last.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// The copy of xtask that a running stack uses.
    pub fn own_program(&self) -> PathBuf {
        self.stack.join("run/xtask")
    }

    /// The cargo that runs us, in the checkout.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // What it told us about ourselves: build scripts ask for variables of these names, and cargo would run them again, and build all that
        // needs them, each time it is called the other way.
        for (name, _) in env::vars_os() {
            if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
                cargo.env_remove(name);
            }
        }
        cargo.current_dir(&self.checkout);
        cargo
    }

    /// Names this stack's network namespace, cgroup and run folder: one for each stack folder, so that stacks fit side by side.
    pub fn name(&self) -> String {
        format!("howdah-{}", digest([self.stack.as_os_str().as_encoded_bytes()], 4))
    }
}

/// The first `bytes` bytes, in hex, of the SHA-256 of the parts, each ended so that no two lists of parts run together alike.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>, bytes: usize) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}
