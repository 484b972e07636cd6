//! Anchors of the audit: what its chains were at a time, in one number that can be kept where the database's owner changes nothing.
//!
//! Whoever owns the database can write a chain anew from its first entry to its head, and nothing in it shows that. So the heads that have
//! moved since the last anchor are digested together with that anchor; each anchor stands for every head before it, and takes as
//! many rows as heads have moved. The heads' hashes are kept nowhere else than in their entries: an entry that was changed since gives another
//! root.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Conn;
use crate::schema::{audit_anchored_heads, audit_anchors, audit_entries, audit_heads};

/// As it is told, and kept elsewhere: `17-` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// 1, 2, 3 …
    pub number: i64,
    /// SHA-256.
    pub root: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no anchor: it is a number, a hyphen and 64 hexadecimal digits, as the worker's log has it")]
pub struct ParseAnchorError(String);

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.number, HEXLOWER.encode(&self.root))
    }
}

impl FromStr for Anchor {
    type Err = ParseAnchorError;

    fn from_str(text: &str) -> Result<Self, ParseAnchorError> {
        let parsed = text.split_once('-').and_then(|(number, root)| {
            let root = HEXLOWER.decode(root.as_bytes()).ok().filter(|it| it.len() == 32)?;
            Some(Self { number: number.parse().ok().filter(|it| *it >= 1)?, root })
        });
        parsed.ok_or_else(|| ParseAnchorError(text.chars().take(100).collect()))
    }
}

/// What an anchor says against the chains.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit anchor {number} does not hold: {fault}")]
pub struct Torn {
    pub number: i64,
    pub fault: TornFault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TornFault {
    #[error("it is missing")]
    Missing,
    #[error("an entry that it stands for was changed, or is missing")]
    Changed,
    #[error("the record has another one of that number")]
    Other,
}

/// What clocks of two machines may be apart.
pub const SKEW: TimeDelta = TimeDelta::minutes(5);

/// A chain, how long it was, and the hash of its newest entry.
type Head = (Uuid, i64, Vec<u8>);

/// When the last one was made, if there is one.
pub async fn last_at(conn: &mut Conn) -> QueryResult<Option<DateTime<Utc>>> {
    audit_anchors::table.order(audit_anchors::number.desc()).select(audit_anchors::anchored_at).first(conn).await.optional()
}

/// Since when there is something to anchor.
pub async fn first_entry_at(conn: &mut Conn) -> QueryResult<Option<DateTime<Utc>>> {
    audit_entries::table.select(diesel::dsl::min(audit_entries::at)).first(conn).await
}

/// Anchors every head that has moved since the last time; how many it were. Two at once make one: the other fails on
/// `audit_anchors_pkey`. To be called in a transaction.
pub async fn anchor(conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<(Anchor, usize)> {
    let last: Option<(i64, Vec<u8>)> = audit_anchors::table
        .order(audit_anchors::number.desc())
        .select((audit_anchors::number, audit_anchors::root))
        .first(conn)
        .await
        .optional()?;
    let (before, previous) = last.unwrap_or((0, vec![0; 32]));
    let is_anchored = audit_anchored_heads::table
        .filter(audit_anchored_heads::chain_id.eq(audit_heads::chain_id))
        .filter(audit_anchored_heads::seq.eq(audit_heads::seq));
    let moved: Vec<Head> = audit_heads::table
        .filter(audit_heads::seq.gt(0))
        .filter(diesel::dsl::not(diesel::dsl::exists(is_anchored)))
        .order(audit_heads::chain_id)
        .select((audit_heads::chain_id, audit_heads::seq, audit_heads::hash))
        .load(conn)
        .await?;
    // PostgreSQL keeps microseconds, and the root is of what it keeps.
    let at = now.trunc_subsecs(6);
    let anchor = Anchor { number: before + 1, root: root(before + 1, at, &previous, &moved) };
    diesel::insert_into(audit_anchors::table)
        .values((audit_anchors::number.eq(anchor.number), audit_anchors::anchored_at.eq(at), audit_anchors::root.eq(&anchor.root)))
        .execute(conn)
        .await?;
    // A statement takes 65,535 values at most.
    for some in moved.chunks(10_000) {
        let rows: Vec<_> = some
            .iter()
            .map(|(chain_id, seq, _)| {
                (
                    audit_anchored_heads::chain_id.eq(chain_id),
                    audit_anchored_heads::seq.eq(seq),
                    audit_anchored_heads::number.eq(anchor.number),
                )
            })
            .collect();
        diesel::insert_into(audit_anchored_heads::table).values(rows).execute(conn).await?;
    }
    Ok((anchor, moved.len()))
}

/// Every field with its length before it: no two anchors have one encoding.
fn root(number: i64, at: DateTime<Utc>, previous: &[u8], heads: &[Head]) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(b"howdah audit anchor 1");
    field(&number.to_be_bytes());
    field(&at.timestamp_micros().to_be_bytes());
    field(previous);
    for (chain, seq, head) in heads {
        field(chain.as_bytes());
        field(&seq.to_be_bytes());
        field(head);
    }
    hash.finalize().to_vec()
}

/// Holds every anchor of the record against the chains as they are, and those that were `kept` elsewhere against the record's: how many hold,
/// and what does not.
pub async fn verify(conn: &mut Conn, kept: &[Anchor]) -> QueryResult<(usize, Vec<Torn>)> {
    let anchors: Vec<(i64, DateTime<Utc>, Vec<u8>)> = audit_anchors::table
        .order(audit_anchors::number)
        .select((audit_anchors::number, audit_anchors::anchored_at, audit_anchors::root))
        .load(conn)
        .await?;
    let mut torn = Vec::new();
    let (mut before, mut previous) = (0, vec![0; 32]);
    for (number, at, told) in &anchors {
        torn.extend((before + 1..*number).map(|number| Torn { number, fault: TornFault::Missing }));
        let heads = anchored(conn, *number).await?;
        if root(*number, *at, &previous, &heads) != *told {
            torn.push(Torn { number: *number, fault: TornFault::Changed });
        }
        (before, previous) = (*number, told.clone());
    }
    for anchor in kept {
        match anchors.iter().find(|(number, ..)| *number == anchor.number) {
            None => torn.push(Torn { number: anchor.number, fault: TornFault::Missing }),
            Some((.., told)) if *told != anchor.root => torn.push(Torn { number: anchor.number, fault: TornFault::Other }),
            Some(_) => {}
        }
    }
    let wrong: std::collections::BTreeSet<i64> = torn.iter().map(|it| it.number).collect();
    Ok((anchors.iter().filter(|(number, ..)| !wrong.contains(number)).count(), torn))
}

/// The heads of an anchor, with their entries' hashes as they are now; without a hash where the entry is gone.
async fn anchored(conn: &mut Conn, number: i64) -> QueryResult<Vec<Head>> {
    let entry = audit_entries::chain_id.eq(audit_anchored_heads::chain_id).and(audit_entries::seq.eq(audit_anchored_heads::seq));
    let heads: Vec<(Uuid, i64, Option<Vec<u8>>)> = audit_anchored_heads::table
        .left_join(audit_entries::table.on(entry))
        .filter(audit_anchored_heads::number.eq(number))
        .order(audit_anchored_heads::chain_id)
        .select((audit_anchored_heads::chain_id, audit_anchored_heads::seq, audit_entries::hash.nullable()))
        .load(conn)
        .await?;
    Ok(heads.into_iter().map(|(chain, seq, hash)| (chain, seq, hash.unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_read_as_it_is_told() {
        let anchor = Anchor { number: 17, root: vec![0xab; 32] };
        assert_eq!(anchor.to_string(), format!("17-{}", "ab".repeat(32)));
        assert_eq!(anchor.to_string().parse(), Ok(anchor));
        for text in ["", "17", &format!("0-{}", "ab".repeat(32)), &format!("17-{}", "ab".repeat(31)), &format!("x-{}", "ab".repeat(32))] {
            assert!(text.parse::<Anchor>().is_err(), "{text}");
        }
    }
}
