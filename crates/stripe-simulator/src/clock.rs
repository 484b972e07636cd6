//! The machine's time. The simulated clock starts from it and is moved by hand; signatures of webhooks always carry the machine's, since
//! whoever verifies them reads that.

use std::time::SystemTime;

use chrono::{DateTime, Utc};

pub fn machine_now() -> i64 {
    DateTime::<Utc>::from(SystemTime::now()).timestamp()
}

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
