//! The audit: who did what, written in the transaction that did it.
//!
//! Each account has one hash chain (the nil UUID is the platform's). A link covers the entry's fields and a keyed digest of
//! its details; details and key lie in a row of their own, so that a person can be erased and the chain stays whole. The row
//! of the chain's head is locked until the transaction ends: record last, and one chain a transaction.

use chrono::{DateTime, SubsecRound, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::listing::literal;
use crate::Conn;
use crate::schema::{audit_details, audit_entries, audit_heads};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Of the account.
    Person(Uuid),
    /// Of the platform.
    Operator(Uuid),
    /// Howdah itself: a timer, an observation.
    Platform,
}

/// What is to be recorded.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Whose chain: an account's id, or nil for the platform's.
    pub chain_id: Uuid,
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// `instance.create`, `token.revoke`.
    pub action: &'a str,
    /// `instance`, `token`.
    pub subject_kind: &'a str,
    pub subject_id: Option<Uuid>,
    pub details: Value,
}

#[derive(Queryable, Selectable, Clone, Debug)]
#[diesel(table_name = audit_entries, check_for_backend(diesel::pg::Pg))]
pub struct Entry {
    pub chain_id: Uuid,
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: Option<Uuid>,
    pub details_digest: Vec<u8>,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

/// What is wrong with a chain, and from where on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit chain {chain_id} is broken at entry {seq}: {fault}")]
pub struct Broken {
    pub chain_id: Uuid,
    pub seq: i64,
    pub fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it is missing")]
    Missing,
    #[error("it was changed")]
    Changed,
    #[error("its details were changed")]
    DetailsChanged,
    #[error("the head does not match it")]
    Head,
}

impl Record<'_> {
    pub async fn insert(&self, conn: &mut Conn) -> QueryResult<()> {
        diesel::insert_into(audit_heads::table)
            .values((audit_heads::chain_id.eq(self.chain_id), audit_heads::seq.eq(0), audit_heads::hash.eq(vec![0; 32])))
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
        let (seq, previous_hash): (i64, Vec<u8>) =
            audit_heads::table.find(self.chain_id).for_update().select((audit_heads::seq, audit_heads::hash)).first(conn).await?;
        let mut key = [0u8; 32];
        rand::rng().fill_bytes(&mut key);
        let details = self.details.to_string();
        let (actor_kind, actor_id) = match self.actor {
            Actor::Person(id) => ("person", Some(id)),
            Actor::Operator(id) => ("operator", Some(id)),
            Actor::Platform => ("platform", None),
        };
        let mut entry = Entry {
            chain_id: self.chain_id,
            seq: seq + 1,
            // PostgreSQL keeps microseconds, and the hash is of what it keeps.
            at: self.at.trunc_subsecs(6),
            actor_kind: actor_kind.to_owned(),
            actor_id,
            action: self.action.to_owned(),
            subject_kind: self.subject_kind.to_owned(),
            subject_id: self.subject_id,
            details_digest: digest(&key, &details),
            previous_hash,
            hash: Vec::new(),
        };
        entry.hash = entry.link();
        entry.insert(conn).await?;
        diesel::insert_into(audit_details::table)
            .values((
                audit_details::chain_id.eq(entry.chain_id),
                audit_details::seq.eq(entry.seq),
                audit_details::key.eq(&key[..]),
                audit_details::details.eq(&details),
            ))
            .execute(conn)
            .await?;
        diesel::update(audit_heads::table.find(entry.chain_id))
            .set((audit_heads::seq.eq(entry.seq), audit_heads::hash.eq(&entry.hash)))
            .execute(conn)
            .await?;
        Ok(())
    }
}

impl Entry {
    async fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(audit_entries::table)
            .values((
                audit_entries::chain_id.eq(self.chain_id),
                audit_entries::seq.eq(self.seq),
                audit_entries::at.eq(self.at),
                audit_entries::actor_kind.eq(&self.actor_kind),
                audit_entries::actor_id.eq(self.actor_id),
                audit_entries::action.eq(&self.action),
                audit_entries::subject_kind.eq(&self.subject_kind),
                audit_entries::subject_id.eq(self.subject_id),
                audit_entries::details_digest.eq(&self.details_digest),
                audit_entries::previous_hash.eq(&self.previous_hash),
                audit_entries::hash.eq(&self.hash),
            ))
            .execute(conn)
            .await
    }

    /// Every field with its length before it: no two entries have one encoding.
    fn link(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        field(b"howdah audit 1");
        field(self.chain_id.as_bytes());
        field(&self.seq.to_be_bytes());
        field(&self.at.timestamp_micros().to_be_bytes());
        field(self.actor_kind.as_bytes());
        field(self.actor_id.as_ref().map_or(&[][..], |it| it.as_bytes()));
        field(self.action.as_bytes());
        field(self.subject_kind.as_bytes());
        field(self.subject_id.as_ref().map_or(&[][..], |it| it.as_bytes()));
        field(&self.details_digest);
        field(&self.previous_hash);
        hash.finalize().to_vec()
    }

    /// What was recorded about a subject, the newest first, with the details that are still there.
    pub async fn about(conn: &mut Conn, subject_id: Uuid, limit: i64) -> QueryResult<Vec<(Self, Option<String>)>> {
        audit_entries::table
            .left_join(
                audit_details::table.on(audit_details::chain_id.eq(audit_entries::chain_id).and(audit_details::seq.eq(audit_entries::seq))),
            )
            .filter(audit_entries::subject_id.eq(subject_id))
            .order((audit_entries::at.desc(), audit_entries::seq.desc()))
            .limit(limit)
            .select((Self::as_select(), audit_details::details.nullable()))
            .load(conn)
            .await
    }
}

fn digest(key: &[u8], details: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(details.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Which entries of a chain.
#[derive(Clone, Copy, Debug)]
pub enum About {
    Subject(Uuid),
    /// All but those about subjects of this kind.
    AllBut(&'static str),
}

/// Entries of a chain with their details, the newest first, older than `before`.
pub async fn page(
    conn: &mut Conn,
    chain_id: Uuid,
    about: About,
    before: Option<i64>,
    limit: i64,
) -> QueryResult<Vec<(Entry, Option<String>)>> {
    let mut query = audit_entries::table
        .left_join(
            audit_details::table.on(audit_details::chain_id.eq(audit_entries::chain_id).and(audit_details::seq.eq(audit_entries::seq))),
        )
        .filter(audit_entries::chain_id.eq(chain_id))
        .into_boxed();
    query = match about {
        About::Subject(id) => query.filter(audit_entries::subject_id.eq(id)),
        About::AllBut(kind) => query.filter(audit_entries::subject_kind.ne(kind)),
    };
    if let Some(before) = before {
        query = query.filter(audit_entries::seq.lt(before));
    }
    query.order(audit_entries::seq.desc()).limit(limit).select((Entry::as_select(), audit_details::details.nullable())).load(conn).await
}

/// Erases the details of entries about a person and their sessions, and of those that name their e-mail address; the chains stay whole.
pub async fn erase_person(conn: &mut Conn, person_id: Uuid, email: &str) -> QueryResult<usize> {
    let of_sessions = audit_entries::actor_id.eq(person_id).and(audit_entries::subject_kind.eq("session"));
    let of_person = audit_entries::table
        .filter(audit_entries::chain_id.eq(audit_details::chain_id))
        .filter(audit_entries::seq.eq(audit_details::seq))
        .filter(audit_entries::subject_id.eq(person_id).or(of_sessions));
    let names = audit_details::details.like(format!("%\"{}\"%", literal(email)));
    diesel::delete(audit_details::table.filter(diesel::dsl::exists(of_person).or(names))).execute(conn).await
}

/// Every chain there is, the platform's among them.
pub async fn chains(conn: &mut Conn) -> QueryResult<Vec<Uuid>> {
    audit_heads::table.order(audit_heads::chain_id).select(audit_heads::chain_id).load(conn).await
}

/// Walks a chain from its first entry to its head; how many entries it has.
pub async fn verify(conn: &mut Conn, chain_id: Uuid) -> QueryResult<Result<i64, Broken>> {
    const BATCH: i64 = 1000;
    let broken = |seq, fault| Ok(Err(Broken { chain_id, seq, fault }));
    let mut last = 0;
    let mut previous = vec![0u8; 32];
    loop {
        let entries: Vec<(Entry, Option<Vec<u8>>, Option<String>)> = audit_entries::table
            .left_join(
                audit_details::table.on(audit_details::chain_id.eq(audit_entries::chain_id).and(audit_details::seq.eq(audit_entries::seq))),
            )
            .filter(audit_entries::chain_id.eq(chain_id))
            .filter(audit_entries::seq.gt(last))
            .order(audit_entries::seq)
            .limit(BATCH)
            .select((Entry::as_select(), audit_details::key.nullable(), audit_details::details.nullable()))
            .load(conn)
            .await?;
        let complete = (entries.len() as i64) < BATCH;
        for (entry, key, details) in entries {
            if entry.seq != last + 1 {
                return broken(last + 1, Fault::Missing);
            }
            if entry.previous_hash != previous || entry.hash != entry.link() {
                return broken(entry.seq, Fault::Changed);
            }
            if let (Some(key), Some(details)) = (key, details)
                && digest(&key, &details) != entry.details_digest
            {
                return broken(entry.seq, Fault::DetailsChanged);
            }
            last = entry.seq;
            previous = entry.hash;
        }
        if complete {
            break;
        }
    }
    let head: Option<(i64, Vec<u8>)> =
        audit_heads::table.find(chain_id).select((audit_heads::seq, audit_heads::hash)).first(conn).await.optional()?;
    match head {
        Some((seq, _)) if seq > last => broken(last + 1, Fault::Missing),
        Some((seq, hash)) if seq != last || hash != previous => broken(last, Fault::Head),
        None if last > 0 => broken(last, Fault::Head),
        _ => Ok(Ok(last)),
    }
}
