//! Since when each record is as it is: kept beside what was looked at, because a look knows only about now.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Record, RecordKind, RecordStanding};

/// What is kept of a record between two looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    kind: RecordKind,
    name: String,
    standing: RecordStanding,
    since: DateTime<Utc>,
    first_seen_at: Option<DateTime<Utc>>,
}

fn of<'a>(kept: &'a [Kept], record: &Record) -> Option<&'a Kept> {
    kept.iter().find(|it| it.kind == record.kind && it.name == record.name)
}

/// What is kept after a look at `now` that found `records`.
#[must_use]
pub fn keep(before: &[Kept], records: &[Record], now: DateTime<Utc>) -> Vec<Kept> {
    let looked = records.iter().filter(|it| it.standing != RecordStanding::NotLooked);
    let kept = looked.map(|record| {
        let before = of(before, record);
        let since = before.filter(|it| it.standing == record.standing).map_or(now, |it| it.since);
        let is_first = record.standing == RecordStanding::Well;
        let first_seen_at = before.and_then(|it| it.first_seen_at).or_else(|| is_first.then_some(now));
        Kept { kind: record.kind, name: record.name.clone(), standing: record.standing, since, first_seen_at }
    });
    kept.collect()
}

/// The records with the times that were kept of them.
#[must_use]
pub fn with_times(records: Vec<Record>, kept: &[Kept]) -> Vec<Record> {
    let timed = |record: Record| {
        let kept = of(kept, &record);
        let since = kept.filter(|it| it.standing == record.standing).map(|it| it.since);
        Record { since, first_seen_at: kept.and_then(|it| it.first_seen_at), ..record }
    };
    records.into_iter().map(timed).collect()
}
