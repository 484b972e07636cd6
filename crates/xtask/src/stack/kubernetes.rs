//! The control plane: etcd, API server, controllers and scheduler, each a process of the testplane binary.

use std::{fs, net::TcpStream, os::unix::fs::PermissionsExt as _, process::Command};

use anyhow::{Context as _, Result};

use super::{Stack, netns::BRIDGE_IP, pki::Authority, tools::Tools};
use crate::shell;

const ETCD: &str = "http://127.0.0.1:12379";
const ETCD_PEER: &str = "http://127.0.0.1:12380";
pub const API_PORT: u16 = 16443;
const CONTROLLERS_PORT: u16 = 16444;
const SCHEDULER_PORT: u16 = 16445;
const SERVICES: &str = "10.96.0.0/16";

impl Stack {
    /// kubectl as the cluster's admin, or as whoever the given cluster's kubeconfig names.
    pub fn kubectl(&self, tools: &Tools) -> Command {
        let mut kubectl = Command::new(tools.python("kubectl"));
        kubectl.arg("--kubeconfig").arg(self.admin_kubeconfig()).arg("--cache-dir").arg(self.dir("run/kubectl"));
        kubectl
    }

    /// For people: `cargo xtask inside -- kubectl …`.
    fn offer_kubectl(&self, tools: &Tools) -> Result<()> {
        let kubectl = self.kubectl(tools);
        let words: Vec<_> =
            std::iter::once(kubectl.get_program()).chain(kubectl.get_args()).map(|it| format!("'{}'", it.display())).collect();
        let script = super::programs(&self.places).join("kubectl");
        fs::create_dir_all(super::programs(&self.places))?;
        fs::write(&script, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")))?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).context("can't make it a program")
    }

    pub fn admin_kubeconfig(&self) -> std::path::PathBuf {
        match &self.scope {
            super::Scope::OnCluster(file) => file.clone(),
            super::Scope::Whole | super::Scope::Plane => self.kubeconfig("admin"),
        }
    }

    pub fn apply(&self, tools: &Tools, manifest: &str) -> Result<()> {
        shell::with_input(self.kubectl(tools).args(["apply", "--server-side", "--force-conflicts", "-f", "-"]), manifest).map(drop)
    }

    pub fn start_api_server(&self, tools: &Tools, authority: &Authority) -> Result<()> {
        let server = format!("https://{BRIDGE_IP}:{API_PORT}");
        let names = [
            "kube-apiserver",
            "127.0.0.1",
            "10.96.0.1",
            BRIDGE_IP,
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
        ];
        authority.server("apiserver", &names)?;
        authority.client("front", "front-proxy-client", None)?;
        authority.client("apiserver-kubelet", "apiserver-kubelet-client", Some("system:masters"))?;
        authority.kubernetes_user("admin", "admin", Some("system:masters"), &server)?;
        authority.kubernetes_user("kcm", "system:kube-controller-manager", None, &server)?;
        authority.kubernetes_user("sched", "system:kube-scheduler", None, &server)?;
        authority.kubernetes_user("proxy", "system:kube-proxy", None, &server)?;
        authority.kubernetes_user("kubelet", "system:node:real-0", Some("system:nodes"), &server)?;
        authority.service_accounts()?;

        let testplane = tools.testplane()?;
        let mut etcd = Command::new(&testplane);
        etcd.args(["etcd", "--log-level=warn", "--unsafe-no-fsync", "--data-dir"]).arg(self.dir("etcd"));
        etcd.args([format!("--listen-client-urls={ETCD}"), format!("--advertise-client-urls={ETCD}")]);
        etcd.args([format!("--listen-peer-urls={ETCD_PEER}"), format!("--initial-advertise-peer-urls={ETCD_PEER}")]);
        etcd.arg(format!("--initial-cluster=default={ETCD_PEER}"));
        self.start("etcd", &etcd)?;
        self.wait("etcd", || TcpStream::connect("127.0.0.1:12379").is_ok())?;

        let file = |flag: &str, name: &str| format!("--{flag}={}", self.pki(name).display());
        let mut server = Command::new(&testplane);
        server.arg("kube-apiserver").args([
            format!("--etcd-servers={ETCD}"),
            format!("--bind-address={BRIDGE_IP}"),
            format!("--advertise-address={BRIDGE_IP}"), // so that pods reach it by the `kubernetes` Service
            format!("--secure-port={API_PORT}"),
            format!("--cert-dir={}", self.dir("run").display()),
            format!("--service-cluster-ip-range={SERVICES}"),
            file("tls-cert-file", "apiserver.crt"),
            file("tls-private-key-file", "apiserver.key"),
            file("client-ca-file", "ca.crt"),
            file("kubelet-client-certificate", "apiserver-kubelet.crt"),
            file("kubelet-client-key", "apiserver-kubelet.key"),
            file("requestheader-client-ca-file", "ca.crt"),
            file("proxy-client-cert-file", "front.crt"),
            file("proxy-client-key-file", "front.key"),
            file("service-account-key-file", "sa.pub"),
            file("service-account-signing-key-file", "sa.key"),
        ]);
        server.args([
            "--service-account-issuer=https://kubernetes.default.svc",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            "--authorization-mode=Node,RBAC",
            "--allow-privileged=true",
            "--max-requests-inflight=1000",
            "--max-mutating-requests-inflight=500",
        ]);
        self.start("kube-apiserver", &server)
    }

    pub fn start_controllers(&self, tools: &Tools) -> Result<()> {
        self.wait("kube-apiserver", || shell::output(self.kubectl(tools).args(["get", "--raw", "/readyz"])).is_ok())?;
        self.offer_kubectl(tools)?;
        let testplane = tools.testplane()?;
        let kubeconfig = |flag: &str, user: &str| format!("--{flag}={}", self.kubeconfig(user).display());
        let certificates = format!("--cert-dir={}", self.dir("run").display());

        let mut controllers = Command::new(&testplane);
        controllers.arg("kube-controller-manager").args([
            kubeconfig("kubeconfig", "kcm"),
            kubeconfig("authentication-kubeconfig", "kcm"),
            kubeconfig("authorization-kubeconfig", "kcm"),
            format!("--secure-port={CONTROLLERS_PORT}"),
            format!("--service-account-private-key-file={}", self.pki("sa.key").display()),
            format!("--root-ca-file={}", self.pki("ca.crt").display()),
            format!("--flex-volume-plugin-dir={}", self.dir("kubelet/plugins-exec").display()),
            certificates.clone(),
        ]);
        controllers.args([
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
            // 1,000 pods are ready in half the time of the defaults.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--concurrent-namespace-syncs=50",
            "--concurrent-deployment-syncs=20",
            "--concurrent-statefulset-syncs=20",
            "--concurrent-service-endpoint-syncs=20",
            // A count that raced with the admission of a pod is one too low until the next.
            "--resource-quota-sync-period=5s",
            "--use-service-account-credentials=true",
            "--controllers=*,-persistentvolume-attach-detach-controller,-node-ipam-controller,-node-route-controller,-service-lb-controller,\
             -bootstrap-signer-controller,-token-cleaner-controller",
        ]);
        self.start("kube-controller-manager", &controllers)?;

        let configuration = self.dir("run/scheduler.yaml");
        fs::write(
            &configuration,
            format!(
                "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
                 clientConnection: {{kubeconfig: \"{}\", qps: 500, burst: 1000}}\nleaderElection: {{leaderElect: false}}\n",
                self.kubeconfig("sched").display()
            ),
        )?;
        let mut scheduler = Command::new(&testplane);
        scheduler.arg("kube-scheduler").args([
            format!("--config={}", configuration.display()),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={SCHEDULER_PORT}"),
            kubeconfig("authentication-kubeconfig", "sched"),
            kubeconfig("authorization-kubeconfig", "sched"),
            certificates,
        ]);
        self.start("kube-scheduler", &scheduler)
    }
}
