//! Howdah's API as a client of it: bearer token, JSON, problems. What goes over the wire is said in `/api/openapi.json`.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use howdah_domain::InstanceId;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::Stack;
use crate::wait::until;

/// How often a request is sent again that was refused for being one too many.
const PATIENCE: usize = 20;

#[derive(Clone, Debug)]
pub struct Api {
    http: reqwest::Client,
    url: String,
    pub(crate) token: String,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The machine reason of a problem.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.body["reason"].as_str().unwrap_or_default()
    }

    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// The answer, if it has this status.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "the API answers {} and not {status}: {}", self.status, self.body);
        Ok(self)
    }
}

/// A launch that has begun.
#[derive(Debug, Clone)]
pub struct Launched {
    pub id: InstanceId,
    pub operation_url: String,
}

impl Launched {
    pub fn read(answer: &Answer) -> Result<Self> {
        let id = answer.body["id"].as_str().and_then(|it| it.parse().ok()).with_context(|| format!("no id in {}", answer.body))?;
        let url = answer.body["operation"]["url"].as_str().with_context(|| format!("no operation in {}", answer.body))?;
        Ok(Self { id, operation_url: url.to_owned() })
    }
}

impl Api {
    #[must_use]
    pub fn new(stack: &Stack, http: reqwest::Client, token: String) -> Self {
        Self { http, url: stack.dashboard_url.clone(), token }
    }

    /// The same API with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// One request to a path below the dashboard's address. Who is told to wait for the rate limit waits.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Result<Answer> {
        for _ in 0..PATIENCE {
            let answer = self.send_once(method.clone(), path, headers, body).await?;
            if answer.status != 429 {
                return Ok(answer);
            }
            let after = answer.header("retry-after").parse().unwrap_or(1);
            tokio::time::sleep(Duration::from_secs(after)).await;
        }
        bail!("{method} {path} is refused for the rate limit again and again")
    }

    async fn send_once(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Result<Answer> {
        let url = format!("{}{path}", self.url);
        let mut request = self.http.request(method, &url).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.with_context(|| url.clone())?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, headers, body })
    }

    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.send(Method::POST, path, &[], body).await
    }

    pub async fn launch(&self, wish: &Value) -> Result<Launched> {
        Launched::read(&self.post("/api/v1/instances", Some(wish)).await?.expect(202)?)
    }

    pub async fn instance(&self, id: InstanceId) -> Result<Value> {
        Ok(self.get(&format!("/api/v1/instances/{id}")).await?.expect(200)?.body)
    }

    pub async fn operation(&self, url: &str) -> Result<Value> {
        Ok(self.get(url).await?.expect(200)?.body)
    }

    /// The newest operation of a server.
    /// The newest, but for exports, which are beside all else.
    pub async fn last_operation(&self, id: InstanceId) -> Result<Value> {
        let page = self.get(&format!("/api/v1/instances/{id}/operations")).await?.expect(200)?.body;
        let found = page["items"].as_array().and_then(|all| all.iter().find(|it| it["kind"] != "export"));
        found.cloned().ok_or_else(|| anyhow!("no operation in {page}"))
    }

    /// Without a final bundle, which takes its time.
    pub async fn close(&self, id: InstanceId) -> Result<()> {
        self.close_as(id, true).await
    }

    pub async fn close_as(&self, id: InstanceId, declines_final_bundle: bool) -> Result<()> {
        let mut confirm = self.confirm(id).await?;
        confirm["decline_final_bundle"] = declines_final_bundle.into();
        self.post(&format!("/api/v1/instances/{id}/close"), Some(&confirm)).await?.expect(202).map(drop)
    }

    /// The server's domain, typed again.
    pub async fn confirm(&self, id: InstanceId) -> Result<Value> {
        Ok(json!({"confirm": self.instance(id).await?["domain"]}))
    }

    pub async fn undo(&self, id: InstanceId) -> Result<()> {
        self.post(&format!("/api/v1/instances/{id}/undo"), None).await?.expect(202).map(drop)
    }

    /// For operators.
    pub async fn remove(&self, id: InstanceId) -> Result<()> {
        self.send(Method::DELETE, &format!("/api/v1/instances/{id}"), &[], None).await?.expect(202).map(drop)
    }

    pub async fn wait_for_phase(&self, id: InstanceId, phase: &str, within: Duration) -> Result<Value> {
        until(&format!("{id} is {phase}"), within, async || {
            let seen = self.instance(id).await?;
            ensure!(seen["phase"] == phase, "it is {}: {}", seen["phase"], brief(&seen));
            Ok(seen)
        })
        .await
    }

    pub async fn wait_for_operation(&self, url: &str, state: &str, within: Duration) -> Result<Value> {
        until(&format!("{url} has {state}"), within, async || {
            let seen = self.operation(url).await?;
            ensure!(seen["state"] == state, "{}", summary(&seen));
            Ok(seen)
        })
        .await
    }

    /// The live operation says that it is held up at this step for this reason.
    pub async fn wait_for_trouble(&self, id: InstanceId, step: &str, reason: &str, within: Duration) -> Result<Value> {
        until(&format!("{id} is held up at {step} by {reason}"), within, async || {
            let seen = self.last_operation(id).await?;
            let failure = &seen["failure"];
            ensure!(failure["step"] == step && failure["reason"] == reason, "{}", summary(&seen));
            for part in ["sentence", "way_out"] {
                ensure!(failure[part].as_str().is_some_and(|it| it.len() > 10), "the failure has no {part}: {failure}");
            }
            Ok(seen)
        })
        .await
    }
}

/// The same on a fake node, for operators: everything is made, and nothing runs.
#[must_use]
pub fn fake(domain: &str) -> Value {
    let mut wish = wish(domain);
    wish["cluster"] = json!("fake");
    wish
}

/// A small server at this address, of the owner `ada`.
#[must_use]
pub fn wish(domain: &str) -> Value {
    json!({"domain": domain, "plan": "small", "owner": {"username": "ada", "email": "ada@people.test"}})
}

fn brief(instance: &Value) -> String {
    format!("{} addresses {}", summary(&instance["operation"]), instance["addresses"])
}

/// An operation on one line, for a test's last words.
#[must_use]
pub fn summary(operation: &Value) -> String {
    let steps = operation["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let steps: Vec<String> =
        steps.iter().map(|it| format!("{}={}", it["name"].as_str().unwrap_or("?"), it["state"].as_str().unwrap_or("?"))).collect();
    format!("{} {}: {} {}", operation["kind"], operation["state"], steps.join(" "), operation["failure"])
}
