//! Times in words, with the exact one beside them.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::is_html;

/// `3 minutes ago`, and exactly when.
#[derive(Clone, Debug, Template)]
#[template(path = "components/when.html")]
pub struct When {
    pub at: DateTime<Utc>,
    pub words: String,
}

impl When {
    pub fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let apart = (now - at).abs();
        let words = match (apart < TimeDelta::seconds(5), at <= now) {
            (true, _) => "just now".to_owned(),
            (false, true) => format!("{} ago", span(apart)),
            (false, false) => format!("in {}", span(apart)),
        };
        Self { at, words }
    }

    fn machine(&self) -> String {
        machine(self.at)
    }

    fn exact(&self) -> String {
        exact(self.at)
    }
}

pub fn machine(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `22 November 2026, 16:09 UTC`.
pub fn exact(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// The largest unit of a span: `3 minutes`.
pub fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (count, unit) = match seconds {
        0..=89 => (seconds, "second"),
        90..=5_399 => (round(seconds, 60), "minute"),
        5_400..=129_599 => (round(seconds, 3_600), "hour"),
        129_600..=5_183_999 => (round(seconds, 86_400), "day"),
        5_184_000..=63_071_999 => (round(seconds, 2_592_000), "month"),
        _ => (round(seconds, 31_536_000), "year"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

const fn round(seconds: i64, unit: i64) -> i64 {
    (seconds + unit / 2) / unit
}

is_html!(When);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_one_unit() {
        let table = [
            (0, "0 seconds"),
            (1, "1 second"),
            (89, "89 seconds"),
            (90, "2 minutes"),
            (3_599, "60 minutes"),
            (7_200, "2 hours"),
            (86_400, "24 hours"),
            (200_000, "2 days"),
            (31_536_000, "12 months"),
            (70_000_000, "2 years"),
        ];
        for (seconds, words) in table {
            assert_eq!(span(TimeDelta::seconds(seconds)), words);
        }
    }

    #[test]
    fn a_time_is_before_or_after_now() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let words = |seconds| When::new(now + TimeDelta::seconds(seconds), now).words;
        assert_eq!([words(0), words(-180), words(7_200)], ["just now", "3 minutes ago", "in 2 hours"]);
    }
}
