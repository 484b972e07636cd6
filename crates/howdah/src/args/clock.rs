//! Business time: the machine's; in a development stack with an offset that changes while the process runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use howdah_domain::{Clock, SystemClock};

#[derive(Args)]
pub struct ClockArgs {
    /// For development only: a file with the seconds that business time is ahead of the machine's, which `cargo xtask clock` writes.
    #[arg(long, env = "HOWDAH_CLOCK_OFFSET_FILE", hide = true)]
    clock_offset_file: Option<PathBuf>,
}

impl ClockArgs {
    pub fn open(&self) -> anyhow::Result<Arc<dyn Clock>> {
        match &self.clock_offset_file {
            None => Ok(Arc::new(SystemClock)),
            Some(file) => {
                tracing::warn!(file = %file.display(), "business time is moved by a file: that is for development alone");
                Ok(Arc::new(OffsetClock::open(file)?))
            }
        }
    }
}

/// Reads its file each time, so that server and worker move at once, and goes on with what it read last where the file is none.
#[derive(Debug)]
struct OffsetClock {
    file: PathBuf,
    last: AtomicI64,
}

impl OffsetClock {
    fn open(file: &Path) -> anyhow::Result<Self> {
        let offset = read(file).with_context(|| format!("{} doesn't hold a number of seconds", file.display()))?;
        Ok(Self { file: file.to_owned(), last: AtomicI64::new(offset) })
    }
}

fn read(file: &Path) -> anyhow::Result<i64> {
    Ok(fs::read_to_string(file)?.trim().parse()?)
}

impl Clock for OffsetClock {
    fn now(&self) -> DateTime<Utc> {
        let now = SystemClock.now();
        let moved = |offset| TimeDelta::try_seconds(offset).and_then(|ahead| now.checked_add_signed(ahead));
        if let Some((offset, moved)) = read(&self.file).ok().and_then(|offset| Some((offset, moved(offset)?))) {
            self.last.store(offset, Ordering::Relaxed);
            return moved;
        }
        moved(self.last.load(Ordering::Relaxed)).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_with_its_file_and_keeps_what_it_knew() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("clock");
        assert!(OffsetClock::open(&file).is_err(), "without its file it doesn't start");
        fs::write(&file, "0\n").expect("written");
        let clock = OffsetClock::open(&file).expect("a number");
        let ahead = |clock: &OffsetClock| (clock.now() - SystemClock.now()).num_days();
        assert_eq!(ahead(&clock), 0);
        fs::write(&file, (TimeDelta::days(200).num_seconds() + 60).to_string()).expect("written");
        assert_eq!(ahead(&clock), 200);
        for none in ["", "soon", "9223372036854775807"] {
            fs::write(&file, none).expect("written");
            assert_eq!(ahead(&clock), 200, "{none}");
        }
    }
}
