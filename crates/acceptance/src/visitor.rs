//! Somebody outside who opens a server by its host name: names from the stack's DNS, TLS verified by the stack's CA, nothing else
//! known. Redirects are not followed.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Certificate;
use reqwest::redirect::Policy;

use crate::Stack;

#[derive(Clone, Debug)]
pub struct Visitor {
    http: reqwest::Client,
}

#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub kind: String,
    /// Where a redirect leads.
    pub location: Option<String>,
    pub body: Vec<u8>,
}

impl Seen {
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A client that trusts the stack's CA and nobody else.
pub fn client(stack: &Stack) -> Result<reqwest::Client> {
    let pem = std::fs::read(&stack.ca_cert).with_context(|| format!("can't read {}", stack.ca_cert.display()))?;
    Ok(reqwest::Client::builder()
        .tls_certs_only([Certificate::from_pem(&pem)?])
        .redirect(Policy::none())
        .timeout(Duration::from_secs(20))
        // A name that now leads elsewhere is looked up anew.
        .pool_max_idle_per_host(0)
        .no_proxy()
        .build()?)
}

impl Visitor {
    #[must_use]
    pub fn new(http: reqwest::Client) -> Self {
        Self { http }
    }

    pub async fn get(&self, url: &str) -> Result<Seen> {
        self.get_as(url, "*/*").await
    }

    pub async fn get_as(&self, url: &str, accept: &str) -> Result<Seen> {
        let response = self.http.get(url).header("accept", accept).send().await.with_context(|| format!("GET {url}"))?;
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
        let (kind, location) = (header("content-type").unwrap_or_default(), header("location"));
        Ok(Seen { status, kind, location, body: response.bytes().await?.to_vec() })
    }
}
