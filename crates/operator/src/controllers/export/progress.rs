//! Asks a run how far it is: its pod answers by plain HTTP, to the operator alone. That it doesn't answer is no news.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use howdah_crd::ExportReport;
use howdah_crd::export::PROGRESS_PATH;
use jiff::SignedDuration;
use reqwest::redirect::Policy;

use super::context::Context;
use super::update_status::Findings;
use super::validate::Valid;
use crate::cache::PodFacts;

/// Between two questions, and so between two writes of progress.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(2);
/// A report has some 200 bytes; who answers runs a server that is a stranger's.
const LARGEST: usize = 4096;

pub struct Asker {
    http: Option<reqwest::Client>,
    port: u16,
}

impl Asker {
    #[must_use]
    pub fn new(port: u16) -> Self {
        let client = reqwest::Client::builder().timeout(LIMIT).redirect(Policy::none()).no_proxy().build();
        Self { http: client.ok(), port }
    }

    async fn ask(&self, address: IpAddr) -> Option<ExportReport> {
        let url = format!("http://{}{PROGRESS_PATH}", SocketAddr::new(address, self.port));
        let mut answer = self.http.as_ref()?.get(url).send().await.ok()?.error_for_status().ok()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.ok()? {
            if body.len() + chunk.len() > LARGEST {
                return None;
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).ok().filter(is_sound)
    }
}

/// The API server would refuse another, and with it the whole status.
fn is_sound(report: &ExportReport) -> bool {
    let ExportReport { stage, bytes, bytes_total, files, files_total, rate } = report;
    let numbers = [Some(*bytes), *bytes_total, Some(*files), *files_total, Some(*rate)];
    stage.len() <= 40 && numbers.into_iter().flatten().all(|it| it >= 0)
}

pub async fn ask(context: &Context, valid: &Valid<'_>, pod: Option<&PodFacts>, findings: &mut Findings) {
    let now = valid.server.now;
    let asked = valid.cr.status.as_ref().and_then(|it| it.progress.as_ref()).map(|it| it.at.0);
    // A clock that was set back is no reason to keep silent.
    let since = asked.map(|it| now.duration_since(it)).filter(|it| !it.is_negative() && *it < PAUSE);
    if let Some(since) = since {
        return findings.wake((PAUSE - since).unsigned_abs());
    }
    findings.wake(PAUSE.unsigned_abs());
    if let Some(address) = pod.and_then(|it| it.address.as_deref()?.parse().ok()) {
        findings.report = context.asker.ask(address).await;
    }
}
