//! Changes of a subscription by its owner: other prices, more of them, another end, a payment method.

use serde_json::{Value, json};

use super::agenda::Due;
use super::periods::period_end;
use super::subscriptions::{period_of, plan_of, set_period};
use super::{Presence, Verdict, World};
use crate::clock::DAY;
use crate::error::ApiError;
use crate::json::Fields;

#[derive(Clone, Debug, Default)]
pub struct ItemChange {
    pub id: Option<String>,
    pub price: Option<String>,
    pub quantity: Option<i64>,
    pub metadata: Option<Value>,
    pub deleted: bool,
}

/// What an update says; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub items: Vec<ItemChange>,
    pub proration_behavior: Option<String>,
    pub proration_date: Option<i64>,
    pub payment_behavior: Option<String>,
    pub anchor_now: bool,
    pub trial_end: Option<i64>,
    pub cancel_at_period_end: Option<bool>,
    pub cancel_at: Option<Option<i64>>,
    pub discounts: Option<Vec<String>>,
    /// Members that are set as they are.
    pub members: Vec<(&'static str, Value)>,
}

impl Change {
    fn behavior(&self) -> &str {
        self.proration_behavior.as_deref().unwrap_or("create_prorations")
    }
}

impl World {
    pub fn update(&mut self, id: &str, change: &Change) -> Result<(), ApiError> {
        let before = self.object("subscription", id)?.clone();
        if ["canceled", "incomplete_expired"].contains(&before.status()) {
            let message = format!("Subscription {id} is {}: it can't be changed any more.", before.status());
            return Err(ApiError::invalid(message).code("resource_missing").named("id"));
        }
        let mut after = before.clone();
        for (name, value) in &change.members {
            after[*name] = value.clone();
        }
        self.set_end(&mut after, change);
        if let Some(discounts) = &change.discounts {
            after["discounts"] = json!(discounts);
        }
        after["items"]["data"] = json!(self.changed_items(&before, &change.items)?);
        self.refuse_if_unpayable(&after, change)?;
        let resets = self.reset_period(&before, &mut after, change);
        let prorates = before.status() != "trialing" && change.behavior() != "none" && before["items"] != after["items"];
        self.save_changed("customer.subscription.updated", after.clone());
        if prorates {
            self.prorate(&before, &after, change.proration_date.unwrap_or(self.now), resets);
        }
        self.follow_up(&before, &after, change, resets);
        Ok(())
    }

    fn set_end(&self, after: &mut Value, change: &Change) {
        if let Some(at) = change.cancel_at {
            after["cancel_at"] = json!(at);
            after["canceled_at"] = json!(at.map(|_| self.now));
            after["cancel_at_period_end"] = json!(false);
        }
        if let Some(ends) = change.cancel_at_period_end.filter(|it| *it != after.flag("cancel_at_period_end")) {
            after["cancel_at_period_end"] = json!(ends);
            after["cancel_at"] = json!(ends.then(|| period_of(after).1));
            after["canceled_at"] = json!(ends.then_some(self.now));
            after["cancellation_details"]["reason"] = json!(ends.then_some("cancellation_requested"));
        }
    }

    fn changed_items(&mut self, before: &Value, changes: &[ItemChange]) -> Result<Vec<Value>, ApiError> {
        let mut items = before.list("items").to_vec();
        for change in changes {
            let price = change.price.as_deref().map(|it| self.object_for("price", it, "items[0][price]").cloned()).transpose()?;
            if let Some(price) = &price
                && price["currency"] != before["currency"]
            {
                let message =
                    format!("The price {} is in {}, the subscription in {}.", price.id(), price.text("currency"), before.text("currency"));
                return Err(ApiError::invalid(message).named("items[0][price]"));
            }
            match &change.id {
                None => {
                    let price = price.ok_or_else(|| ApiError::missing("items[0][price]"))?;
                    let metadata = change.metadata.clone().unwrap_or(json!({}));
                    let item = self.item_shape(before.id(), &price, change.quantity.unwrap_or(1), &metadata, period_of(before));
                    items.push(item);
                }
                Some(id) if change.deleted => items.retain(|it| it.id() != id),
                Some(id) => {
                    let item = items
                        .iter_mut()
                        .find(|it| it.id() == id)
                        .ok_or_else(|| ApiError::no_such("subscription item", id, "items[0][id]"))?;
                    change_item(item, price, change);
                }
            }
        }
        if items.is_empty() {
            return Err(ApiError::invalid("A subscription must have at least one active plan.").named("items"));
        }
        let interval = |it: &Value| it["price"]["recurring"]["interval"].clone();
        if items.iter().any(|it| interval(it) != interval(&items[0])) {
            return Err(ApiError::invalid("All prices of a subscription must have the same interval.").named("items"));
        }
        Ok(items)
    }

    /// `error_if_incomplete`: no change without its money.
    fn refuse_if_unpayable(&mut self, after: &Value, change: &Change) -> Result<(), ApiError> {
        let at_once = change.behavior() == "always_invoice" && after.text("collection_method") == "charge_automatically";
        if change.payment_behavior.as_deref() != Some("error_if_incomplete") || !at_once {
            return Ok(());
        }
        let method = self.default_method(after.text("customer"), Some(after)).ok_or_else(|| {
            ApiError::invalid("This customer has no attached payment source or default payment method.").code("resource_missing")
        })?;
        match self.judge(&method, Presence::OffSession) {
            Verdict::Failed(error) => {
                self.outcomes.pop_front();
                Err(error.of("subscription"))
            }
            _ => Ok(()),
        }
    }

    /// Another interval, a moved anchor or another end of the trial begins a new period; says whether it is one to be paid.
    fn reset_period(&self, before: &Value, after: &mut Value, change: &Change) -> bool {
        let recurring = after["items"]["data"][0]["price"]["recurring"].clone();
        if let Some(end) = change.trial_end {
            let ended = end <= self.now;
            after["trial_end"] = json!(end.max(self.now));
            after["status"] = json!(if ended { "active" } else { "trialing" });
            after["billing_cycle_anchor"] = json!(end.max(self.now));
            if !after.is_set("trial_start") {
                after["trial_start"] = json!(self.now);
            }
            let until = if ended { period_end(self.now, self.now, &recurring) } else { end };
            set_period(after, self.now, until);
            return ended;
        }
        let other_interval = before["items"]["data"][0]["price"]["recurring"]["interval"] != recurring["interval"];
        if before.status() == "trialing" || !(other_interval || change.anchor_now) {
            return false;
        }
        after["billing_cycle_anchor"] = json!(self.now);
        set_period(after, self.now, period_end(self.now, self.now, &recurring));
        true
    }

    fn follow_up(&mut self, before: &Value, after: &Value, change: &Change, resets: bool) {
        let id = after.id();
        if period_of(before) != period_of(after) {
            self.remind_of_period(id, period_of(after).1);
        }
        if after.status() == "trialing" && change.trial_end.is_some() {
            self.remind((after.int("trial_end") - 3 * DAY).max(self.now), Due::TrialWillEnd(id.to_owned()));
        }
        if let Some(Some(at)) = change.cancel_at {
            self.remind(at, Due::CancelAt(id.to_owned()));
        }
        let items_changed = before["items"] != after["items"];
        if resets || (items_changed && change.behavior() == "always_invoice" && before.status() != "trialing") {
            let reason = if change.trial_end.is_some() { "subscription_cycle" } else { "subscription_update" };
            let invoice = self.draft_for(id, reason, resets);
            self.finalize(&invoice);
            self.collect(&invoice);
        }
    }

    /// `DELETE /v1/subscriptions/{id}`.
    pub fn cancel(&mut self, id: &str, invoice_now: bool, prorate: bool) -> Result<(), ApiError> {
        let before = self.object("subscription", id)?.clone();
        if ["canceled", "incomplete_expired"].contains(&before.status()) {
            return Err(ApiError::no_such("subscription", id, "id"));
        }
        if prorate && before.status() != "trialing" {
            let mut nothing = before.clone();
            nothing["items"]["data"] = json!([]);
            self.prorate(&before, &nothing, self.now, false);
        }
        self.end(id, "cancellation_requested");
        if invoice_now {
            let invoice = self.draft_for(id, "subscription_update", false);
            self.finalize(&invoice);
            self.collect(&invoice);
        }
        Ok(())
    }

    /// Ends a pause: a new period from now on, which is paid first.
    pub fn resume(&mut self, id: &str) -> Result<(), ApiError> {
        let mut subscription = self.object("subscription", id)?.clone();
        if subscription.status() != "paused" {
            return Err(ApiError::invalid(format!("Subscription {id} is {}, not paused.", subscription.status())));
        }
        subscription["billing_cycle_anchor"] = json!(self.now);
        let end = period_end(self.now, self.now, &subscription["items"]["data"][0]["price"]["recurring"]);
        set_period(&mut subscription, self.now, end);
        self.save_changed("customer.subscription.updated", subscription);
        self.remind_of_period(id, end);
        let invoice = self.draft_for(id, "subscription_cycle", true);
        self.finalize(&invoice);
        self.collect(&invoice);
        Ok(())
    }
}

fn change_item(item: &mut Value, price: Option<Value>, change: &ItemChange) {
    if let Some(price) = price {
        item["plan"] = plan_of(&price);
        item["price"] = price;
    }
    if let Some(quantity) = change.quantity {
        item["quantity"] = json!(quantity);
    }
    if let Some(metadata) = &change.metadata {
        item["metadata"] = metadata.clone();
    }
}
