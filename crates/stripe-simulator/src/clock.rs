//! The machine's time, and the file by which others go along with the simulated clock. That clock starts from the machine's and is moved by
//! hand; signatures of webhooks always carry the machine's, since whoever verifies them reads that.

use std::path::PathBuf;
use std::time::SystemTime;
use std::{fs, io};

use chrono::{DateTime, Utc};

pub fn machine_now() -> i64 {
    DateTime::<Utc>::from(SystemTime::now()).timestamp()
}

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;

/// The seconds that a clock is ahead of the machine's. Whoever shares the clock reads the file at every moment, and may move it.
#[derive(Clone, Debug)]
pub struct OffsetFile(pub PathBuf);

impl OffsetFile {
    pub fn read(&self) -> Option<i64> {
        fs::read_to_string(&self.0).ok()?.trim().parse().ok()
    }

    /// Put in its place whole, and by a name that no other writer uses meanwhile.
    pub fn write(&self, ahead: i64) -> io::Result<()> {
        let half = self.0.with_extension("stripe");
        fs::write(&half, format!("{ahead}\n"))?;
        fs::rename(half, &self.0)
    }
}
