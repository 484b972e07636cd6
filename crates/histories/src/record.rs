//! The business record, in memory: as much of it as billing reads and writes, row by row as the database has it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use howdah_billing::event::Concern;
use howdah_domain::billing::facts::{Collection, Subscription};
use howdah_domain::billing::notices::Notice;
use howdah_domain::{Desired, Hold, InstanceId, Standing};
use uuid::Uuid;

/// Of one account, with what it pays for.
#[derive(Debug, Default)]
pub struct Record {
    pub customer: Option<Customer>,
    pub servers: BTreeMap<InstanceId, Server>,
    /// By id; each with the server that it is of.
    pub subscriptions: BTreeMap<String, Known>,
    /// Ids: what they are of is asked for.
    pub invoices: BTreeSet<String>,
    pub operations: Vec<Operation>,
    pub checkouts: Vec<Checkout>,
    pub events: BTreeMap<String, Event>,
    pub newest_event: Option<DateTime<Utc>>,
    pub swept_at: Option<DateTime<Utc>>,
    pub reconciled_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub struct Customer {
    pub id: String,
    pub reads_begun: u64,
    pub read_folded: u64,
    pub read_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub struct Known {
    pub facts: Subscription,
    pub server: Option<InstanceId>,
}

#[derive(Debug, Clone)]
pub struct Server {
    pub id: InstanceId,
    pub created: DateTime<Utc>,
    pub plan: String,
    pub standing: Standing,
    pub desired: Desired,
    /// It has run.
    pub was_launched: bool,
    /// Our copy is gone, or there never was one.
    pub gone_at: Option<DateTime<Utc>>,
    pub folded: Option<FoldedRow>,
    pub told: Vec<Sent>,
    /// A final bundle that is whole.
    pub bundle_at: Option<DateTime<Utc>>,
}

/// What the last fold came to, beside the standing.
#[derive(Debug, Clone, Default)]
pub struct FoldedRow {
    pub subscription: Option<String>,
    pub collection: Option<Collection>,
    pub suspended_at: Option<DateTime<Utc>>,
}

/// A notice that went out.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub notice: Notice,
    pub of: DateTime<Utc>,
    /// Of an end that somebody wanted, and not of a payment that is missing.
    pub is_wanted: bool,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Operation {
    pub id: Uuid,
    pub server: Option<InstanceId>,
    pub kind: &'static str,
    pub wanted: String,
    pub created: DateTime<Utc>,
    pub has_ended: bool,
}

#[derive(Debug, Clone)]
pub struct Checkout {
    pub id: String,
    pub operation: Uuid,
    pub server: InstanceId,
    pub expires: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub struct Event {
    pub concern: Concern,
    pub is_handled: bool,
}

impl Server {
    #[must_use]
    pub fn launched(id: InstanceId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            created: now,
            plan: "small".to_owned(),
            standing: Standing::Incomplete,
            desired: Desired::Suspended { by: Hold::Billing },
            was_launched: false,
            gone_at: None,
            folded: None,
            told: Vec::new(),
            bundle_at: None,
        }
    }

    #[must_use]
    pub fn suspended_at(&self) -> Option<DateTime<Utc>> {
        self.folded.as_ref().and_then(|it| it.suspended_at)
    }
}

impl Record {
    /// The newest first.
    #[must_use]
    pub fn subscriptions_of(&self, server: InstanceId) -> Vec<&Subscription> {
        let of_it = self.subscriptions.values().filter(|it| it.server == Some(server)).map(|it| &it.facts);
        let mut found: Vec<&Subscription> = of_it.collect();
        found.sort_by(|one, other| other.created.cmp(&one.created).then_with(|| one.id.cmp(&other.id)));
        found
    }

    #[must_use]
    pub fn open_checkout(&self, server: InstanceId) -> Option<&Checkout> {
        self.checkouts.iter().find(|it| it.server == server && it.ended_at.is_none())
    }

    pub fn end_checkout(&mut self, id: &str, now: DateTime<Utc>) {
        if let Some(page) = self.checkouts.iter_mut().find(|it| it.id == id) {
            page.ended_at.get_or_insert(now);
        }
    }

    pub fn end_operation(&mut self, id: Uuid) {
        if let Some(operation) = self.operations.iter_mut().find(|it| it.id == id) {
            operation.has_ended = true;
        }
    }
}
