//! Faults in a customer's DNS, planted and taken away as the customer would.

use anyhow::{Result, ensure};
use howdah_acceptance::World;
use serde_json::{Value, json};

pub struct Planted<'a> {
    world: &'a World,
    name: String,
}

impl<'a> Planted<'a> {
    /// At this name.
    pub fn at(world: &'a World, name: &str) -> Self {
        Self { world, name: format!("{name}.") }
    }

    /// An old AAAA record, forgotten.
    pub async fn aaaa(&self, address: &str) -> Result<()> {
        self.tell("add-aaaa", json!({"addresses": [address]})).await
    }

    pub async fn no_aaaa(&self) -> Result<()> {
        self.tell("clear-aaaa", json!({})).await
    }

    /// Only this authority may issue certificates.
    pub async fn caa(&self, issuer: &str) -> Result<()> {
        self.tell("add-caa", json!({"policies": [{"tag": "issue", "value": issuer}]})).await
    }

    pub async fn no_caa(&self) -> Result<()> {
        self.tell("clear-caa", json!({})).await
    }

    async fn tell(&self, what: &str, mut said: Value) -> Result<()> {
        said["host"] = json!(self.name);
        let url = format!("{}/{what}", self.world.stack.dns_admin_url);
        let answer = self.world.http.post(url).body(said.to_string()).send().await?;
        ensure!(answer.status().is_success(), "{what} {said}: {}", answer.status());
        Ok(())
    }
}
