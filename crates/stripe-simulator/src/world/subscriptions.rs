//! Subscriptions: begun, renewed, behind with payment, ended.

use serde_json::{Value, json};

use super::agenda::Due;
use super::periods::period_end;
use super::{Presence, Verdict, World};
use crate::clock::{DAY, HOUR};
use crate::error::ApiError;
use crate::json::Fields;

#[derive(Clone, Debug)]
pub struct NewItem {
    pub price: String,
    pub quantity: i64,
    pub metadata: Value,
}

#[derive(Clone, Debug)]
pub struct NewSubscription {
    pub customer: String,
    pub items: Vec<NewItem>,
    pub trial_end: Option<i64>,
    /// What becomes of a trial that ends without a payment method.
    pub missing_payment_method: String,
    pub collection_method: String,
    pub days_until_due: Option<i64>,
    pub default_payment_method: Option<String>,
    pub payment_behavior: String,
    pub presence: Presence,
    pub cancel_at: Option<i64>,
    pub cancel_at_period_end: bool,
    pub discounts: Vec<String>,
    pub description: Option<String>,
    pub metadata: Value,
    /// Members that are set as they are.
    pub members: Vec<(&'static str, Value)>,
}

impl World {
    pub fn subscribe(&mut self, new: NewSubscription) -> Result<String, ApiError> {
        let (prices, currency) = self.recurring_prices(&new.items)?;
        self.lock_currency(&new.customer, &currency)?;
        let charged = new.collection_method == "charge_automatically";
        let method = new.default_payment_method.clone().or_else(|| self.default_method(&new.customer, None));
        let pays_now = charged && new.trial_end.is_none() && new.payment_behavior != "default_incomplete";
        if pays_now {
            let method = method.as_deref().ok_or_else(|| {
                ApiError::invalid("This customer has no attached payment source or default payment method.").code("resource_missing")
            })?;
            if let (Verdict::Failed(error), "error_if_incomplete") = (self.judge(method, new.presence), new.payment_behavior.as_str()) {
                self.outcomes.pop_front();
                return Err(error.of("subscription"));
            }
        }
        let mut subscription = self.subscription_shape(&new, &prices, &currency);
        for (name, value) in &new.members {
            subscription[*name] = value.clone();
        }
        let id = subscription.id().to_owned();
        self.store.put(subscription.clone());
        self.emit("customer.subscription.created", &subscription);
        self.begin(&id, &new);
        Ok(id)
    }

    /// The prices, and their one currency and interval.
    fn recurring_prices(&self, items: &[NewItem]) -> Result<(Vec<Value>, String), ApiError> {
        let mut prices = Vec::new();
        for item in items {
            let price = self.object_for("price", &item.price, "items[0][price]")?;
            if !price.is_set("recurring") {
                return Err(ApiError::invalid(format!("The price {} is not recurring.", item.price)).named("items[0][price]"));
            }
            if !price.flag("active") {
                return Err(ApiError::invalid(format!("The price {} is inactive.", item.price)).named("items[0][price]"));
            }
            prices.push(price.clone());
        }
        let first = prices.first().ok_or_else(|| ApiError::missing("items"))?;
        if prices.iter().any(|it| it["recurring"]["interval"] != first["recurring"]["interval"]) {
            return Err(ApiError::invalid("All prices of a subscription must have the same interval.").named("items"));
        }
        if prices.iter().any(|it| it["currency"] != first["currency"]) {
            return Err(ApiError::invalid("All prices of a subscription must have the same currency.").named("items"));
        }
        let currency = first.text("currency").to_owned();
        Ok((prices, currency))
    }

    /// A customer has one currency, from the first invoice or subscription on.
    pub fn lock_currency(&mut self, customer: &str, currency: &str) -> Result<(), ApiError> {
        let mut customer = self.object_for("customer", customer, "customer")?.clone();
        if customer.is_set("currency") && customer.text("currency") != currency {
            let message = format!(
                "You cannot combine currencies on a single customer. This customer has had a subscription or invoice item with currency {}.",
                customer.text("currency")
            );
            return Err(ApiError::invalid(message).named("currency"));
        }
        customer["currency"] = json!(currency);
        self.store.put(customer);
        Ok(())
    }

    fn begin(&mut self, id: &str, new: &NewSubscription) {
        let end = period_of(&self.copy(id)).1;
        self.remind_of_period(id, end);
        if let Some(trial_end) = new.trial_end {
            self.remind((trial_end - 3 * DAY).max(self.now), Due::TrialWillEnd(id.to_owned()));
        }
        if let Some(at) = new.cancel_at {
            self.remind(at, Due::CancelAt(id.to_owned()));
        }
        let invoice = self.draft_for(id, "subscription_create", true);
        // A first invoice by mail stays a draft for its hour; every other is due at once.
        if new.collection_method == "send_invoice" && new.trial_end.is_none() {
            return;
        }
        self.finalize(&invoice);
        if new.trial_end.is_some() {
            return;
        }
        if self.copy(id).status() == "incomplete" {
            self.remind(self.now + 23 * HOUR, Due::IncompleteExpires(id.to_owned()));
        }
        if new.payment_behavior != "default_incomplete" && self.copy(&invoice).status() == "open" {
            // A failure shows in the subscription's status.
            drop(self.pay(&invoice, new.default_payment_method.as_deref(), new.presence));
        }
    }

    pub(super) fn remind_of_period(&mut self, id: &str, end: i64) {
        self.remind(end, Due::PeriodEnd(id.to_owned()));
        let before = end - self.rules.upcoming_days * DAY;
        if before > self.now {
            self.remind(before, Due::Upcoming(id.to_owned()));
        }
    }

    pub(super) fn trial_will_end(&mut self, id: &str) {
        let subscription = self.copy(id);
        if subscription.status() == "trialing" && subscription.int("trial_end") - self.now <= 3 * DAY {
            self.emit("customer.subscription.trial_will_end", &subscription);
        }
    }

    pub(super) fn tell_upcoming(&mut self, id: &str) {
        let subscription = self.copy(id);
        let end = period_of(&subscription).1;
        let goes_on = ["active", "trialing", "past_due"].contains(&subscription.status()) && !subscription.flag("cancel_at_period_end");
        if goes_on
            && end - self.now <= self.rules.upcoming_days * DAY
            && let Some(invoice) = self.upcoming(id)
        {
            self.emit("invoice.upcoming", &invoice);
        }
    }

    pub(super) fn period_end(&mut self, id: &str) {
        let subscription = self.copy(id);
        let due = period_of(&subscription).1 <= self.now;
        let lives = ["trialing", "active", "past_due", "unpaid"].contains(&subscription.status());
        if !due || !lives {
            return;
        }
        if subscription.flag("cancel_at_period_end") {
            return self.end(id, "cancellation_requested");
        }
        if subscription.status() == "trialing" && !self.trial_may_end(&subscription) {
            return;
        }
        self.renew(id);
    }

    /// Without a payment method a trial may end in something else than a paid period.
    fn trial_may_end(&mut self, subscription: &Value) -> bool {
        let charged = subscription.text("collection_method") == "charge_automatically";
        if !charged || self.default_method(subscription.text("customer"), Some(subscription)).is_some() {
            return true;
        }
        match subscription.text("trial_settings.end_behavior.missing_payment_method") {
            "cancel" => self.end(subscription.id(), "payment_failed"),
            "pause" => self.set_status(subscription.id(), "paused", "customer.subscription.paused"),
            _ => return true,
        }
        false
    }

    /// Begins the next period, with a draft for it.
    pub(super) fn renew(&mut self, id: &str) {
        let mut subscription = self.copy(id);
        let trial = subscription.status() == "trialing";
        let (previous, start) = period_of(&subscription);
        if trial {
            subscription["billing_cycle_anchor"] = json!(start);
            subscription["status"] = json!("active");
        }
        subscription["_previous_start"] = json!(previous);
        let end = period_end(subscription.int("billing_cycle_anchor"), start, &subscription["items"]["data"][0]["price"]["recurring"]);
        set_period(&mut subscription, start, end);
        let stalled = subscription.status() == "unpaid";
        self.save_changed("customer.subscription.updated", subscription);
        self.remind_of_period(id, end);
        let invoice = self.draft_for(id, "subscription_cycle", true);
        if stalled {
            // Nothing is asked for until what is owed is paid.
            let mut draft = self.copy(&invoice);
            draft["auto_advance"] = json!(false);
            draft["automatically_finalizes_at"] = Value::Null;
            self.store.put(draft);
        }
    }

    pub(super) fn cancel_at(&mut self, id: &str) {
        let subscription = self.copy(id);
        let due = subscription.is_set("cancel_at") && subscription.int("cancel_at") <= self.now;
        if due && !["canceled", "incomplete_expired"].contains(&subscription.status()) {
            self.end(id, "cancellation_requested");
        }
    }

    pub(super) fn expire_incomplete(&mut self, id: &str) {
        let mut subscription = self.copy(id);
        if subscription.status() != "incomplete" {
            return;
        }
        // Stripe voids what was asked for.
        let invoice = subscription.text("latest_invoice").to_owned();
        subscription["status"] = json!("incomplete_expired");
        subscription["ended_at"] = json!(self.now);
        self.save_changed("customer.subscription.updated", subscription);
        drop(self.close_invoice(&invoice, "void"));
    }

    /// Ends it now: `customer.subscription.deleted`, and no open invoice is asked for by itself any more.
    pub fn end(&mut self, id: &str, reason: &str) {
        let mut subscription = self.copy(id);
        subscription["status"] = json!("canceled");
        subscription["ended_at"] = json!(self.now);
        if !subscription.is_set("canceled_at") {
            subscription["canceled_at"] = json!(self.now);
        }
        subscription["cancellation_details"]["reason"] = json!(reason);
        self.store.put(subscription.clone());
        let invoices = self.store.of_customer("invoice", subscription.text("customer"));
        let asked: Vec<Value> = invoices.filter(|it| it.text("_subscription") == id && it.flag("auto_advance")).cloned().collect();
        for mut invoice in asked {
            invoice["auto_advance"] = json!(false);
            invoice["next_payment_attempt"] = Value::Null;
            self.save_changed("invoice.updated", invoice);
        }
        self.emit("customer.subscription.deleted", &subscription);
    }

    pub(super) fn set_status(&mut self, id: &str, status: &str, event: &str) {
        let mut subscription = self.copy(id);
        subscription["status"] = json!(status);
        self.save_changed(event, subscription);
    }

    /// An invoice was paid, or need not be paid any more.
    pub(super) fn subscription_was_paid(&mut self, invoice: &Value) {
        let subscription = self.copy(invoice.text("_subscription"));
        let status = subscription.status();
        // Stripe looks at the newest invoice that was asked for.
        let invoices = self.store.of_customer("invoice", invoice.text("customer"));
        let newest = invoices.rev().find(|it| it.text("_subscription") == subscription.id() && it.status() != "draft");
        let settled = newest.is_some_and(|it| it.status() != "open");
        let first = status == "incomplete" && invoice.status() == "paid";
        if first || (settled && ["past_due", "unpaid"].contains(&status)) {
            self.set_status(subscription.id(), "active", "customer.subscription.updated");
        } else if status == "paused" && invoice.text("billing_reason") == "subscription_cycle" && invoice.status() == "paid" {
            self.set_status(subscription.id(), "active", "customer.subscription.resumed");
        }
    }

    /// A bank debit is on its way: Stripe starts the subscription on trust.
    pub(super) fn subscription_is_being_paid(&mut self, invoice: &Value) {
        if self.copy(invoice.text("_subscription")).status() == "incomplete" {
            self.set_status(invoice.text("_subscription"), "active", "customer.subscription.updated");
        }
    }

    pub(super) fn subscription_is_behind(&mut self, invoice: &Value) {
        if self.copy(invoice.text("_subscription")).status() == "active" {
            self.set_status(invoice.text("_subscription"), "past_due", "customer.subscription.updated");
        }
    }

    fn subscription_shape(&mut self, new: &NewSubscription, prices: &[Value], currency: &str) -> Value {
        let (id, now) = (self.new_id("sub"), self.now);
        let end = new.trial_end.unwrap_or_else(|| period_end(now, now, &prices[0]["recurring"]));
        let items: Vec<Value> = new
            .items
            .iter()
            .zip(prices)
            .map(|(item, price)| self.item_shape(&id, price, item.quantity, &item.metadata, (now, end)))
            .collect();
        let charged = new.collection_method == "charge_automatically";
        let status = if new.trial_end.is_some() {
            "trialing"
        } else if charged {
            "incomplete"
        } else {
            "active"
        };
        let cancel_at = new.cancel_at.or(new.cancel_at_period_end.then_some(end));
        json!({
            "id": id, "object": "subscription", "application": null, "application_fee_percent": null,
            "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
            "billing_cycle_anchor": new.trial_end.unwrap_or(now),
            "billing_cycle_anchor_config": null, "billing_mode": {"flexible": null, "type": "classic"}, "billing_schedules": [],
            "billing_thresholds": null, "cancel_at": cancel_at, "cancel_at_period_end": new.cancel_at_period_end, "canceled_at": null,
            "cancellation_details": {"comment": null, "feedback": null, "reason": null}, "collection_method": new.collection_method,
            "created": now, "currency": currency, "customer": new.customer, "customer_account": null, "days_until_due": new.days_until_due,
            "default_payment_method": new.default_payment_method, "default_source": null, "default_tax_rates": [],
            "description": new.description, "discounts": new.discounts, "ended_at": null,
            "invoice_settings": {"account_tax_ids": null, "custom_fields": null, "issuer": {"type": "self"}},
            "items": {"object": "list", "data": items, "has_more": false, "url": format!("/v1/subscription_items?subscription={id}")},
            "latest_invoice": null, "livemode": false, "metadata": new.metadata, "next_pending_invoice_item_invoice": null,
            "on_behalf_of": null, "pause_collection": null,
            "payment_settings": {"payment_method_options": null, "payment_method_types": null, "save_default_payment_method": "off"},
            "pending_invoice_item_interval": null, "pending_setup_intent": null, "pending_update": null, "schedule": null,
            "start_date": now,
            "status": status, "test_clock": null, "transfer_data": null, "trial_end": new.trial_end,
            "trial_settings": {"end_behavior": {"missing_payment_method": new.missing_payment_method}},
            "trial_start": new.trial_end.map(|_| now),
        })
    }

    pub(super) fn item_shape(&mut self, subscription: &str, price: &Value, quantity: i64, metadata: &Value, period: (i64, i64)) -> Value {
        json!({
            "id": self.new_id("si"), "object": "subscription_item", "billing_thresholds": null, "created": self.now,
            "current_period_start": period.0, "current_period_end": period.1, "discounts": [], "metadata": metadata,
            "plan": plan_of(price), "price": price, "quantity": quantity, "subscription": subscription, "tax_rates": [],
        })
    }
}

/// The period that a subscription is in: all its items share it.
pub(super) fn period_of(subscription: &Value) -> (i64, i64) {
    let item = &subscription["items"]["data"][0];
    (item.int("current_period_start"), item.int("current_period_end"))
}

pub(super) fn set_period(subscription: &mut Value, start: i64, end: i64) {
    for item in subscription["items"]["data"].as_array_mut().into_iter().flatten() {
        item["current_period_start"] = json!(start);
        item["current_period_end"] = json!(end);
    }
    if subscription.flag("cancel_at_period_end") {
        subscription["cancel_at"] = json!(end);
    }
}

/// A price in the words of Stripe's older API, which items still carry.
pub(super) fn plan_of(price: &Value) -> Value {
    let recurring = &price["recurring"];
    json!({
        "id": price["id"], "object": "plan", "active": price["active"], "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"], "billing_scheme": "per_unit", "created": price["created"],
        "currency": price["currency"], "interval": recurring["interval"], "interval_count": recurring["interval_count"], "livemode": false,
        "metadata": price["metadata"], "meter": null, "nickname": price["nickname"], "product": price["product"], "tiers_mode": null,
        "transform_usage": null, "trial_period_days": null, "usage_type": "licensed",
    })
}
