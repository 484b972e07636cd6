//! What falls due when. An entry is a reminder, not an order: whoever is reminded looks at the object as it is by then.

use std::collections::BTreeMap;

use super::World;
use crate::clock::HOUR;
use crate::json::Fields;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    TrialWillEnd(String),
    Upcoming(String),
    PeriodEnd(String),
    CancelAt(String),
    IncompleteExpires(String),
    SessionExpires(String),
    InvoiceFinalizes(String),
    InvoiceRetry(String),
    InvoiceOverdue(String),
    InvoiceGivenUp(String),
    BankDebitSettles(String),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    entries: BTreeMap<(i64, u64), Due>,
    sequence: u64,
}

impl Agenda {
    fn add(&mut self, at: i64, due: Due) {
        self.sequence += 1;
        self.entries.insert((at, self.sequence), due);
    }

    pub(super) fn next_at(&self) -> Option<i64> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn next_by(&mut self, until: i64) -> Option<(i64, Due)> {
        let entry = self.entries.first_entry()?;
        let at = entry.key().0;
        (at <= until).then(|| (at, entry.remove()))
    }
}

impl World {
    pub fn remind(&mut self, at: i64, due: Due) {
        self.agenda.add(at, due);
    }

    pub(super) fn perform(&mut self, due: Due) {
        match due {
            Due::TrialWillEnd(subscription) => self.trial_will_end(&subscription),
            Due::Upcoming(subscription) => self.tell_upcoming(&subscription),
            Due::PeriodEnd(subscription) => self.period_end(&subscription),
            Due::CancelAt(subscription) => self.cancel_at(&subscription),
            Due::IncompleteExpires(subscription) => self.expire_incomplete(&subscription),
            Due::SessionExpires(session) => self.session_expires(&session),
            Due::InvoiceFinalizes(invoice) => self.finalize_when_heard(&invoice),
            Due::InvoiceRetry(invoice) => self.retry(&invoice),
            Due::InvoiceOverdue(invoice) => self.overdue(&invoice),
            Due::InvoiceGivenUp(invoice) => self.give_up(&invoice),
            Due::BankDebitSettles(intent) => self.settle_bank_debit(&intent),
        }
    }

    /// An hour after it was made a draft is finalised; an endpoint that has not answered 2xx to `invoice.created` delays that by up to
    /// 72 hours. <https://docs.stripe.com/billing/invoices/subscription#webhooks>
    fn finalize_when_heard(&mut self, id: &str) {
        let invoice = self.copy(id);
        if invoice.status() != "draft" || !invoice.flag("auto_advance") {
            return;
        }
        let patience = invoice.int("created") + 72 * HOUR;
        if self.now < patience && !self.creation_was_heard(&invoice) {
            self.remind((self.now + HOUR).min(patience), Due::InvoiceFinalizes(id.to_owned()));
            return;
        }
        self.finalize(id);
        self.collect(id);
    }
}
