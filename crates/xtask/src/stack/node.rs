//! The real node (containerd, kubelet, kube-proxy, local volumes) and the fake one (KWOK).

use std::{fs, path::Path, process::Command};

use anyhow::Result;

use super::{Stack, images::Images, netns::BRIDGE_IP, tools::Tools};
use crate::shell;

const REAL: &str = "real-0";

impl Stack {
    pub fn ctr(&self) -> Command {
        let mut ctr = Command::new("ctr");
        ctr.arg("-a").arg(self.run_dir().join("containerd.sock")).args(["-n", "k8s.io"]);
        ctr
    }

    pub fn start_node(&self, tools: &Tools, images: &Images) -> Result<()> {
        for folder in ["cni", "podlogs", "volumes", "kubelet"] {
            fs::create_dir_all(self.dir(folder))?;
        }
        self.configure("10-bridge.conflist", &self.dir("cni/10-bridge.conflist"))?;
        for file in ["kubelet.yaml", "containerd.toml", "kube-proxy.yaml"] {
            self.configure(file, &self.dir("run").join(file))?;
        }
        self.start_containerd()?;
        self.import_images(images)?;

        let testplane = tools.testplane()?;
        let mut proxy = Command::new(&testplane);
        proxy.arg("kube-proxy").arg(format!("--config={}", self.dir("run/kube-proxy.yaml").display()));
        self.start("kube-proxy", &proxy)?;

        let mut kubelet = Command::new(&testplane);
        kubelet.arg("kubelet").args([
            format!("--config={}", self.dir("run/kubelet.yaml").display()),
            format!("--kubeconfig={}", self.kubeconfig("kubelet").display()),
            format!("--hostname-override={REAL}"),
            format!("--node-ip={BRIDGE_IP}"),
            "--node-labels=type=real".to_owned(),
            format!("--root-dir={}", self.dir("kubelet").display()),
            format!("--cert-dir={}", self.dir("run").display()),
        ]);
        self.start("kubelet", &kubelet)?;

        let mut provisioner = Command::new(tools.provisioner()?);
        provisioner.arg("-kubeconfig").arg(self.kubeconfig("admin")).arg("-folder").arg(self.dir("volumes")).args(["-node", REAL]);
        self.start("provisioner", &provisioner)
    }

    fn configure(&self, file: &str, to: &Path) -> Result<()> {
        let text = fs::read_to_string(self.places.deploy("node").join(file))?;
        let text = text
            .replace("@STACK@", &self.places.stack.to_string_lossy())
            .replace("@RUN@", &self.run_dir().to_string_lossy())
            .replace("@NAME@", &self.name);
        Ok(fs::write(to, text)?)
    }

    /// Its images outlive a stack, the containers of an earlier one must not: the kubelet would take them for its own.
    fn start_containerd(&self) -> Result<()> {
        let mut containerd = Command::new("containerd");
        // Its shims and runc leave files there when they are killed.
        containerd.arg("-c").arg(self.dir("run/containerd.toml")).env("TMPDIR", self.dir("run"));
        let start = || {
            self.start("containerd", &containerd)?;
            self.wait("containerd", || shell::output(self.ctr().arg("version")).is_ok())
        };
        start()?;
        let left = shell::output(self.ctr().args(["containers", "ls", "-q"]))?;
        let left: Vec<&str> = left.split_whitespace().collect();
        if !left.is_empty() {
            shell::output(self.ctr().args(["containers", "rm"]).args(left))?;
            // It has read them at its start.
            self.stop("containerd")?;
            start()?;
        }
        Ok(())
    }

    pub fn start_fake_nodes(&self, tools: &Tools) -> Result<()> {
        let mut kwok = Command::new(tools.kwok()?);
        kwok.args(tools.stages()?.iter().map(|stage| format!("--config={}", stage.display())));
        kwok.arg(format!("--kubeconfig={}", self.kubeconfig("admin").display())).args([
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--node-lease-duration-seconds=40", // without it nodes go NotReady after 50 s
            "--node-ip=127.0.0.1",
            "--cidr=10.244.0.0/16",
            "--server-address=127.0.0.1:10247",
        ]);
        self.start("kwok", &kwok)?;
        for file in ["fake-node.yaml", "storage.yaml"] {
            self.apply(tools, &fs::read_to_string(self.places.deploy("cluster").join(file))?)?;
        }
        let ready = |node: &str| {
            let condition = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
            shell::output(self.kubectl(tools).args(["get", "node", node, "-o", condition])).is_ok_and(|status| status == "True")
        };
        self.wait("kubelet", || ready(REAL))?;
        self.wait("kwok", || ready("fake-0"))
    }
}
