//! Traefik: the tenants' Ingresses, and the dashboard by a fixed route. TLS with certificates of the stack's authority.

use std::{fs, net::TcpStream, process::Command};

use anyhow::Result;

use super::{Stack, pki::Authority, tools::Tools};

pub const DASHBOARD: &str = "howdah.localhost";
pub const PLATFORM: &str = "fedi.localhost";
/// Where Howdah's server listens.
pub const SERVER: &str = "127.0.0.1:8080";

impl Stack {
    pub fn ingress_url(&self) -> String {
        format!("https://{}", self.ip)
    }

    /// The wildcard of the platform's servers, which Howdah takes along too.
    pub fn certify_platform(&self, authority: &Authority) -> Result<()> {
        authority.server("platform", &[PLATFORM, &format!("*.{PLATFORM}"), DASHBOARD])
    }

    pub fn start_ingress(&self, tools: &Tools) -> Result<()> {
        self.apply(tools, &fs::read_to_string(self.places.deploy("cluster/ingress-class.yaml"))?)?;
        let fill = |file: &str, to: &str| -> Result<std::path::PathBuf> {
            let text = fs::read_to_string(self.places.deploy("ingress").join(file))?;
            let text = text.replace("@PKI@", &self.dir("pki").to_string_lossy()).replace("@RUN@", &self.dir("run").to_string_lossy());
            let filled = self.dir("run").join(to);
            fs::write(&filled, text.replace("@DASHBOARD@", DASHBOARD).replace("@SERVER@", SERVER))?;
            Ok(filled)
        };
        fs::create_dir_all(self.dir("run").join("routes"))?;
        fill("routes.yaml", "routes/howdah.yaml")?;
        let mut traefik = Command::new(tools.python("traefik"));
        traefik
            .arg(format!("--configFile={}", fill("traefik.yaml", "traefik.yaml")?.display()))
            .env("KUBECONFIG", self.kubeconfig("admin"));
        self.start("ingress", &traefik)?;
        self.wait("ingress", || TcpStream::connect((self.ip.as_str(), 443)).is_ok())
    }
}
