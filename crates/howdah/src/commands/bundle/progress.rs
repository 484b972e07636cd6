//! How far it is, on standard error: a bar on a terminal, else a plain line now and then; or JSON events.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use howdah_bundle::format::{Finding, Severity};
use howdah_bundle::progress::Event;
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};

/// Between two lines without a terminal.
const LINES: Duration = Duration::from_secs(10);

/// Tells of one run.
pub struct Progress(Mutex<State>);

struct State {
    json: bool,
    stage: &'static str,
    bar: Option<ProgressBar>,
    expected: Option<u64>,
    bytes: u64,
    files: u64,
    kept: u64,
    begun: Instant,
    told: Instant,
    /// For JSON: what was not told yet.
    pending: (u64, u64),
}

impl Progress {
    pub fn new(json: bool) -> Self {
        let now = Instant::now();
        let bar = (!json && std::io::stderr().is_terminal()).then(ProgressBar::no_length);
        Self(Mutex::new(State {
            json,
            stage: "",
            bar,
            expected: None,
            bytes: 0,
            files: 0,
            kept: 0,
            begun: now,
            told: now,
            pending: (0, 0),
        }))
    }

    pub fn tell(&self, event: Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tell(event);
    }

    pub fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).end();
    }
}

impl State {
    fn tell(&mut self, event: Event) {
        match &event {
            Event::Stage { stage, bytes, .. } => {
                self.end();
                (self.stage, self.expected, self.bytes, self.files, self.kept) = (stage.words(), *bytes, 0, 0, 0);
                (self.begun, self.told) = (Instant::now(), Instant::now());
                self.begin();
            }
            Event::Progress { bytes, files } => {
                self.bytes += bytes;
                self.files += files;
                return self.advance(*bytes, *files);
            }
            Event::Kept { bytes, files } => {
                self.bytes += bytes;
                self.files += files;
                self.kept += files;
                return self.advance(*bytes, *files);
            }
            Event::Object { name } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(super::shown(name));
                }
                return;
            }
            Event::Found { finding } if !self.json => return self.line(&sentence(finding)),
            Event::Found { .. } => {}
        }
        self.event(&event);
    }

    fn begin(&self) {
        match &self.bar {
            Some(bar) => {
                let template = match self.expected {
                    Some(_) => "{prefix}: {bytes} of about {total_bytes}, {bytes_per_sec}, {eta} left {wide_msg}",
                    None => "{prefix}: {bytes}, {bytes_per_sec} {wide_msg}",
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.reset();
                bar.set_prefix(self.stage);
                bar.set_message("");
                match self.expected {
                    Some(bytes) => bar.set_length(bytes),
                    None => bar.unset_length(),
                }
            }
            None if !self.json => eprintln!("{} …", self.stage),
            None => {}
        }
    }

    fn advance(&mut self, bytes: u64, files: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
        self.pending = (self.pending.0 + bytes, self.pending.1 + files);
        let often = if self.json { Duration::from_secs(1) } else { LINES };
        if self.told.elapsed() < often {
            return;
        }
        self.told = Instant::now();
        if self.json {
            let (bytes, files) = std::mem::take(&mut self.pending);
            self.event(&Event::Progress { bytes, files });
        } else if self.bar.is_none() {
            eprintln!("{}: {}", self.stage, self.figures());
        }
    }

    fn figures(&self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        let rate = self.bytes as f64 / seconds;
        let left = self.expected.and_then(|all| all.checked_sub(self.bytes)).filter(|_| rate > 0.0);
        let left = left.map(|bytes| format!(", {} left", HumanDuration(Duration::from_secs_f64(bytes as f64 / rate)))).unwrap_or_default();
        let files = if self.files > 0 { format!("{} files, ", HumanCount(self.files)) } else { String::new() };
        format!("{files}{}, {}/s{left}", HumanBytes(self.bytes), HumanBytes(rate as u64))
    }

    /// Ends the stage in hand.
    fn end(&mut self) {
        if self.json {
            let (bytes, files) = std::mem::take(&mut self.pending);
            if (bytes, files) != (0, 0) {
                self.event(&Event::Progress { bytes, files });
            }
        } else if self.bytes > 0 {
            let kept = if self.kept > 0 { format!(", {} of them there already", HumanCount(self.kept)) } else { String::new() };
            let took = HumanDuration(self.begun.elapsed());
            let done = if self.files > 0 { format!("{} files, ", HumanCount(self.files)) } else { String::new() };
            self.line(&format!("{}: {done}{}{kept}, in {took}", self.stage, HumanBytes(self.bytes)));
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        (self.bytes, self.files) = (0, 0);
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    fn event(&self, event: &Event) {
        if self.json {
            let _ = writeln!(std::io::stderr(), "{}", serde_json::to_string(event).unwrap_or_default());
        }
    }
}

/// A finding on a line.
pub fn sentence(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Wrong => "wrong",
        Severity::Notice => "notice",
    };
    super::shown(&format!("{severity}: {}: {}", finding.object, finding.sentence))
}
