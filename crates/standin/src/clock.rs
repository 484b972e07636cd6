//! Now. Mastodon reads the machine's clock, and so does its stand-in.

use std::time::SystemTime;

use chrono::{DateTime, Utc};

pub fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}
