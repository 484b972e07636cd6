//! The WebDriver protocol, as much of it as these tests speak: JSON over HTTP.
//!
//! No crate for it was taken: `thirtyfour` makes serde_json keep the order of keys in the whole workspace, and so in what Howdah
//! answers under test alone; `fantoccini` brings a second ICU.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

/// Under which a found element is named, by the standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A browser under control.
#[derive(Clone, Debug)]
pub struct Session {
    http: reqwest::Client,
    url: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element(String);

impl Element {
    fn read(value: &Value) -> Result<Self> {
        Ok(Self(value[ELEMENT].as_str().with_context(|| format!("no element: {value}"))?.to_owned()))
    }
}

impl Session {
    pub async fn open(driver: &str, wanted: Value) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).no_proxy().build()?;
        let opening = Self { http, url: driver.to_owned() };
        let opened = opening.send(Method::POST, "/session", Some(json!({"capabilities": {"alwaysMatch": wanted}}))).await?;
        let id = opened["sessionId"].as_str().with_context(|| format!("no session: {opened}"))?;
        Ok(Self { url: format!("{driver}/session/{id}"), ..opening })
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.context("chromedriver")?;
        let is_done = answer.status().is_success();
        let text = answer.text().await?;
        let value = serde_json::from_str::<Value>(&text).with_context(|| text.clone())?["value"].clone();
        ensure!(is_done, "{path}: {}: {}", value["error"].as_str().unwrap_or("error"), first_line(&value["message"]));
        Ok(value)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn go(&self, url: &str) -> Result<()> {
        self.post("/url", json!({"url": url})).await.map(drop).with_context(|| url.to_owned())
    }

    pub async fn refresh(&self) -> Result<()> {
        self.post("/refresh", json!({})).await.map(drop)
    }

    pub async fn url(&self) -> Result<String> {
        text(&self.get("/url").await?)
    }

    pub async fn title(&self) -> Result<String> {
        text(&self.get("/title").await?)
    }

    pub async fn find_all(&self, xpath: &str) -> Result<Vec<Element>> {
        let found = self.post("/elements", json!({"using": "xpath", "value": xpath})).await?;
        found.as_array().with_context(|| format!("no list: {found}"))?.iter().map(Element::read).collect()
    }

    /// What the keys go to.
    pub async fn focused(&self) -> Result<Element> {
        Element::read(&self.get("/element/active").await?)
    }

    pub async fn click(&self, element: &Element) -> Result<()> {
        self.post(&format!("/element/{}/click", element.0), json!({})).await.map(drop)
    }

    pub async fn clear(&self, element: &Element) -> Result<()> {
        self.post(&format!("/element/{}/clear", element.0), json!({})).await.map(drop)
    }

    pub async fn type_into(&self, element: &Element, what: &str) -> Result<()> {
        self.post(&format!("/element/{}/value", element.0), json!({"text": what})).await.map(drop)
    }

    /// As it is seen: what is hidden has none.
    pub async fn text(&self, element: &Element) -> Result<String> {
        text(&self.get(&format!("/element/{}/text", element.0)).await?)
    }

    pub async fn attribute(&self, element: &Element, name: &str) -> Result<Option<String>> {
        Ok(self.get(&format!("/element/{}/attribute/{name}", element.0)).await?.as_str().map(str::to_owned))
    }

    pub async fn style(&self, element: &Element, property: &str) -> Result<String> {
        text(&self.get(&format!("/element/{}/css/{property}", element.0)).await?)
    }

    /// As a screen reader tells it.
    pub async fn label(&self, element: &Element) -> Result<String> {
        text(&self.get(&format!("/element/{}/computedlabel", element.0)).await?)
    }

    /// As a screen reader tells it.
    pub async fn role(&self, element: &Element) -> Result<String> {
        text(&self.get(&format!("/element/{}/computedrole", element.0)).await?)
    }

    pub async fn is_displayed(&self, element: &Element) -> Result<bool> {
        Ok(self.get(&format!("/element/{}/displayed", element.0)).await? == true)
    }

    pub async fn is_selected(&self, element: &Element) -> Result<bool> {
        Ok(self.get(&format!("/element/{}/selected", element.0)).await? == true)
    }

    pub async fn script(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post("/execute/sync", json!({"script": script, "args": arguments})).await
    }

    /// One that calls its last argument when it is done.
    pub async fn script_to_its_end(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post("/execute/async", json!({"script": script, "args": arguments})).await
    }

    /// Presses these keys one after the other, wherever they go.
    pub async fn press_keys(&self, keys: &str) -> Result<()> {
        let presses: Vec<Value> =
            keys.chars().flat_map(|key| ["keyDown", "keyUp"].map(|it| json!({"type": it, "value": key.to_string()}))).collect();
        self.post("/actions", json!({"actions": [{"type": "key", "id": "keys", "actions": presses}]})).await.map(drop)
    }

    /// A command of the browser's developer tools.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await.with_context(|| command.to_owned())
    }

    /// A device of the standard's own making, with a person before it who is always found to be the right one.
    pub async fn add_authenticator(&self) -> Result<()> {
        let device = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserConsenting": true, "isUserVerified": true,
        });
        self.post("/webauthn/authenticator", device).await.map(drop)
    }

    /// What was logged since it was asked last.
    pub async fn log(&self, kind: &str) -> Result<Vec<Value>> {
        let entries = self.post("/se/log", json!({"type": kind})).await?;
        entries.as_array().cloned().with_context(|| format!("no log: {entries}"))
    }

    /// And goes there.
    pub async fn open_tab(&self) -> Result<()> {
        let tab = text(&self.post("/window/new", json!({"type": "tab"})).await?["handle"])?;
        self.switch_to(&tab).await
    }

    /// As [`Session::switch_to`] wants it.
    pub async fn tab(&self) -> Result<String> {
        text(&self.get("/window").await?)
    }

    pub async fn switch_to(&self, tab: &str) -> Result<()> {
        self.post("/window", json!({"handle": tab})).await.map(drop)
    }
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("no text: {value}"))
}

/// Stack traces of the driver help nobody.
fn first_line(message: &Value) -> &str {
    message.as_str().and_then(|it| it.lines().next()).unwrap_or_default()
}
