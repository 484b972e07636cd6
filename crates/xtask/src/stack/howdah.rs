//! Howdah's own processes, configured for the stack, with the rights they have in production.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Stack, images::Images, ingress, mail, postgres, s3, tools::Tools};
use crate::{places::Places, progress::Progress, shell};

const SYSTEM: &str = "howdah-system";
const INBOX: &str = "howdah-inbox";
/// In the order in which they are started.
const PROCESSES: &[&str] = &["operator"];

/// Builds what the stack runs and packs into images.
pub fn build_binaries(places: &Places, progress: Progress) -> Result<()> {
    progress.step("building Howdah (minutes the first time)", || {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&places.checkout).args(["build", "--quiet", "-p", "howdah", "-p", "howdah-standin"]);
        shell::visible(&mut cargo)
    })
}

impl Stack {
    pub fn binary(&self, name: &str) -> PathBuf {
        self.places.target.join("debug").join(name)
    }

    pub fn start_howdah(&self, tools: &Tools, _images: &Images) -> Result<()> {
        self.install(tools)?;
        let operator_config = self.write_operator_config()?;
        let mut operator = Command::new(self.binary("howdah"));
        operator.arg("operator").arg("--config").arg(operator_config);
        operator.arg("--kubeconfig").arg(self.service_account(tools, "howdah-operator")?);
        self.start("operator", &operator)?;
        Ok(())
    }

    pub fn stop_howdah(&self) -> Result<()> {
        PROCESSES.iter().rev().try_for_each(|process| self.stop(process))
    }

    /// The kinds, the namespaces, the rights, and the Secrets that an installation brings along.
    fn install(&self, tools: &Tools) -> Result<()> {
        self.progress.quiet("kinds, namespaces and rights", || {
            self.apply(tools, &shell::output(Command::new(self.binary("howdah")).arg("crds"))?)?;
            // Namespaces first: the rest is in them.
            for manifest in ["namespaces.yaml", "rbac.yaml", "admission.yaml"] {
                self.apply(tools, &fs::read_to_string(self.places.checkout.join("deploy/operator").join(manifest))?)?;
            }
            self.tls_secret(tools, "stack-ca", "ca")?;
            self.tls_secret(tools, "platform-tls", "platform")
        })
    }

    fn tls_secret(&self, tools: &Tools, name: &str, file: &str) -> Result<()> {
        let read = |kind: &str| fs::read_to_string(self.pki(&format!("{file}.{kind}")));
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": INBOX},
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": read("crt")?, "tls.key": read("key")?},
        });
        self.apply(tools, &secret.to_string())
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

    fn write_operator_config(&self) -> Result<PathBuf> {
        let folder = self.dir("howdah");
        let secret = |name: &str, value: &str| -> Result<PathBuf> {
            let file = folder.join(name);
            write_secret(&file, value)?;
            Ok(file)
        };
        let bridge = |port: u16| json!([{"cidr": format!("{}/32", self.ip), "port": port}]);
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
                "ingress": [{"cidr": format!("{}/32", self.ip)}],
                "clusterCidrs": ["10.96.0.0/16", "10.244.0.0/16", "10.245.0.0/24"],
            },
            "farewellPollSeconds": 2,
        });
        let file = folder.join("operator.yaml");
        // JSON is YAML.
        fs::write(&file, serde_json::to_string_pretty(&config)?)?;
        Ok(file)
    }

    pub fn howdah_facts(&self) -> Result<Value> {
        Ok(json!({}))
    }
}

fn write_secret(file: &Path, value: &str) -> Result<()> {
    fs::write(file, value)?;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o600))?)
}
