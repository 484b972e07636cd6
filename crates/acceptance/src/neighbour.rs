//! A second server of the fediverse: the stand-in's own, which counts what is delivered to it, under a name in the outside DNS and
//! with a certificate of the stack's CA.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use rcgen::{CertificateParams, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::wait::{seconds, until};
use crate::{Stack, World};

/// Ends with the test.
pub struct Neighbour {
    /// With its port.
    pub host: String,
    http: reqwest::Client,
    _process: Child,
    _certificate: TempDir,
}

impl Neighbour {
    /// One at `name`, on a port of its own.
    pub async fn start(world: &World, name: &str) -> Result<Self> {
        let folder = certify(&world.stack, name)?;
        let address = world.stack.ip()?;
        let port = free_port(&address)?;
        let mut command = Command::new(binary("howdah-standin")?);
        command.args(["inbox", "--listen", &format!("{address}:{port}")]);
        command.arg("--tls-cert").arg(folder.path().join("tls.crt")).arg("--tls-key").arg(folder.path().join("tls.key"));
        command.env("SSL_CERT_FILE", &world.stack.ca_cert).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let process = command.spawn().context("the stand-in's inbox")?;
        world.dns.set_a(name, &[&address]).await?;
        let neighbour = Self { host: format!("{name}:{port}"), http: world.http.clone(), _process: process, _certificate: folder };
        until("the second server answers", seconds(20), async || neighbour.get("/health").await.map(drop)).await?;
        Ok(neighbour)
    }

    async fn get(&self, path: &str) -> Result<String> {
        let url = format!("https://{}{path}", self.host);
        Ok(self.http.get(url).send().await?.error_for_status()?.text().await?)
    }

    /// Somebody here follows an actor there, so that the other server knows this one.
    pub async fn follow(&self, actor: &str) -> Result<()> {
        let url = format!("https://{}/standin/follow", self.host);
        let response =
            self.http.post(url).header("content-type", "application/json").body(json!({"actor": actor}).to_string()).send().await?;
        let text = response.text().await?;
        let answer: Value = serde_json::from_str(&text).with_context(|| text.clone())?;
        ensure!(matches!(answer["status"].as_u64(), Some(200..300)), "following {actor}: {text}");
        Ok(())
    }

    /// How many activities came at all.
    pub async fn deliveries(&self) -> Result<usize> {
        let seen: Value = serde_json::from_str(&self.get("/standin/inbox").await?)?;
        Ok(seen["deliveries"].as_array().map(Vec::len).unwrap_or_default())
    }

    /// How many activities of this type came from this actor.
    pub async fn delivered(&self, kind: &str, actor: &str) -> Result<usize> {
        let seen: Value = serde_json::from_str(&self.get("/standin/inbox").await?)?;
        let deliveries = seen["deliveries"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_it = |it: &&Value| it["activity"]["type"] == kind && it["activity"]["actor"] == actor;
        Ok(deliveries.iter().filter(is_it).count())
    }
}

/// A folder with `tls.crt` and `tls.key` for this name, of the stack's CA.
pub(crate) fn certify(stack: &Stack, name: &str) -> Result<TempDir> {
    let read = |file: &str| std::fs::read_to_string(stack.folder.join("pki").join(file)).with_context(|| format!("the stack's {file}"));
    let authority = Issuer::from_ca_cert_pem(&read("ca.crt")?, KeyPair::from_pem(&read("ca.key")?)?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, &authority)?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("tls.crt"), certificate.pem())?;
    std::fs::write(folder.path().join("tls.key"), key.serialize_pem())?;
    Ok(folder)
}

fn free_port(address: &str) -> Result<u16> {
    Ok(std::net::TcpListener::bind((address, 0))?.local_addr()?.port())
}

/// One of the project's binaries, built beside this test.
pub fn binary(name: &str) -> Result<std::path::PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("a test lies in cargo's target folder")?;
    let path = folder.join(name);
    ensure!(path.exists(), "{} is not built", path.display());
    Ok(path)
}
