//! `app::billing::intake`, `events` and the sweep of `hourly`: events are stored once, and are hints whom to read anew.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_billing::event::{Concern, Received, WANTED};
use howdah_billing::{BillingError, checkout, events, invoice, payment, subscription, webhook};
use howdah_domain::{Clock, SystemClock};
use secrecy::SecretString;

use super::{Platform, Trouble};
use crate::record::Event;
use crate::wire;

const OVERLAP: TimeDelta = TimeDelta::hours(3);
const LISTED_FOR: TimeDelta = TimeDelta::days(29);
/// Handled by one run.
const MOST: usize = 500;

impl Platform {
    /// `Intake::take`: whether it answers 2xx.
    pub fn take(&mut self, raw: &str, signature: &str, secret: &SecretString) -> bool {
        // Signatures keep the machine's time.
        let received = webhook::verify(raw.as_bytes(), signature, std::slice::from_ref(secret), SystemClock.now());
        let Some(received) = received.ok().filter(|it| self.stripe.is_ours(it)) else { return false };
        if WANTED.contains(&received.kind.as_str()) {
            if self.commits().is_err() {
                return false;
            }
            self.store(&received);
        }
        true
    }

    fn store(&mut self, received: &Received) {
        self.record.newest_event = self.record.newest_event.max(Some(received.created));
        let event = Event { concern: received.concerns().clone(), is_handled: false };
        self.record.events.entry(received.event_id.clone()).or_insert(event);
    }

    /// `events::handle`
    pub fn handle_events(&mut self) -> Result<(), Trouble> {
        let waiting = self.record.events.iter().filter(|(_, it)| !it.is_handled).take(MOST);
        let waiting: Vec<(String, Concern)> = waiting.map(|(id, it)| (id.clone(), it.concern.clone())).collect();
        let (mut ours, mut first) = (Vec::new(), Ok(()));
        for (id, concern) in waiting {
            match self.customer_of(&concern) {
                Ok(Some(customer)) if self.is_known(&customer) => ours.push(id),
                Ok(_) => self.handled(&[id])?,
                // It waits on.
                Err(Trouble::Killed) => return Err(Trouble::Killed),
                Err(error) => first = first.and(Err(error)),
            }
        }
        if !ours.is_empty() {
            self.sync()?;
            self.handled(&ours)?;
        }
        first
    }

    fn is_known(&self, customer: &str) -> bool {
        self.record.customer.as_ref().is_some_and(|it| it.id == customer)
    }

    fn handled(&mut self, events: &[String]) -> Result<(), Trouble> {
        self.commits()?;
        for id in events {
            if let Some(event) = self.record.events.get_mut(id) {
                event.is_handled = true;
            }
        }
        Ok(())
    }

    fn customer_of(&mut self, concern: &Concern) -> Result<Option<String>, Trouble> {
        let known = || self.record.customer.as_ref().map(|it| it.id.clone());
        let found = match concern {
            Concern::Customer(id) => Ok(Some(id.clone())),
            Concern::Subscription(id) if self.record.subscriptions.contains_key(id) => Ok(known()),
            Concern::Subscription(id) => wire::at_once(subscription::get(&self.stripe, id)).map(|it| Some(it.customer)),
            Concern::Invoice(id) if self.record.invoices.contains(id) => Ok(known()),
            Concern::Invoice(id) => wire::at_once(invoice::get(&self.stripe, id)).map(|it| Some(it.customer)),
            Concern::Checkout(id) => return self.of_checkout(id),
            Concern::Charge(id) => wire::at_once(payment::charge(&self.stripe, id)).map(|it| it.customer),
            Concern::Dispute(id) => wire::at_once(payment::dispute(&self.stripe, id))
                .and_then(|it| wire::at_once(payment::charge(&self.stripe, &it.charge)))
                .map(|it| it.customer),
            Concern::Nothing => Ok(None),
        };
        match found {
            Err(BillingError::Missing { .. } | BillingError::NotAnId { .. }) => Ok(None),
            found => Ok(found?),
        }
    }

    fn of_checkout(&mut self, id: &str) -> Result<Option<String>, Trouble> {
        let is_known = self.record.checkouts.iter().any(|it| it.id == id);
        match wire::at_once(checkout::get(&self.stripe, id)) {
            Ok(theirs) => {
                if is_known {
                    self.settle(&theirs)?;
                }
                Ok(theirs.customer)
            }
            Err(BillingError::Missing { .. } | BillingError::NotAnId { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// `hourly::sweep`
    pub fn sweep(&mut self) -> Result<(), Trouble> {
        let since = self.record.newest_event.map_or(DateTime::UNIX_EPOCH, |it| it - OVERLAP).max(self.now - LISTED_FOR);
        let missed = wire::at_once(events::undelivered(&self.stripe, since))?;
        self.commits()?;
        for it in &missed {
            self.store(it);
        }
        let now: DateTime<Utc> = self.now;
        let is_overdue = |it: &&crate::record::Checkout| it.ended_at.is_none() && it.expires < now;
        let overdue: Vec<String> = self.record.checkouts.iter().filter(is_overdue).map(|it| it.id.clone()).collect();
        for page in overdue {
            let theirs = wire::at_once(checkout::get(&self.stripe, &page))?;
            self.settle(&theirs)?;
        }
        self.record.swept_at = Some(self.now);
        Ok(())
    }
}
