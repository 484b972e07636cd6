//! The development stack: real parts, all in one network namespace, started and taken down together.
//!
//! This module holds the order in which things come up; each part has a file of its own. The state of a stack is thrown away at its end:
//! every `up` begins with empty databases, and only what is dear to build is kept.

pub mod clock;
mod demo;
mod descriptor;
mod dns;
mod down;
pub mod forward;
mod howdah;
mod images;
mod ingress;
mod kubernetes;
mod mail;
mod netns;
mod node;
mod pki;
mod postgres;
mod process;
mod rootfs;
mod s3;
mod seed;
mod stripe;
mod tools;

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context, Result, anyhow, bail};

pub use down::{down, down_at_once};
pub use howdah::build_binaries;
pub use images::postgres_rootfs;
pub use postgres::ThrowAway;
pub use process::{is_stopping, stop_starting};
pub use stripe::Billing;
pub use tools::{python, stripe_mock, stripe_python};

use crate::{packages, places::Places, progress::Progress, shell};
use process::Record;
use tools::Tools;

/// What a stack consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Whole,
    /// Kubernetes, its DNS and ingress, nothing of Howdah's: the cluster of another stack.
    Plane,
    /// All but Kubernetes, in the network where xtask is, on the cluster of this kubeconfig.
    OnCluster(PathBuf),
}

impl Scope {
    fn has_netns(&self) -> bool {
        !matches!(self, Scope::OnCluster(_))
    }
}

pub struct Stack {
    pub places: Places,
    /// Names the network namespace, the cgroup and the run folder.
    pub name: String,
    pub scope: Scope,
    /// Where pods reach what is outside the cluster.
    pub ip: String,
    pub progress: Progress,
}

impl Stack {
    fn new(places: Places, scope: Scope, progress: Progress) -> Result<Self> {
        let ip = match &scope {
            Scope::OnCluster(kubeconfig) => address_towards(kubeconfig)?,
            Scope::Whole | Scope::Plane => netns::BRIDGE_IP.to_owned(),
        };
        Ok(Self { name: places.name(), places, scope, ip, progress })
    }

    pub fn dir(&self, folder: &str) -> PathBuf {
        self.places.stack.join(folder)
    }

    /// For sockets, whose paths must be short, and for what another user must reach.
    pub fn run_dir(&self) -> PathBuf {
        PathBuf::from("/run").join(&self.name)
    }

    fn make_dirs(&self) -> Result<()> {
        for folder in ["log", "run", "pki", "howdah"] {
            fs::create_dir_all(self.dir(folder))?;
        }
        fs::create_dir_all(self.run_dir())?;
        // A build may have put another program in this one's place, and the next one will.
        fs::copy("/proc/self/exe", self.places.own_program())?;
        Ok(())
    }

    fn owner_file(&self) -> PathBuf {
        self.dir("run").join("ready")
    }

    /// The parts that have ended although nobody stopped them.
    pub fn ended(&self) -> Result<Vec<Record>> {
        Ok(self.records()?.into_iter().filter(|record| !record.is_alive()).collect())
    }
}

/// Brings the stack up and leaves it running. One that is up already is brought up to date: Howdah's binaries and images. One whose servers
/// are paid for makes room for another where they are not to be.
pub fn up(places: Places, scope: Scope, billing: Billing) -> Result<Stack> {
    let progress = Progress::start();
    let stack = Stack::new(places, scope, progress)?;
    let _lock = lock(&stack.places, progress)?;
    let is_ready = stack.is_ready()?;
    let fits = billing != Billing::Off || !stripe::is_there(&stack.places);
    if is_ready && !fits {
        progress.say("the servers of the stack that is up are paid for: another takes its place");
    }
    if is_ready && fits {
        progress.say(format!("the stack in {} is up: Howdah's own parts are brought up to date", stack.places.stack.display()));
        stack.refresh(billing)?;
    } else {
        stack.fresh(billing)?;
    }
    stack.descriptor_summary()?;
    Ok(stack)
}

/// Held while a stack is brought up or taken down; it lies beside the folder, which is emptied.
pub fn lock(places: &Places, progress: Progress) -> Result<File> {
    let file = places.stack.with_extension("lock");
    fs::create_dir_all(file.parent().context("the stack's folder is not the root")?)?;
    let lock = File::create(file)?;
    if lock.try_lock().is_err() {
        progress.say("another xtask is at work on this stack: waiting for it");
        lock.lock()?;
    }
    Ok(lock)
}

impl Stack {
    fn is_ready(&self) -> Result<bool> {
        Ok(fs::read_to_string(self.owner_file()).is_ok_and(|scope| scope == self.scope_line()) && self.ended()?.is_empty())
    }

    fn scope_line(&self) -> String {
        format!("{:?}", self.scope)
    }

    /// From nothing; clears before what a stack that was not taken down left.
    fn fresh(&self, billing: Billing) -> Result<()> {
        if !rustix::process::geteuid().is_root() {
            bail!("the stack needs root: network namespace, mounts, the node's containers");
        }
        packages::ensure(self.progress, &[packages::POSTGRESQL, packages::STACK])?;
        let tools = Tools::get(&self.places, self.progress, &self.scope)?;
        let images = self.images()?;
        if !self.scope.has_netns() {
            let archives: Vec<String> = images.list.iter().map(|image| format!("\n  {image}")).collect();
            self.progress.say(format!("the cluster's nodes must have these images, for which there is no registry:{}", archives.concat()));
        }
        let begun = std::time::Instant::now();
        down::clear(self)?;
        self.make_dirs()?;
        if billing == Billing::On {
            self.turn_billing_on()?;
        }
        if self.scope.has_netns() {
            self.make_netns()?;
        }
        self.within(|| self.start_parts(&tools, &images))?;
        self.start_forwards()?;
        self.forward_stripe()?;
        self.write_descriptor(&images)?;
        fs::write(self.owner_file(), self.scope_line())?;
        self.progress.say(format!("the stack came up in {:.1} s", begun.elapsed().as_secs_f32()));
        Ok(())
    }

    /// In order: what takes longest to get ready begins first, and nothing is waited for before something else needs it.
    fn start_parts(&self, tools: &Tools, images: &images::Images) -> Result<()> {
        let services = self.scope != Scope::Plane;
        let authority = self.make_authority()?;
        self.certify_platform(&authority)?;
        if self.scope.has_netns() {
            self.start_api_server(tools, &authority)?;
        }
        if services {
            self.start_postgres(images)?;
            self.start_mail(tools)?;
        }
        self.start_dns(tools)?;
        thread::scope(|scope| {
            // Howdah's record needs no Kubernetes: it is filled meanwhile.
            let record = scope.spawn(|| if services { self.prepare_record(tools, images) } else { Ok(()) });
            if self.scope.has_netns() {
                self.start_controllers(tools)?;
                self.start_node(tools, images)?;
                self.start_fake_nodes(tools)?;
                self.start_ingress(tools)?;
            }
            record.join().map_err(|_| anyhow!("the thread that fills Howdah's record panicked"))?
        })?;
        if services {
            self.await_s3(tools)?;
            self.start_howdah(tools, images)?;
        }
        Ok(())
    }

    fn prepare_record(&self, tools: &Tools, images: &images::Images) -> Result<()> {
        self.await_control_postgres()?;
        self.start_s3(tools)?;
        self.await_tenants_postgres()?;
        self.seed(images, self.has_real_nodes(tools)?)
    }

    fn refresh(&self, billing: Billing) -> Result<()> {
        let tools = Tools::get(&self.places, self.progress, &self.scope)?;
        let images = self.images()?;
        if billing == Billing::On {
            self.turn_billing_on()?;
        }
        self.within(|| {
            if self.scope.has_netns() {
                self.import_images(&images)?;
            }
            if self.scope != Scope::Plane {
                self.stop_howdah()?;
                self.seed(&images, self.has_real_nodes(&tools)?)?;
                self.start_howdah(&tools, &images)?;
            }
            Ok(())
        })?;
        self.forward_stripe()?;
        self.write_descriptor(&images)
    }
}

/// Becomes `command`, in the stack's network namespace, with the stack's DNS in place of the machine's. A stack on another cluster has no
/// namespace of its own: it is where `up` was run.
pub fn inside(places: &Places, command: &[OsString]) -> Result<()> {
    let netns = Path::new("/run/netns").join(places.name());
    if netns.exists() || !places.stack.join("stack.json").exists() {
        netns::enter(&netns)?;
    }
    let mut words = inside_words(places).into_iter().chain(command.iter().cloned());
    let program = words.next().context("no command")?;
    let mut path = programs(places).into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    Err(anyhow!(Command::new(program).args(words).env("PATH", path).env("HOWDAH_STACK", &places.stack).exec())
        .context("can't run the command"))
}

/// What `inside` finds before the machine's own programs.
fn programs(places: &Places) -> PathBuf {
    places.stack.join("run/bin")
}

/// What stands before a command so that names are looked up at the stack's DNS: a mount of its own over /etc/resolv.conf.
fn inside_words(places: &Places) -> Vec<OsString> {
    let script = r#"mount --bind "$0" /etc/resolv.conf && exec "$@""#;
    let mut words: Vec<OsString> = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", script].map(OsString::from).to_vec();
    words.push(places.stack.join("run/resolv.conf").into_os_string());
    words
}

/// The machine's own address from which it reaches the cluster: pods of that cluster can most likely reach it back.
fn address_towards(kubeconfig: &Path) -> Result<String> {
    let text = fs::read_to_string(kubeconfig).with_context(|| format!("can't read {}", kubeconfig.display()))?;
    let host = text
        .split("server:")
        .nth(1)
        .and_then(|rest| rest.split("://").nth(1))
        .and_then(|rest| rest.split([':', '/', '"', '\n', ',', '}']).next())
        .with_context(|| format!("{} names no server", kubeconfig.display()))?;
    let route = shell::output(Command::new("ip").args(["-o", "route", "get", host]))?;
    let source = route.split_whitespace().skip_while(|word| *word != "src").nth(1);
    source.map(str::to_owned).with_context(|| format!("no route to {host}"))
}
