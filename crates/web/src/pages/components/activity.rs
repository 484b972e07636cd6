//! Who did what, and when: one sentence a row, as it would be told.

use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::activity::ActivityView;

use super::{When, is_html};

/// The newest first.
#[derive(Clone, Debug, Template)]
#[template(path = "components/activity.html")]
pub struct Activity {
    entries: Vec<(ActivityView, When)>,
}

impl Activity {
    pub fn new(entries: &[ActivityView], now: DateTime<Utc>) -> Self {
        Self { entries: entries.iter().map(|it| (it.clone(), When::new(it.at, now))).collect() }
    }
}

is_html!(Activity);
