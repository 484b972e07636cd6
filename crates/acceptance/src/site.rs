//! A customer's own site at the handles' domain, which passes on to the server what others ask of handles there: a route of the stack's
//! Traefik, as a customer would write it for theirs.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;
use tempfile::TempDir;

use crate::World;
use crate::neighbour::certify;

/// Ends with the test.
pub struct Site {
    route: PathBuf,
    _certificate: TempDir,
}

impl Site {
    /// `/.well-known/` of `domain` leads to the same of `web_domain`; there is nothing else.
    pub async fn passing_on(world: &World, domain: &str, web_domain: &str) -> Result<Self> {
        let certificate = certify(&world.stack, domain)?;
        let route = world.stack.folder.join("run/routes").join(format!("{domain}.yaml"));
        let (file, name) = (|it: &str| certificate.path().join(it), domain.replace('.', "-"));
        let pass_on = json!({
            "regex": format!("^https://{}/\\.well-known/(.*)$", domain.replace('.', "\\.")),
            "replacement": format!("https://{web_domain}/.well-known/${{1}}"),
        });
        let rule = format!("Host(`{domain}`) && PathPrefix(`/.well-known/`)");
        let router = json!({"rule": rule, "entryPoints": ["websecure"], "middlewares": [name], "service": "noop@internal", "tls": {}});
        // JSON is YAML.
        let text = json!({
            "http": {"routers": {&name: router}, "middlewares": {&name: {"redirectRegex": pass_on}}},
            "tls": {"certificates": [{"certFile": file("tls.crt"), "keyFile": file("tls.key")}]},
        });
        std::fs::write(&route, text.to_string())?;
        let site = Self { route, _certificate: certificate };
        world.dns.set_a(domain, &[&world.stack.ip()?]).await?;
        Ok(site)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.route);
    }
}
