//! What every page of ours is held to: axe-core finds nothing in either scheme, its HTML is valid, its first load is small and asks
//! nobody else, its scripts keep to the policy; and a picture of it in each width and scheme, to be looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use data_encoding::BASE64;
use howdah_acceptance::wait::{seconds, until};
use serde_json::{Value, json};

use crate::browser::Browser;

/// A phone's, a tablet's, a desk's.
const WIDTHS: [u32; 3] = [360, 768, 1280];
const SCHEMES: [&str; 2] = ["light", "dark"];
/// Compressed, with all that the page loads.
const FIRST_LOAD: u64 = 50 * 1024;
/// Next to none: Chromium itself leaves out what moves by less than three pixels, or within half a second of a person's doing. (The people's
/// page was seen with 0.0007 on a busy machine; what moved there isn't known.)
const LAYOUT_SHIFT: f64 = 0.001;

/// The pages that one test has seen.
pub struct Album {
    sources: PathBuf,
    axe: String,
    seen: BTreeSet<String>,
    faults: Vec<String>,
}

impl Album {
    pub fn open(test: &str) -> Result<Self> {
        let axe = checks().join("node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(&axe).with_context(|| format!("{}: does `cargo xtask checks` bring it?", axe.display()))?;
        let sources = target().join("pages").join(test);
        if sources.exists() {
            fs::remove_dir_all(&sources)?;
        }
        fs::create_dir_all(&sources)?;
        fs::create_dir_all(target().join("screenshots"))?;
        Ok(Self { sources, axe, seen: BTreeSet::new(), faults: Vec::new() })
    }

    /// Looks at the page that is open. `name` is the page's, with the state that it is in: `server-running`. What is wrong is told when
    /// the album is closed, so that one fault hides no other.
    pub async fn keep(&mut self, browser: &Browser, name: &str) -> Result<()> {
        ensure!(self.seen.insert(name.to_owned()), "two pages are called {name}");
        let source = source(browser).await.with_context(|| format!("the source of {name}"))?;
        fs::write(self.sources.join(format!("{name}.html")), source)?;
        if browser.runs_scripts {
            self.weigh(browser, name).await?;
        }
        for width in WIDTHS {
            for scheme in SCHEMES {
                browser.look(width, scheme).await?;
                let picture = target().join("screenshots").join(format!("{name}-{width}-{scheme}.png"));
                fs::write(&picture, photograph(browser).await?)?;
                self.fits(browser, name, width).await?;
                // What axe sees differs by colours and by layout: each scheme once, each layout once.
                if browser.runs_scripts && matches!((width, scheme), (360, "dark") | (1280, "light")) {
                    self.examine(browser, &format!("{name} at {width} px, {scheme}")).await?;
                }
            }
        }
        browser.look(1280, "light").await
    }

    /// Nothing sticks out to the side, so that nobody has to scroll both ways.
    async fn fits(&mut self, browser: &Browser, name: &str, width: u32) -> Result<()> {
        let content = browser.session.devtools("Page.getLayoutMetrics", json!({})).await?["cssContentSize"]["width"].as_f64();
        let content = content.context("a page has a width")?;
        if content > f64::from(width) {
            self.faults.push(format!("{name} is {content} px wide at {width} px"));
        }
        Ok(())
    }

    async fn examine(&mut self, browser: &Browser, name: &str) -> Result<()> {
        browser.session.script(&self.axe, json!([])).await.context("axe-core")?;
        let run = "const done = arguments[arguments.length - 1];
            axe.run(document, {resultTypes: ['violations'], rules: {'target-size': {enabled: true}}})
               .then((it) => done(it.violations), (error) => done([{id: String(error), nodes: []}]));";
        let violations = browser.session.script_to_its_end(run, json!([])).await?;
        for violation in violations.as_array().context("axe gives a list")? {
            let rule = violation["id"].as_str().unwrap_or_default();
            let nodes = violation["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
            if nodes.is_empty() {
                self.faults.push(format!("{name}: {rule}"));
            }
            for node in nodes {
                let summary = node["failureSummary"].as_str().unwrap_or_default().replace('\n', " ");
                self.faults.push(format!("{name}: {rule}: {} {} ({summary})", node["target"], node["html"]));
            }
        }
        Ok(())
    }

    async fn weigh(&mut self, browser: &Browser, name: &str) -> Result<()> {
        // A live page moves where what it tells has changed: it is held to stand still until it was loaded, scripts and all.
        let measure = "const done = arguments[arguments.length - 1];
            const loaded = performance.getEntriesByType('navigation')[0].loadEventEnd + 100;
            const until = document.querySelector('[data-hx-sse-connect]') ? loaded : Infinity;
            let shift = 0;
            new PerformanceObserver((list) => list.getEntries().forEach((it) => {
                if (!it.hadRecentInput && it.startTime <= until) shift += it.value;
            })).observe({type: 'layout-shift', buffered: true});
            const loads = performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'));
            requestAnimationFrame(() => setTimeout(() => done({
                shift, loads: loads.map((it) => ({url: it.name, bytes: it.encodedBodySize})),
            })));";
        let measured = browser.session.script_to_its_end(measure, json!([])).await?;
        let loads = measured["loads"].as_array().context("a page was loaded")?;
        let bytes: u64 = loads.iter().filter_map(|it| it["bytes"].as_u64()).sum();
        let ours = |it: &&str| it.starts_with(&browser.origin) || it.starts_with("data:");
        let others: Vec<&str> = loads.iter().filter_map(|it| it["url"].as_str()).filter(|it| !ours(it)).collect();
        if !others.is_empty() {
            self.faults.push(format!("{name} asks others: {}", others.join(", ")));
        }
        if bytes > FIRST_LOAD {
            self.faults.push(format!("{name} loads {bytes} bytes"));
        }
        let shift = measured["shift"].as_f64().unwrap_or_default();
        if shift > LAYOUT_SHIFT {
            self.faults.push(format!("{name} moves while it is read: layout shift {shift:.5}"));
        }
        for entry in browser.session.log("browser").await? {
            let said = entry["message"].as_str().unwrap_or_default();
            if ["Content Security Policy", "Uncaught", "SyntaxError"].iter().any(|it| said.contains(it)) {
                self.faults.push(format!("{name}: the browser says: {said}"));
            }
        }
        Ok(())
    }

    /// Everything that was wrong with any page.
    pub fn close(mut self) -> Result<()> {
        ensure!(!self.seen.is_empty(), "no page was looked at");
        self.faults.extend(invalid(&self.sources)?);
        match self.faults.is_empty() {
            true => Ok(()),
            false => bail!("{} faults in {} pages:\n{}", self.faults.len(), self.seen.len(), self.faults.join("\n")),
        }
    }
}

/// What html-validate says of all of them, in one run.
fn invalid(sources: &Path) -> Result<Vec<String>> {
    let program = "node_modules/html-validate/bin/html-validate.mjs";
    let mut node = Command::new("node");
    node.args([program, "--config", ".htmlvalidate.json", "--formatter", "json"]).arg(sources).current_dir(checks());
    let output = node.output().context("node")?;
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
        format!("html-validate: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })?;
    let mut faults = Vec::new();
    for file in report.as_array().context("html-validate gives a list")? {
        let name = Path::new(file["filePath"].as_str().unwrap_or_default()).file_stem().unwrap_or_default().to_string_lossy();
        for message in file["messages"].as_array().into_iter().flatten() {
            let place = format!("{}:{}", message["line"], message["column"]);
            faults.push(format!("{name}: {}: {} at {place} {}", message["ruleId"], message["message"], message["selector"]));
        }
    }
    Ok(faults)
}

/// The whole page, also what would have to be scrolled to.
async fn photograph(browser: &Browser) -> Result<Vec<u8>> {
    let size = browser.session.devtools("Page.getLayoutMetrics", json!({})).await?["cssContentSize"].clone();
    let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
    let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
    let shot = browser.session.devtools("Page.captureScreenshot", wanted).await?;
    Ok(BASE64.decode(shot["data"].as_str().context("a picture")?.as_bytes())?)
}

/// The page as it came, before the browser mended anything.
async fn source(browser: &Browser) -> Result<String> {
    let url = browser.session.url().await?;
    let url = url.split('#').next().unwrap_or_default();
    // What was logged is told once.
    let mut request = None;
    until("the page's source", seconds(10), async || {
        for entry in browser.session.log("performance").await? {
            let entry: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())?;
            let (event, told) = (&entry["message"]["method"], &entry["message"]["params"]);
            if event == "Network.responseReceived" && told["type"] == "Document" && told["response"]["url"] == url {
                request = told["requestId"].as_str().map(str::to_owned);
            }
        }
        let request = request.as_ref().with_context(|| format!("no answer for {url} was logged since the last page"))?;
        let body = browser.session.devtools("Network.getResponseBody", json!({"requestId": request})).await?;
        let text = body["body"].as_str().context("a page has a body")?;
        match body["base64Encoded"] == true {
            true => Ok(String::from_utf8(BASE64.decode(text.as_bytes())?)?),
            false => Ok(text.to_owned()),
        }
    })
    .await
}

fn checks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("checks")
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}
