//! The demo customer's server, launched through the API as anybody's, and granted by the operator where others are paid for.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{
    Stack, ingress,
    seed::{CUSTOMER, OPERATOR, Person},
};

const RUNNING_WITHIN: Duration = Duration::from_secs(180);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

impl Stack {
    /// Launches it unless the customer has it already; returns when it runs.
    pub fn launch_demo(&self) -> Result<()> {
        let domain = format!("savanna.{}", ingress::PLATFORM);
        self.progress.step(&format!("launching https://{domain}"), || self.within(|| self.launch(&domain)))
    }

    fn launch(&self, domain: &str) -> Result<()> {
        let mine = self.api(&CUSTOMER, "GET", "/api/v1/instances", None)?;
        let items = mine["items"].as_array().context("the API lists no instances")?;
        if items.iter().any(|instance| instance["domain"] == domain) {
            return Ok(());
        }
        let owner = json!({"username": "amina", "email": "amina@example.org"});
        let launched =
            self.api(&CUSTOMER, "POST", "/api/v1/instances", Some(&json!({"domain": domain, "plan": "small", "owner": owner})))?;
        let url = launched["operation"]["url"].as_str().context("a launch names its operation")?;
        if self.stripe_url().is_some() {
            let id = launched["id"].as_str().context("a launch names its server")?;
            let grant = json!({"reason": "the demo customer's server"});
            self.api(&OPERATOR, "PUT", &format!("/api/v1/instances/{id}/grant"), Some(&grant))?;
        }
        let begun = Instant::now();
        let mut told = BTreeSet::new();
        loop {
            let operation = self.api(&CUSTOMER, "GET", url, None)?;
            for step in operation["steps"].as_array().into_iter().flatten() {
                let name = step["name"].as_str().unwrap_or_default();
                if step["state"] == "succeeded" && told.insert(name.to_owned()) {
                    self.progress.say(format!("  {name}"));
                }
            }
            match operation["state"].as_str() {
                Some("succeeded") => return Ok(()),
                Some("failed" | "cancelled") => bail!("its launch did not succeed: {operation}"),
                _ => ensure!(begun.elapsed() < RUNNING_WITHIN, "it does not run after {} s: {operation}", RUNNING_WITHIN.as_secs()),
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Asks Howdah's server itself.
    fn api(&self, person: &Person, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            ingress::DASHBOARD,
            self.token(person)?,
            body.len(),
        );
        let mut connection = TcpStream::connect(ingress::SERVER)?;
        connection.set_read_timeout(Some(ANSWER_WITHIN))?;
        connection.write_all(request.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (head, content) = answer.split_once("\r\n\r\n").context("an answer has a head and a body")?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        ensure!(status.starts_with('2'), "{method} {path} was answered with {status}: {content}");
        serde_json::from_str(content).with_context(|| format!("{method} {path}: no JSON: {content}"))
    }
}
