//! Waiting for a condition, never for a time: an error says what was last seen.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

const POLL: Duration = Duration::from_millis(100);
/// What hangs is looked at again.
const LOOK: Duration = Duration::from_secs(30);

/// Looks until `look` succeeds. What it fails with meanwhile says what is still missing.
pub async fn until<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        let missing = match tokio::time::timeout(LOOK, look()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => error,
            Err(_) => anyhow!("no answer in {} s", LOOK.as_secs()),
        };
        if begun.elapsed() >= within {
            return Err(missing.context(format!("not within {:.0} s: {what}", within.as_secs_f32())));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// That many seconds.
#[must_use]
pub const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Prints how long a part of a test took.
pub struct Watch {
    test: &'static str,
    begun: Instant,
    last: Instant,
}

impl Watch {
    #[must_use]
    pub fn start(test: &'static str) -> Self {
        let now = Instant::now();
        Self { test, begun: now, last: now }
    }

    /// What was just done; returns how long it took.
    pub fn lap(&mut self, what: &str) -> Duration {
        let took = self.last.elapsed();
        self.last = Instant::now();
        eprintln!("{}: {what} in {:.1} s", self.test, took.as_secs_f32());
        took
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let ended = if std::thread::panicking() { "failed after" } else { "done in" };
        eprintln!("{}: {ended} {:.1} s", self.test, self.begun.elapsed().as_secs_f32());
    }
}
