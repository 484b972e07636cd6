//! Previews are the act itself, on a copy of what belongs to the customer: they can't give other numbers than it.

use serde_json::{Value, json};

use super::{Change, NewSubscription, Outbox, World};
use crate::error::ApiError;
use crate::json::Fields;

impl World {
    /// A world with one customer, where nothing is delivered and every payment goes through.
    fn aside(&self, customer: &str) -> Self {
        let store = self.store.part_of(customer);
        let theirs = self.wallet.keys().filter(|it| store.find(it).is_some());
        let wallet = theirs.map(|it| (it.clone(), super::Instrument::Good)).collect();
        Self {
            now: self.now,
            rules: self.rules.clone(),
            base_url: self.base_url.clone(),
            store,
            outbox: Outbox::new(0),
            wallet,
            outcomes: std::collections::VecDeque::new(),
            caller: super::Caller::default(),
            agenda: super::Agenda::default(),
            dice: self.dice.clone(),
        }
    }

    /// The next renewal's invoice as it would be by now.
    pub fn upcoming(&self, subscription: &str) -> Option<Value> {
        let customer = self.store.find(subscription)?.text("customer").to_owned();
        let mut aside = self.aside(&customer);
        aside.next_invoice(subscription)
    }

    fn next_invoice(&mut self, subscription: &str) -> Option<Value> {
        let before = self.copy(subscription);
        let ends = before.flag("cancel_at_period_end") || ["canceled", "incomplete_expired", "paused"].contains(&before.status());
        let waiting = self.store.of_customer("invoiceitem", before.text("customer")).any(|it| !it.is_set("invoice"));
        if ends && !waiting {
            return None;
        }
        self.now = self.now.max(super::subscriptions::period_of(&before).1);
        let invoice = if ends {
            self.draft_for(subscription, "subscription_cycle", false)
        } else {
            self.renew(subscription);
            self.copy(subscription).text("latest_invoice").to_owned()
        };
        Some(self.as_preview(&invoice))
    }

    /// What a change of a subscription would be billed as: at once, or with the next renewal.
    pub fn preview_change(&self, subscription: &str, change: &Change) -> Result<Value, ApiError> {
        let customer = self.object_for("subscription", subscription, "subscription")?.text("customer").to_owned();
        let mut aside = self.aside(&customer);
        let before = aside.copy(subscription).text("latest_invoice").to_owned();
        aside.update(subscription, change)?;
        let newest = aside.copy(subscription).text("latest_invoice").to_owned();
        if newest != before {
            return Ok(aside.as_preview(&newest));
        }
        aside.next_invoice(subscription).ok_or_else(no_upcoming)
    }

    /// The first invoice of a subscription that isn't there yet.
    pub fn preview_new(&self, new: NewSubscription) -> Result<Value, ApiError> {
        let mut aside = self.aside(&new.customer);
        let subscription = aside.subscribe(NewSubscription { payment_behavior: "default_incomplete".to_owned(), ..new })?;
        let invoice = aside.copy(&subscription).text("latest_invoice").to_owned();
        Ok(aside.as_preview(&invoice))
    }

    pub fn preview_next(&self, subscription: &str) -> Result<Value, ApiError> {
        self.object_for("subscription", subscription, "subscription")?;
        self.upcoming(subscription).ok_or_else(no_upcoming)
    }

    /// A preview is a draft that is nowhere.
    fn as_preview(&self, id: &str) -> Value {
        let mut invoice = self.copy(id);
        let preview = format!("upcoming_{id}");
        if invoice.status() != "draft" {
            // It was finalised and paid aside; what counts is what it asked for.
            invoice["amount_paid"] = json!(0);
            invoice["amount_remaining"] = invoice["amount_due"].clone();
            invoice["status_transitions"] =
                json!({"finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null});
            for name in ["number", "hosted_invoice_url", "invoice_pdf", "effective_at"] {
                invoice[name] = Value::Null;
            }
            invoice["status"] = json!("draft");
            invoice["attempted"] = json!(false);
            invoice["attempt_count"] = json!(0);
        } else {
            let balance = self.copy(invoice.text("customer")).int("balance");
            invoice["starting_balance"] = json!(balance);
            self.sum(&mut invoice);
        }
        for line in invoice["lines"]["data"].as_array_mut().into_iter().flatten() {
            line["invoice"] = json!(preview);
        }
        invoice["id"] = json!(preview);
        invoice["lines"]["url"] = json!(format!("/v1/invoices/{preview}/lines"));
        invoice
    }
}

fn no_upcoming() -> ApiError {
    ApiError::invalid("No upcoming invoices for customer").code("invoice_upcoming_none")
}
