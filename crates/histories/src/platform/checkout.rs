//! `app::billing::checkout` and `invoiced`: a server is paid for, on one page of Stripe's at a time, or by invoices that are sent.

use chrono::TimeDelta;
use howdah_billing::Operation;
use howdah_billing::checkout::{self, CheckoutStatus, NewCheckout};
use howdah_billing::customer::Address;
use howdah_billing::subscription::{self, NewByInvoice, NewItem};
use howdah_domain::billing::facts::SubscriptionStatus;
use howdah_domain::{Desired, InstanceId};

use super::{Platform, Trouble};
use crate::record::Checkout;
use crate::{Broken, wire};

const OPEN_FOR: TimeDelta = TimeDelta::hours(23);
const LEAST_LEFT: TimeDelta = TimeDelta::minutes(5);
/// Days to pay an invoice.
const DAYS_UNTIL_DUE: u32 = 30;

impl Platform {
    /// `checkout::pay`: answers the page.
    pub fn pay(&mut self, id: InstanceId) -> Result<String, Trouble> {
        self.may_be_paid(id)?;
        if let Some(open) = self.still_open(id)? {
            return Ok(open);
        }
        let customer = self.customer()?;
        self.may_be_paid(id)?;
        let server = self.record.servers.get(&id).ok_or(Trouble::Conflict("not_found"))?;
        let trial = self.trial.filter(|_| !server.was_launched);
        let price = self.price(&server.plan)?;
        let wanted = format!("{price} {} {:?}", server.plan, trial.map(|it| it.days));
        let asked = self.begin(Some(id), "checkout", wanted)?;
        let new = NewCheckout {
            customer,
            instance: id,
            items: vec![NewItem { price, quantity: 1 }],
            description: "birds.example".to_owned(),
            trial,
            success_url: "https://howdah.example/done?session={CHECKOUT_SESSION_ID}".to_owned(),
            cancel_url: "https://howdah.example/".to_owned(),
            expires_at: asked.created + OPEN_FOR,
            automatic_tax: false,
            allow_promotion_codes: true,
            tax_id_collection: true,
        };
        let opened = wire::at_once(checkout::open(&self.stripe, &new, Operation::new(asked.id, "checkout")))?;
        self.keep(id, asked.id, &opened)
    }

    fn may_be_paid(&self, id: InstanceId) -> Result<(), Trouble> {
        use SubscriptionStatus::{Active, PastDue, Paused, Trialing, Unpaid};
        let server = self.record.servers.get(&id).ok_or(Trouble::Conflict("not_found"))?;
        if server.gone_at.is_some() || matches!(server.desired, Desired::Deleted { .. }) {
            return Err(Trouble::Conflict("leaving"));
        }
        let is_live = |status| matches!(status, Trialing | Active | PastDue | Unpaid | Paused);
        if self.record.subscriptions_of(id).iter().any(|it| is_live(it.status)) {
            return Err(Trouble::Conflict("subscribed"));
        }
        Ok(())
    }

    fn still_open(&mut self, id: InstanceId) -> Result<Option<String>, Trouble> {
        if self.broken == Some(Broken::OpensAPageEachTime) {
            return Ok(None);
        }
        let Some(open) = self.record.open_checkout(id).cloned() else { return Ok(None) };
        if open.expires >= self.now + LEAST_LEFT {
            return Ok(Some(open.id));
        }
        // Some tab may still have it: it is over before another is opened.
        let closed = checkout::expire(&self.stripe, &open.id, Operation::new(open.operation, "expire"));
        let closed = wire::at_once(closed)?;
        self.settle(&closed)?;
        self.may_be_paid(id)?;
        Ok(None)
    }

    fn keep(&mut self, server: InstanceId, asked: uuid::Uuid, opened: &checkout::Checkout) -> Result<String, Trouble> {
        self.commits()?;
        if opened.url.is_none() || opened.status != CheckoutStatus::Open {
            // The app's transaction ends with an error here, and the operation stays open with it.
            return Err(Trouble::Conflict("checkout_over"));
        }
        self.record.end_operation(asked);
        if let Some(other) = self.record.open_checkout(server).filter(|it| it.id != opened.id).map(|it| it.id.clone()) {
            self.record.end_checkout(&other, self.now);
        }
        if !self.record.checkouts.iter().any(|it| it.id == opened.id) {
            let page = Checkout { id: opened.id.clone(), operation: asked, server, expires: opened.expires, ended_at: None };
            self.record.checkouts.push(page);
        }
        Ok(opened.id.clone())
    }

    /// `checkout::finish`: the customer comes back from the page.
    pub fn finish(&mut self, session: &str) -> Result<(), Trouble> {
        if !self.record.checkouts.iter().any(|it| it.id == session) {
            return Err(Trouble::Conflict("not_found"));
        }
        let theirs = wire::at_once(checkout::get(&self.stripe, session))?;
        self.settle(&theirs)
    }

    pub(super) fn settle(&mut self, theirs: &checkout::Checkout) -> Result<(), Trouble> {
        if theirs.status != CheckoutStatus::Open {
            self.commits()?;
            self.record.end_checkout(&theirs.id, self.now);
        }
        if theirs.customer.is_some() { self.sync() } else { Ok(()) }
    }

    /// `invoiced::order_by_invoice`
    pub fn order_by_invoice(&mut self, id: InstanceId) -> Result<(), Trouble> {
        self.may_be_paid(id)?;
        let customer = self.customer()?;
        self.may_be_paid(id)?;
        let plan = self.record.servers.get(&id).map(|it| it.plan.clone()).ok_or(Trouble::Conflict("not_found"))?;
        let price = self.price(&plan)?;
        let asked = self.begin(Some(id), "subscribe", format!("{price} {plan}"))?;
        let new = NewByInvoice {
            customer,
            instance: id,
            items: vec![NewItem { price, quantity: 1 }],
            description: "birds.example".to_owned(),
            days_until_due: DAYS_UNTIL_DUE,
            order_number: None,
            address: Address {
                line1: "Weg 1".to_owned(),
                line2: None,
                postal_code: None,
                city: "Jena".to_owned(),
                state: None,
                country: "DE".to_owned(),
            },
            automatic_tax: false,
        };
        wire::at_once(subscription::create_by_invoice(&self.stripe, &new, Operation::new(asked.id, "subscribe")))?;
        self.commits()?;
        self.record.end_operation(asked.id);
        self.sync()
    }
}
