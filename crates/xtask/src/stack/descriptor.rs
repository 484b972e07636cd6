//! `stack.json`: how scripts and tests attach to a running stack.

use std::fs;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Scope, Stack, images::Images, ingress, s3};

impl Stack {
    fn descriptor(&self) -> std::path::PathBuf {
        self.dir("stack.json")
    }

    /// Written last: a stack that has it is ready.
    pub fn write_descriptor(&self, images: &Images) -> Result<()> {
        let mut all = json!({
            "kubeconfig": self.admin_kubeconfig(),
            "ca_cert": self.pki("ca.crt"),
            "ingress_url": self.ingress_url(),
        });
        let mut add = |value: Value| {
            if let (Value::Object(all), Value::Object(more)) = (&mut all, value) {
                all.extend(more);
            }
        };
        if self.scope.has_netns() {
            add(json!({ "netns": self.netns() }));
        }
        if self.scope != Scope::Plane {
            add(json!({
                "database_url": self.database_url(),
                "tenant_database_url": self.tenant_database_url(),
                "s3": {"endpoint": self.s3_endpoint(), "region": s3::REGION, "access_key": s3::ACCESS_KEY, "secret_key": s3::SECRET_KEY},
                "mail_url": self.mail_url(),
                "dns_admin_url": self.dns_admin_url(),
                "dashboard_url": format!("https://{}", ingress::DASHBOARD),
                "stand_in_image": images.stand_in(),
                "api_url": format!("https://{}/api/v1", ingress::DASHBOARD),
            }));
            if let Some(url) = self.stripe_url() {
                add(json!({ "stripe_url": url }));
            }
            add(self.people()?);
        }
        let half = self.dir("stack.json.half");
        fs::write(&half, serde_json::to_string_pretty(&all)? + "\n")?;
        Ok(fs::rename(half, self.descriptor())?)
    }

    /// What a person needs to look around.
    pub fn descriptor_summary(&self) -> Result<()> {
        println!("\n  stack        {}", self.descriptor().display());
        if self.scope.has_netns() {
            println!("  inside       cargo xtask inside COMMAND…");
            println!("  kubectl      --kubeconfig {}", self.admin_kubeconfig().display());
        }
        if self.scope == Scope::Whole {
            let forwards = self.forwards()?;
            let port = if forwards.ingress.port() == 443 { String::new() } else { format!(":{}", forwards.ingress.port()) };
            println!("  dashboard    https://{}{port}/   (plain: http://{}/)", ingress::DASHBOARD, forwards.server);
            println!("  servers      https://NAME.{}{port}/", ingress::PLATFORM);
            println!("  mail         http://{}/", forwards.mail);
            if let Some(url) = self.stripe_url() {
                println!("  Stripe       {url}/   (simulated: servers are paid for with the card 4242 4242 4242 4242)");
            }
            self.print_people();
            println!("  authority    {}   (trust it in the browser, once)", self.pki("ca.crt").display());
        }
        Ok(())
    }
}
