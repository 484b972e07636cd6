//! The mail catcher, which is also the tenants' relay.

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::Stack;

#[derive(Clone, Debug)]
pub struct MailCatcher {
    http: reqwest::Client,
    url: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Caught {
    pub from: String,
    pub to: Vec<String>,
    pub subject: String,
    pub text: String,
}

impl MailCatcher {
    #[must_use]
    pub fn new(stack: &Stack, http: reqwest::Client) -> Self {
        Self { http, url: stack.mail_url.clone() }
    }

    /// What came for this address, the oldest first.
    pub async fn to(&self, address: &str) -> Result<Vec<Caught>> {
        let text = self.http.get(format!("{}/messages", self.url)).send().await?.error_for_status()?.text().await?;
        let all: Vec<Caught> = serde_json::from_str(&text)?;
        Ok(all.into_iter().filter(|it| it.to.iter().any(|to| to == address)).collect())
    }

    /// From now on every message is refused for a while, or taken again.
    pub async fn refuse(&self, refuse: bool) -> Result<()> {
        let body = json!({"refuse": refuse}).to_string();
        let response = self.http.put(format!("{}/mode", self.url)).body(body).send().await?;
        ensure!(response.status().is_success(), "the catcher answers {}", response.status());
        Ok(())
    }
}
