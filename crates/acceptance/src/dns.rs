//! The outside DNS server, as a customer's provider would have it changed.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::Stack;

#[derive(Clone, Debug)]
pub struct OutsideDns {
    http: reqwest::Client,
    url: String,
}

impl OutsideDns {
    #[must_use]
    pub fn new(stack: &Stack, http: reqwest::Client) -> Self {
        Self { http, url: stack.dns_admin_url.clone() }
    }

    pub async fn set_txt(&self, name: &str, value: &str) -> Result<()> {
        self.post("set-txt", json!({"host": full(name), "value": value})).await
    }

    /// In place of what it had.
    pub async fn set_a(&self, name: &str, addresses: &[&str]) -> Result<()> {
        self.clear_a(name).await?;
        self.post("add-a", json!({"host": full(name), "addresses": addresses})).await
    }

    pub async fn clear_a(&self, name: &str) -> Result<()> {
        self.post("clear-a", json!({"host": full(name)})).await
    }

    async fn post(&self, action: &str, body: Value) -> Result<()> {
        let response = self.http.post(format!("{}/{action}", self.url)).body(body.to_string()).send().await?;
        ensure!(response.status().is_success(), "{action} {body}: {}", response.status());
        Ok(())
    }
}

fn full(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}
