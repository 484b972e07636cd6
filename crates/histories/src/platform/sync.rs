//! `app::billing::sync`: all of a customer's is read whole and folded in, by the number of the read.

use std::collections::BTreeSet;

use howdah_billing::{invoice, subscription};
use howdah_domain::InstanceId;
use howdah_domain::billing::facts::{Invoice, Subscription, SubscriptionStatus};
use howdah_domain::billing::fold;

use super::{Platform, Trouble};
use crate::record::Known;
use crate::{Broken, wire};

/// All of a customer's, in one read.
#[derive(Debug)]
pub struct Reading {
    pub number: u64,
    subscriptions: Vec<Subscription>,
    invoices: Vec<Invoice>,
}

impl Platform {
    pub fn sync(&mut self) -> Result<(), Trouble> {
        let Some(customer) = &mut self.record.customer else { return Ok(()) };
        customer.reads_begun += 1;
        let (id, number) = (customer.id.clone(), customer.reads_begun);
        let reading = match self.read(&id, number) {
            Err(_) if self.broken == Some(Broken::TakesErrorsForAnswers) => {
                Reading { number, subscriptions: Vec::new(), invoices: Vec::new() }
            }
            read => read?,
        };
        if std::mem::take(&mut self.is_slow) {
            self.slow.push(reading);
            return Ok(());
        }
        self.fold_in(&reading)
    }

    fn read(&self, customer: &str, number: u64) -> Result<Reading, Trouble> {
        let subscriptions = wire::at_once(subscription::of_customer(&self.stripe, customer))?;
        let invoices = wire::at_once(invoice::of_customer(&self.stripe, customer))?;
        Ok(Reading { number, subscriptions, invoices })
    }

    /// An answer that was slow is folded in now; others may have overtaken it.
    pub fn fold_slow(&mut self) -> Result<(), Trouble> {
        match self.slow.pop() {
            Some(reading) => self.fold_in(&reading),
            None => Ok(()),
        }
    }

    fn fold_in(&mut self, reading: &Reading) -> Result<(), Trouble> {
        self.commits()?;
        let Some(customer) = &mut self.record.customer else { return Ok(()) };
        if customer.read_folded >= reading.number && self.broken != Some(Broken::FoldsWhatWasOvertaken) {
            return Ok(());
        }
        customer.read_folded = reading.number;
        customer.read_at = Some(self.now);
        self.folded = self.folded.max(Some(reading.number));
        let mut servers: BTreeSet<InstanceId> = self.record.subscriptions.values().filter_map(|it| it.server).collect();
        for it in &reading.subscriptions {
            let server = it.instance.filter(|id| self.record.servers.contains_key(id));
            servers.extend(server);
            self.record.subscriptions.insert(it.id.clone(), Known { facts: it.clone(), server });
        }
        self.record.invoices.extend(reading.invoices.iter().map(|it| it.id.clone()));
        let mut duplicates = Vec::new();
        for server in servers {
            duplicates.extend(self.fold_one(server, reading)?);
        }
        for duplicate in duplicates {
            wire::at_once(subscription::cancel_now(&self.stripe, &duplicate))?;
        }
        Ok(())
    }

    fn fold_one(&mut self, id: InstanceId, reading: &Reading) -> Result<Vec<String>, Trouble> {
        let mut known: Vec<String> = self.record.subscriptions_of(id).iter().map(|it| it.id.clone()).collect();
        if self.record.servers.get(&id).is_none_or(|it| it.gone_at.is_some()) {
            // Whoever is gone is asked for no money.
            return Ok(self.record.subscriptions_of(id).iter().filter(|it| goes_on(it.status)).map(|it| it.id.clone()).collect());
        }
        let of_it: Vec<Subscription> = reading.subscriptions.iter().filter(|it| known.contains(&it.id)).cloned().collect();
        if self.broken == Some(Broken::TakesErrorsForAnswers) {
            known.retain(|id| of_it.iter().any(|it| it.id == *id));
        }
        // Nothing writes down refunds yet: a server that was given its money back runs on until its period ends.
        let read = fold::Read { subscriptions: &of_it, invoices: &reading.invoices, refunded: &[], known: &known, now: self.now };
        let Ok(folded) = fold::standing(&read, None) else { return Ok(Vec::new()) };
        let chosen = of_it.iter().find(|it| Some(&it.id) == folded.subscription.as_ref());
        self.apply(id, &folded, chosen);
        Ok(folded.duplicates)
    }
}

const fn goes_on(status: SubscriptionStatus) -> bool {
    !matches!(status, SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired)
}
