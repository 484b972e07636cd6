//! `howdah bundle create` as a Job of a cluster: it answers how far it is, and says at its end what became of it, in words that the
//! operator copies into the export's status.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use howdah_bundle::create::CreateError;
use howdah_bundle::format::Manifest;
use howdah_bundle::progress::Event;
use howdah_crd::export::{LASTING_FAILURE, PROGRESS_PATH};
use howdah_crd::{ExportFailure, ExportOutcome, ExportReport, FailureReason};
use howdah_operator::metrics::{self, Page};
use tokio::net::TcpListener;

use super::sentence;
use crate::args::bundle::JobArgs;

const PAGE: Page = Page { path: PROGRESS_PATH, content_type: "application/json" };

pub struct Job {
    listener: Option<TcpListener>,
    termination_log: Option<PathBuf>,
    telling: Arc<Telling>,
}

/// What is told of the stage in hand.
#[derive(Default)]
pub struct Telling(Mutex<(ExportReport, Option<Instant>)>);

impl Job {
    /// `None` where nobody asks and nobody is told.
    pub async fn begin(args: &JobArgs) -> anyhow::Result<Option<Self>> {
        let JobArgs { progress_listen, termination_log } = args;
        let listener = match progress_listen {
            Some(address) => {
                Some(TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (--progress-listen)"))?)
            }
            None => None,
        };
        let is_job = listener.is_some() || termination_log.is_some();
        Ok(is_job.then(|| Self { listener, termination_log: termination_log.clone(), telling: Arc::default() }))
    }

    pub async fn watch<Made>(self, make: impl FnOnce(Option<Arc<Telling>>) -> Made) -> anyhow::Result<ExitCode>
    where
        Made: Future<Output = anyhow::Result<Manifest>>,
    {
        let Self { listener, termination_log, telling } = self;
        let told = Arc::clone(&telling);
        let answering = async {
            match listener {
                Some(listener) => metrics::serve_page(listener, PAGE, move || std::future::ready(told.json())).await,
                None => std::future::pending().await,
            }
        };
        let made = tokio::select! {
            made = make(Some(telling)) => made,
            () = answering => anyhow::bail!("nobody can be answered any more"),
        };
        let outcome = match &made {
            Ok(manifest) => finished(manifest),
            Err(error) => ExportOutcome::Failed(ExportFailure::new(reason(error), &sentence(error))),
        };
        if let Some(file) = termination_log {
            write(&file, &outcome)?;
        }
        match made {
            Ok(_) => Ok(ExitCode::SUCCESS),
            Err(error) if is_lasting(reason(&error)) => Ok(lasting(&error)),
            Err(error) => Err(error),
        }
    }
}

/// No further try can mend it.
pub fn lasting(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", sentence(error));
    ExitCode::from(LASTING_FAILURE)
}

fn write(file: &Path, outcome: &ExportOutcome) -> anyhow::Result<()> {
    let text = serde_json::to_string(outcome).context("an outcome is JSON")?;
    std::fs::write(file, text).with_context(|| format!("{} can't be written (--termination-log)", file.display()))
}

fn finished(manifest: &Manifest) -> ExportOutcome {
    let files: u64 = manifest.files.values().map(|it| it.bytes).sum();
    let size = files.saturating_add(manifest.inventory.bytes);
    ExportOutcome::Finished { size: whole(size), content_digest: manifest.content_digest.to_string() }
}

/// Whose fault it is.
fn reason(error: &anyhow::Error) -> FailureReason {
    let Some(error) = error.downcast_ref::<CreateError>() else { return FailureReason::Other };
    match error {
        CreateError::Settings(_) | CreateError::Unfit(_) | CreateError::Unwritable { .. } => FailureReason::Environment,
        CreateError::Secrets { .. } | CreateError::WrongSecrets { .. } => FailureReason::Secrets,
        CreateError::Database(_) | CreateError::Trap { .. } => FailureReason::Database,
        CreateError::PgDump(_) | CreateError::Archive(_) | CreateError::RawDump(_) | CreateError::DumpChanged => FailureReason::PgDump,
        CreateError::Store(_) | CreateError::Media { .. } => FailureReason::Media,
        CreateError::Place(_) | CreateError::Path(_) | CreateError::Kept { .. } | CreateError::OtherPassphrase(_) => {
            FailureReason::Destination
        }
        CreateError::Seal(_) | CreateError::Writing(_) | CreateError::StillWriting => FailureReason::Other,
    }
}

/// What the next try would meet again.
const fn is_lasting(reason: FailureReason) -> bool {
    matches!(reason, FailureReason::Environment | FailureReason::Secrets)
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Telling {
    pub fn take(&self, event: &Event) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (report, begun) = &mut *state;
        match event {
            Event::Stage { stage, bytes, files } => {
                let stage = serde_json::to_value(stage).ok().and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
                let [bytes_total, files_total] = [bytes, files].map(|it| it.map(whole));
                *report = ExportReport { stage, bytes_total, files_total, ..ExportReport::default() };
                *begun = Some(Instant::now());
            }
            Event::Progress { bytes, files } | Event::Kept { bytes, files } => {
                report.bytes = report.bytes.saturating_add(whole(*bytes));
                report.files = report.files.saturating_add(whole(*files));
            }
            Event::Object { .. } | Event::Found { .. } => {}
        }
    }

    fn json(&self) -> String {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (report, begun) = &*state;
        let seconds = begun.map_or(1.0, |it| it.elapsed().as_secs_f64().max(1.0));
        let report = ExportReport { rate: (report.bytes as f64 / seconds) as i64, ..report.clone() };
        serde_json::to_string(&report).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use howdah_bundle::place::PlaceError;
    use howdah_bundle::progress::Stage;

    use super::*;

    #[test]
    fn a_report_is_of_the_stage_in_hand() {
        let telling = Telling::default();
        for event in [
            Event::Stage { stage: Stage::Dumping, bytes: Some(7), files: None },
            Event::Progress { bytes: 9, files: 0 },
            Event::Stage { stage: Stage::CopyingMedia, bytes: Some(100), files: Some(4) },
            Event::Kept { bytes: 10, files: 1 },
            Event::Progress { bytes: 20, files: 2 },
        ] {
            telling.take(&event);
        }
        let report: ExportReport = serde_json::from_str(&telling.json()).unwrap();
        let ExportReport { stage, bytes, bytes_total, files, files_total, rate } = report;
        assert_eq!((stage.as_str(), bytes, bytes_total, files, files_total), ("copying_media", 30, Some(100), 3, Some(4)));
        assert!((0..=30).contains(&rate));
    }

    #[test]
    fn what_no_further_try_mends_ends_the_job() {
        let wrong = anyhow::Error::from(CreateError::Secrets { names: vec!["SECRET_KEY_BASE"] }).context("no bundle in s3://b");
        assert!(is_lasting(reason(&wrong)));
        let away = anyhow::Error::from(CreateError::Place(PlaceError::Whole { place: "s3://b".to_owned() }));
        assert!(!is_lasting(reason(&away)));
    }
}
