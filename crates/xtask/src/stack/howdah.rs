//! Howdah's own processes, configured for the stack, with the rights they have in production.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Stack, images::Images, ingress, mail, postgres, s3, tools::Tools};
use crate::{assets, places::Places, progress::Progress, shell};

const SYSTEM: &str = "howdah-system";
const CERTIFICATES: &str = "howdah-certificates";
const API_SERVER_PORT: u16 = super::kubernetes::API_PORT;
const OPERATOR_METRICS: &str = "127.0.0.1:9102";
// 9101, where it listens by default, is SeaweedFS' here.
const WORKER_METRICS: &str = "127.0.0.1:9103";
/// In the order in which they are started.
const PROCESSES: &[&str] = &["operator", "worker", "server"];

/// Builds what the stack runs and packs into images.
pub fn build_binaries(places: &Places, progress: Progress) -> Result<()> {
    assets::bring(places, progress)?;
    progress.step("building Howdah (minutes the first time)", || {
        // For the whole workspace, whose features are those of its tests: for some crates only, dependencies would be built anew.
        shell::visible(places.cargo().args(["build", "--quiet", "--workspace", "--bins"]))
    })
}

impl Stack {
    pub fn start_howdah(&self, tools: &Tools, images: &Images) -> Result<()> {
        self.install(tools)?;
        let has_real_nodes = self.has_real_nodes(tools)?;
        self.start_media(tools, images, has_real_nodes)?;
        self.allow_pulls(tools, images, has_real_nodes)?;

        let mut operator = Command::new(self.places.binary("howdah"));
        operator.arg("operator").arg("--config").arg(self.write_operator_config(images)?);
        operator.arg("--kubeconfig").arg(self.service_account(tools, "howdah-operator")?);
        self.start("operator", operator.args(["--metrics-listen", OPERATOR_METRICS]))?;

        let mut worker = self.howdah(images, "worker");
        let kubeconfig = self.service_account(tools, "howdah-worker")?;
        let clusters = super::seed::clusters(has_real_nodes);
        worker.args(clusters.iter().map(|cluster| format!("--cluster={}={}", cluster.name, kubeconfig.display())));
        self.start("worker", worker.args(["--metrics-listen", WORKER_METRICS]))?;
        self.start("server", &self.howdah(images, "server"))?;
        self.wait("operator", || TcpStream::connect(OPERATOR_METRICS).is_ok())?;
        self.wait("worker", || TcpStream::connect(WORKER_METRICS).is_ok())?;
        self.wait("server", || TcpStream::connect(ingress::SERVER).is_ok())?;
        let rollout = ["-n", "howdah-media", "rollout", "status", "deployment/media-gateway", "--timeout=90s"];
        self.progress.quiet("media gateway", || shell::output(self.kubectl(tools).args(rollout)).map(drop))
    }

    pub fn stop_howdah(&self) -> Result<()> {
        PROCESSES.iter().rev().try_for_each(|process| self.stop(process))
    }

    /// The binary with all that server, worker and admin commands share, as environment.
    pub fn howdah(&self, images: &Images, command: &str) -> Command {
        let mut howdah = Command::new(self.places.binary("howdah"));
        let image = images.stand_in();
        let settings = [
            ("DATABASE_URL", self.database_url()),
            ("KEY_FILE", self.dir("howdah/keys").display().to_string()),
            ("CLOCK_OFFSET_FILE", self.clock().display().to_string()),
            ("DASHBOARD_URL", format!("https://{}", ingress::DASHBOARD)),
            ("LISTEN", ingress::SERVER.to_owned()),
            ("BEHIND_PROXY", "true".to_owned()),
            ("PLATFORM_DOMAINS", ingress::PLATFORM.to_owned()),
            ("ALLOWED_TLDS", "test,example".to_owned()),
            // Long enough to change one's mind, short enough to wait for.
            ("GRACE", "15s".to_owned()),
            ("TICK", "1s".to_owned()),
            ("PROOF_INTERVAL", "2s".to_owned()),
            ("INGRESS_ADDRESSES", self.ip.clone()),
            ("RELAY_SERVER", self.ip.clone()),
            ("RELAY_PORT", mail::SMTP_PORT.to_string()),
            // The catcher has no certificate.
            ("RELAY_STARTTLS", "never".to_owned()),
            ("RELAY_FROM_DOMAIN", ingress::PLATFORM.to_owned()),
            ("MASTODON_IMAGE", image.to_owned()),
            ("STREAMING_IMAGE", image.to_owned()),
            ("MAIL_FROM", format!("Howdah <howdah@{}>", ingress::DASHBOARD)),
            ("MAIL_SERVER", self.ip.clone()),
            ("MAIL_PORT", mail::SMTP_PORT.to_string()),
            ("MAIL_TLS", "none".to_owned()),
            ("RESOLVERS", format!("{}:53", self.ip)),
            ("EXTRA_CA_FILE", self.pki("ca.crt").display().to_string()),
            ("BUNDLES_ENDPOINT", self.s3_endpoint()),
            ("BUNDLES_REGION", s3::REGION.to_owned()),
            ("BUNDLES_BUCKET", s3::BUNDLES.to_owned()),
            ("BUNDLES_ACCESS_KEY_ID", s3::CONTROL_PLANE_KEY.to_owned()),
            ("BUNDLES_SECRET_ACCESS_KEY_FILE", self.control_plane_secret().display().to_string()),
        ];
        let settings = settings.into_iter().chain(self.stripe_settings());
        howdah.arg(command).envs(settings.map(|(name, value)| (format!("HOWDAH_{name}"), value)));
        howdah
    }

    /// The kinds, the namespaces, the rights, and the Secrets that an installation brings along.
    fn install(&self, tools: &Tools) -> Result<()> {
        self.progress.quiet("kinds, namespaces and rights", || {
            let deploy =
                |file: &str| fs::read_to_string(self.places.checkout.join("deploy").join(file)).with_context(|| format!("deploy/{file}"));
            self.apply(tools, &shell::output(Command::new(self.places.binary("howdah")).arg("crds"))?)?;
            // Namespaces first: the rest is in them.
            self.apply(tools, &deploy("operator/namespaces.yaml")?)?;
            let rights = ["operator/rbac.yaml", "operator/admission.yaml", "worker/rbac.yaml", "media/rbac.yaml"];
            let rights: Vec<String> = rights.into_iter().map(deploy).collect::<Result<_>>()?;
            let secrets = [self.tls_secret("stack-ca", "ca")?, self.tls_secret("platform-tls", "platform")?];
            self.apply(tools, &rights.into_iter().chain(secrets).collect::<Vec<_>>().join("\n---\n"))
        })
    }

    fn tls_secret(&self, name: &str, file: &str) -> Result<String> {
        let read = |kind: &str| fs::read_to_string(self.pki(&format!("{file}.{kind}")));
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": CERTIFICATES},
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": read("crt")?, "tls.key": read("key")?},
        });
        Ok(secret.to_string())
    }

    /// Whether the cluster has a node as the stack's real one; another cluster's servers run on any node.
    pub fn has_real_nodes(&self, tools: &Tools) -> Result<bool> {
        if self.scope.has_netns() {
            return Ok(true);
        }
        Ok(!shell::output(self.kubectl(tools).args(["get", "nodes", "-l", "type=real", "-o", "name"]))?.trim().is_empty())
    }

    fn start_media(&self, tools: &Tools, images: &Images, on_real_node: bool) -> Result<()> {
        let peers = format!("[{{ipBlock: {{cidr: {}/32}}}}]", self.ip);
        let placement = placement(on_real_node);
        let fill = [
            ("IMAGE", images.howdah()),
            ("PULL_POLICY", "Never"),
            ("OBJECT_STORES", &format!("main={}", self.s3_endpoint())),
            ("NODE_SELECTOR", placement.0),
            ("TOLERATIONS", placement.1),
            ("INGRESS_PEERS", &peers),
            ("DNS_PEERS", &peers),
            ("API_SERVER_PEERS", &peers),
            ("API_SERVER_PORT", &API_SERVER_PORT.to_string()),
            ("OBJECT_STORE_PEERS", &peers),
            ("OBJECT_STORE_PORT", &s3::PORT.to_string()),
        ];
        for file in ["network-policy.yaml", "gateway.yaml"] {
            let text = fs::read_to_string(self.places.checkout.join("deploy/media").join(file))?;
            self.apply(tools, &fill.iter().fold(text, |text, (name, value)| text.replace(&format!("@{name}@"), value)))?;
        }
        Ok(())
    }

    /// What pulls of bundles run as. Of the outside only this machine's own endpoints are there, so they are excepted.
    fn allow_pulls(&self, tools: &Tools, images: &Images, on_real_node: bool) -> Result<()> {
        let authority = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "howdah-authorities", "namespace": "howdah-bundles"},
            "data": {"ca.crt": fs::read_to_string(self.pki("ca.crt"))?},
        });
        let environment = json!([
            {"name": "HOWDAH_EXTRA_CA_FILE", "value": "/etc/howdah/authorities/ca.crt"},
            {"name": "HOWDAH_OUTSIDE_ALLOWED_CIDRS", "value": self.ip},
        ]);
        let peers = format!("[{{ipBlock: {{cidr: {}/32}}}}]", self.ip);
        let placement = placement(on_real_node);
        let fill = [
            ("IMAGE", images.howdah()),
            ("PULL_POLICY", "Never"),
            ("ENV", &environment.to_string()),
            ("NODE_SELECTOR", placement.0),
            ("TOLERATIONS", placement.1),
            ("DNS_PEERS", &peers),
            ("PLATFORM_PEERS", &peers),
        ];
        let text = fs::read_to_string(self.places.checkout.join("deploy/worker/pulls.yaml"))?;
        let filled = fill.iter().fold(text, |text, (name, value)| text.replace(&format!("@{name}@"), value));
        self.apply(tools, &format!("{filled}\n---\n{authority}"))
    }

    /// A kubeconfig with a ServiceAccount's token: exactly its rights.
    fn service_account(&self, tools: &Tools, name: &str) -> Result<PathBuf> {
        let create = ["-n", SYSTEM, "create", "token", name, "--duration=8760h"];
        let token = shell::output(self.kubectl(tools).args(create))?;
        let view = shell::output(self.kubectl(tools).args(["config", "view", "--minify", "--flatten", "-o", "json"]))?;
        let mut config: Value = serde_json::from_str(&view)?;
        *config.pointer_mut("/users/0/user").context("the kubeconfig has no user")? = json!({ "token": token.trim() });
        let file = self.dir("howdah").join(format!("{name}.kubeconfig"));
        write_secret(&file, &config.to_string())?;
        Ok(file)
    }

    fn write_operator_config(&self, images: &Images) -> Result<PathBuf> {
        let folder = self.dir("howdah");
        let secret = |name: &str, value: &str| -> Result<PathBuf> {
            let file = folder.join(name);
            write_secret(&file, value)?;
            Ok(file)
        };
        let bridge = |port: u16| json!([{"cidr": format!("{}/32", self.ip), "port": port}]);
        // What runs on the node: pods see it come from their bridge's own address.
        let node = json!([{"cidr": format!("{}/32", self.ip)}, {"cidr": "10.245.0.1/32"}]);
        let (database_host, database_port) = self.tenants_host();
        let config = json!({
            "platformDomains": [ingress::PLATFORM],
            "ingressClass": "traefik",
            "redisImage": "localhost/redis:8",
            "certificates": {"platformSecret": "platform-tls", "issuer": {"ca": {"secret": "stack-ca"}}},
            "databaseServers": {"main": {
                "host": database_host,
                "port": database_port,
                "user": postgres::PROVISIONER,
                "passwordFile": secret("provisioner-password", postgres::PROVISIONER_PASSWORD)?,
                "sslMode": "disable",
                "database": "postgres",
                "template": postgres::TEMPLATE,
            }},
            "objectStores": {"main": {
                "endpoint": self.s3_endpoint(),
                "region": s3::REGION,
                "accessKeyFile": secret("s3-access-key", s3::ACCESS_KEY)?,
                "secretKeyFile": secret("s3-secret-key", s3::SECRET_KEY)?,
            }},
            "podProfiles": {
                "default": {},
                "real": {
                    "nodeSelector": {"type": "real"},
                    "tolerations": [{"key": "real", "value": "true", "effect": "NoSchedule"}],
                    "storageClass": "local",
                    "imagePullPolicy": "Never",
                },
                "fake": {"nodeSelector": {"type": "fake"}, "storageClass": "fake", "imagePullPolicy": "IfNotPresent"},
            },
            "network": {
                "dns": bridge(53),
                "databases": bridge(database_port),
                "objectStores": bridge(s3::PORT),
                "mail": bridge(mail::SMTP_PORT),
                "ingress": node,
                "operator": node,
                "clusterCidrs": ["10.96.0.0/16", "10.244.0.0/16", "10.245.0.0/24"],
            },
            "bundles": {"store": "main", "bucket": s3::BUNDLES, "image": images.howdah()},
            "farewellPollSeconds": 2,
        });
        let file = folder.join("operator.yaml");
        // JSON is YAML.
        fs::write(&file, serde_json::to_string_pretty(&config)?)?;
        Ok(file)
    }
}

/// Node selector and tolerations of what runs for real.
const fn placement(on_real_node: bool) -> (&'static str, &'static str) {
    match on_real_node {
        true => ("{type: real}", "[{key: real, value: \"true\", effect: NoSchedule}]"),
        false => ("{}", "[]"),
    }
}

pub fn write_secret(file: &Path, value: &str) -> Result<()> {
    fs::write(file, value)?;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o600))?)
}
