//! The platform under test: what `howdah-app` does about billing, in its order and by its rules, on a [`Record`] in memory.
//!
//! Each function names the one of the app that it stands for. What it asks of Stripe, how it reads the answers and what follows
//! from them is not modelled: that is `howdah-billing` and `howdah-domain` themselves.

mod change;
mod checkout;
mod ending;
mod events;
mod reconcile;
mod standing;
mod sync;

use chrono::{DateTime, TimeDelta, Utc};
use howdah_billing::checkout::Trial;
use howdah_billing::{BillingError, Stripe};
use howdah_domain::billing::{ExportWindow, Terms};
use howdah_domain::{AccountId, InstanceId, OperationId};
use uuid::Uuid;

use crate::dice::Bytes;
use crate::record::{Operation, Record, Server};
use crate::{Broken, wire};

pub use sync::Reading;

/// As `app::billing::TERMS`.
pub const TERMS: Terms = Terms {
    grace: TimeDelta::days(14),
    invoice_grace: TimeDelta::days(30),
    read_only: TimeDelta::days(30),
    export_window: ExportWindow::LEAST,
};

/// Stripe knows an idempotency key for a day.
const ASKED_AGAIN: TimeDelta = TimeDelta::hours(20);

/// Why something was not done.
#[derive(Debug)]
pub enum Trouble {
    /// Stripe could not be asked, or refused.
    Stripe(BillingError),
    /// The process ended before it could write down what it had learnt.
    Killed,
    /// Whoever asked is told why not.
    Conflict(&'static str),
}

impl From<BillingError> for Trouble {
    fn from(error: BillingError) -> Self {
        Self::Stripe(error)
    }
}

#[derive(Debug)]
pub struct Platform {
    pub stripe: Stripe,
    pub record: Record,
    pub now: DateTime<Utc>,
    pub trial: Option<Trial>,
    /// Prices by plan.
    pub prices: Vec<(String, String)>,
    pub broken: Option<Broken>,
    /// How many times something can be written down until the process is killed.
    pub lives: Option<u32>,
    /// The next read is answered slowly.
    pub is_slow: bool,
    /// Read, and not folded in yet.
    pub slow: Vec<Reading>,
    /// Each read that was folded in, for whoever watches: its number.
    pub folded: Option<u64>,
    account: AccountId,
    bytes: Bytes,
}

impl Platform {
    #[must_use]
    pub fn new(stripe: Stripe, now: DateTime<Utc>, seed: u64) -> Self {
        let bytes = Bytes::new(seed ^ 0x5eed);
        let account = AccountId::generate(now, &bytes);
        Self {
            stripe,
            record: Record::default(),
            now,
            trial: None,
            prices: Vec::new(),
            broken: None,
            lives: None,
            is_slow: false,
            slow: Vec::new(),
            folded: None,
            account,
            bytes,
        }
    }

    /// A transaction ends: all of it is in the record from here on, or the process was killed and none of it is.
    fn commits(&mut self) -> Result<(), Trouble> {
        match self.lives {
            Some(0) => {
                self.lives = None;
                self.slow.clear();
                Err(Trouble::Killed)
            }
            Some(lives) => {
                self.lives = Some(lives - 1);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// By a customer; it waits to be paid for.
    pub fn launch(&mut self) -> InstanceId {
        let id = InstanceId::generate(self.now, &self.bytes);
        self.record.servers.insert(id, Server::launched(id, self.now));
        id
    }

    pub fn price(&self, plan: &str) -> Result<String, Trouble> {
        let found = self.prices.iter().find(|(name, _)| name == plan);
        found.map(|(_, price)| price.clone()).ok_or(Trouble::Conflict("price_missing"))
    }

    /// `operation::begin`
    fn begin(&mut self, server: Option<InstanceId>, kind: &'static str, wanted: String) -> Result<Operation, Trouble> {
        let of_kind = |it: &&Operation| it.kind == kind && it.server == server && !it.has_ended;
        let open = self.record.operations.iter().filter(of_kind).max_by_key(|it| it.created);
        if let Some(open) = open.filter(|it| it.wanted == wanted && self.now - it.created < ASKED_AGAIN) {
            return Ok(open.clone());
        }
        // What was wanted before is not wanted any more: asked for once more later, it is asked anew.
        let before = open.map(|it| it.id);
        let id: Uuid = OperationId::generate(self.now, &self.bytes).as_uuid();
        let operation = Operation { id, server, kind, wanted, created: self.now, has_ended: false };
        self.commits()?;
        if let Some(before) = before {
            self.record.end_operation(before);
        }
        self.record.operations.push(operation.clone());
        Ok(operation)
    }

    /// `operation::customer`
    fn customer(&mut self) -> Result<String, Trouble> {
        if let Some(known) = &self.record.customer {
            return Ok(known.id.clone());
        }
        let operation = self.begin(None, "customer", String::new())?;
        let asked = howdah_billing::Operation::new(operation.id, "customer");
        let made = howdah_billing::customer::ensure(&self.stripe, self.account, "ana@example.org", "Ana", asked);
        let made = wire::at_once(made)?;
        self.commits()?;
        self.record.end_operation(operation.id);
        self.record.customer = Some(crate::record::Customer { id: made.id.clone(), reads_begun: 0, read_folded: 0, read_at: None });
        Ok(made.id)
    }
}
