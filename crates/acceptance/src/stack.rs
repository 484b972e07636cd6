//! `stack.json`: where the parts of the running stack are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use reqwest::Url;
use serde::Deserialize;

/// The template that tenants' databases are made from in the stack.
pub const TEMPLATE: &str = "howdah_template";

/// A running stack. Keys that no test here reads are left out.
#[derive(Debug, Clone, Deserialize)]
pub struct Stack {
    /// Where it keeps its state.
    #[serde(skip)]
    pub folder: PathBuf,
    pub kubeconfig: PathBuf,
    pub ca_cert: PathBuf,
    pub database_url: String,
    /// The provisioner's, on the tenants' server.
    pub tenant_database_url: String,
    pub s3: S3,
    pub ingress_url: String,
    pub mail_url: String,
    pub dns_admin_url: String,
    pub dashboard_url: String,
    pub api_url: String,
    /// The demo customer's.
    pub api_token: Option<String>,
    pub operator_api_token: Option<String>,
    pub stand_in_image: Option<String>,
    /// A simulated Stripe, where servers are paid for.
    pub stripe_url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct S3 {
    pub endpoint: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
}

impl Stack {
    /// From `$HOWDAH_STACK/stack.json`.
    pub fn attach() -> Result<Self> {
        let folder = std::env::var_os("HOWDAH_STACK").context("HOWDAH_STACK is not set: the folder of a running stack")?;
        let path = Path::new(&folder).join("stack.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("is the stack up? {}", path.display()))?;
        let stack: Self = serde_json::from_str(&text).with_context(|| format!("{} is not what a stack writes", path.display()))?;
        Ok(Self { folder: folder.into(), ..stack })
    }

    /// The address at which pods and the machine reach what is outside the cluster: the ingress, the relay, a second server.
    pub fn ip(&self) -> Result<String> {
        let url: Url = self.ingress_url.parse().context("stack.json's ingress_url")?;
        Ok(url.host_str().context("stack.json's ingress_url has no host")?.to_owned())
    }
}
