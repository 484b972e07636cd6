//! Invoices: drafted, finalised, paid or not, and what that makes of their subscription.

use serde_json::{Value, json};

use super::agenda::Due;
use super::{AfterRetries, Presence, World};
use crate::clock::{DAY, HOUR};
use crate::error::ApiError;
use crate::json::Fields;

impl World {
    /// A draft for a subscription, with a full period's lines if `renews`, and with everything that waits for it.
    pub(super) fn draft_for(&mut self, subscription: &str, reason: &str, renews: bool) -> String {
        let mut subscription = self.copy(subscription);
        let mut invoice = self.invoice_shape(subscription.text("customer"), subscription.text("currency"), reason);
        for name in ["collection_method", "default_payment_method"] {
            invoice[name] = subscription[name].clone();
        }
        if subscription.is_set("invoice_settings.custom_fields") {
            invoice["custom_fields"] = subscription["invoice_settings"]["custom_fields"].clone();
        }
        invoice["automatic_tax"]["enabled"] = subscription["automatic_tax"]["enabled"].clone();
        invoice["_days_until_due"] = subscription["days_until_due"].clone();
        invoice["parent"] = json!({"quote_details": null, "type": "subscription_details",
            "subscription_details": {"metadata": subscription["metadata"], "subscription": subscription["id"]}});
        invoice["_subscription"] = subscription["id"].clone();
        invoice["discounts"] = json!(self.take_discounts(&mut subscription));
        let item = &subscription["items"]["data"][0];
        let period = (item.int("current_period_start"), item.int("current_period_end"));
        // Stripe's invoice names the period that has passed; its lines name the one that is paid for.
        invoice["period_end"] = json!(self.now);
        invoice["period_start"] = json!(if reason == "subscription_cycle" { subscription.int("_previous_start") } else { self.now });
        let mut lines = self.pending_lines(&invoice, Some(subscription.id()));
        if renews {
            lines.extend(self.renewal_lines(&invoice, &subscription, period));
        }
        subscription["latest_invoice"] = invoice["id"].clone();
        let id = invoice.id().to_owned();
        self.store_draft(invoice, lines);
        self.save_changed("customer.subscription.updated", subscription);
        id
    }

    /// Stores a new draft and announces it.
    pub fn store_draft(&mut self, mut invoice: Value, lines: Vec<Value>) {
        invoice["lines"]["data"] = json!(lines);
        let id = invoice.id().to_owned();
        invoice["lines"]["url"] = json!(format!("/v1/invoices/{id}/lines"));
        self.sum(&mut invoice);
        if invoice.flag("auto_advance") {
            invoice["automatically_finalizes_at"] = json!(self.now + HOUR);
            self.remind(self.now + HOUR, Due::InvoiceFinalizes(id));
        }
        self.store.put(invoice.clone());
        self.emit("invoice.created", &invoice);
    }

    /// Whether every endpoint has answered 2xx to this invoice's `invoice.created`.
    pub(super) fn creation_was_heard(&self, invoice: &Value) -> bool {
        let same = |it: &&Value| it.text("type") == "invoice.created" && it.text("data.object.id") == invoice.id();
        let created = self.store.all("event").rev().take_while(|it| it.int("created") >= invoice.int("created")).find(same);
        created.is_none_or(|it| self.outbox.is_delivered(it.id()))
    }

    /// Makes a draft payable. One of nothing, or of less than nothing, is paid by that.
    pub fn finalize(&mut self, id: &str) {
        let mut invoice = self.copy(id);
        if invoice.status() != "draft" {
            return;
        }
        self.sum(&mut invoice);
        let mut customer = self.copy(invoice.text("customer"));
        invoice["number"] = json!(format!("{}-{:04}", customer.text("invoice_prefix"), customer.int("next_invoice_sequence")));
        customer["next_invoice_sequence"] = json!(customer.int("next_invoice_sequence") + 1);
        let balance = customer.int("balance");
        // Credit is used up to the total; a negative total becomes credit.
        let ending = (balance + invoice.int("total")).min(0);
        invoice["starting_balance"] = json!(balance);
        invoice["ending_balance"] = json!(ending);
        customer["balance"] = json!(ending);
        self.store.put(customer);
        self.sum(&mut invoice);
        invoice["status"] = json!("open");
        invoice["status_transitions"]["finalized_at"] = json!(self.now);
        invoice["effective_at"] = json!(self.now);
        invoice["automatically_finalizes_at"] = Value::Null;
        invoice["hosted_invoice_url"] = json!(format!("{}/invoice/{id}", self.base_url));
        invoice["invoice_pdf"] = json!(format!("{}/invoice/{id}/pdf", self.base_url));
        self.set_due_date(&mut invoice);
        self.store.put(invoice.clone());
        if invoice.int("amount_due") > 0 {
            self.open_payment(&invoice);
        }
        self.emit("invoice.finalized", &invoice);
        if invoice.int("amount_due") == 0 {
            self.mark_paid(id, false);
        } else if invoice.text("collection_method") == "send_invoice" {
            self.emit("invoice.sent", &invoice);
        }
    }

    fn set_due_date(&mut self, invoice: &mut Value) {
        if invoice.text("collection_method") != "send_invoice" || invoice.is_set("due_date") {
            return;
        }
        let due = self.now + invoice.int("_days_until_due") * DAY;
        invoice["due_date"] = json!(due);
        self.remind(due, Due::InvoiceOverdue(invoice.id().to_owned()));
    }

    /// Charges an open invoice if it is to be charged automatically.
    pub(super) fn collect(&mut self, id: &str) {
        let invoice = self.copy(id);
        if invoice.status() == "open" && invoice.text("collection_method") == "charge_automatically" {
            // A failure has had its effects by then, and nobody waits for its error.
            drop(self.pay(id, None, Presence::OffSession));
        }
    }

    pub(super) fn mark_paid(&mut self, id: &str, out_of_band: bool) {
        let mut invoice = self.copy(id);
        let amount = invoice.int("amount_due");
        invoice["status"] = json!("paid");
        invoice["attempted"] = json!(true);
        invoice["auto_advance"] = json!(false);
        invoice["amount_paid"] = json!(if out_of_band { 0 } else { amount });
        invoice["amount_paid_off_stripe"] = json!(if out_of_band { amount } else { 0 });
        invoice["amount_remaining"] = json!(0);
        invoice["next_payment_attempt"] = Value::Null;
        invoice["status_transitions"]["paid_at"] = json!(self.now);
        self.store.put(invoice.clone());
        self.emit("invoice.paid", &invoice);
        if amount > 0 {
            self.emit("invoice.payment_succeeded", &invoice);
        }
        self.subscription_was_paid(&invoice);
    }

    /// After a failed attempt: when the next is, or that there is none.
    pub(super) fn note_failure(&mut self, id: &str) {
        let mut invoice = self.copy(id);
        if invoice.text("collection_method") == "send_invoice" {
            // There is time until it is due, however often somebody tries to pay before.
            self.emit("invoice.payment_failed", &invoice);
            return;
        }
        let first = self.copy(invoice.text("_subscription")).status() == "incomplete";
        let attempts = usize::try_from(invoice.int("attempt_count")).unwrap_or_default();
        let wait = self.rules.retry_days.get(attempts.saturating_sub(1)).copied();
        // The first invoice of a subscription is not retried: the subscription expires with it.
        let next = wait.filter(|_| !first && invoice.flag("auto_advance")).map(|days| self.now + days * DAY);
        invoice["next_payment_attempt"] = json!(next);
        self.store.put(invoice.clone());
        self.emit("invoice.payment_failed", &invoice);
        match next {
            Some(at) => self.remind(at, Due::InvoiceRetry(id.to_owned())),
            None if !first => return self.give_up(id),
            None => {}
        }
        self.subscription_is_behind(&invoice);
    }

    pub(super) fn retry(&mut self, id: &str) {
        let invoice = self.copy(id);
        if invoice.status() == "open" && invoice.int("next_payment_attempt") <= self.now && invoice.is_set("next_payment_attempt") {
            self.collect(id);
        }
    }

    /// An invoice by mail was not paid by its date.
    pub(super) fn overdue(&mut self, id: &str) {
        let invoice = self.copy(id);
        if invoice.status() != "open" {
            return;
        }
        self.emit("invoice.overdue", &invoice);
        self.subscription_is_behind(&invoice);
        self.remind(self.now + self.rules.overdue_days * DAY, Due::InvoiceGivenUp(id.to_owned()));
    }

    /// No attempt is left.
    pub(super) fn give_up(&mut self, id: &str) {
        let mut invoice = self.copy(id);
        if invoice.status() != "open" {
            return;
        }
        self.subscription_is_behind(&invoice);
        invoice["auto_advance"] = json!(false);
        self.save_changed("invoice.updated", invoice.clone());
        let subscription = self.copy(invoice.text("_subscription"));
        if subscription.status() != "past_due" {
            return;
        }
        match self.rules.after_retries {
            AfterRetries::Unpaid => self.set_status(subscription.id(), "unpaid", "customer.subscription.updated"),
            AfterRetries::Cancel => self.end(subscription.id(), "payment_failed"),
            AfterRetries::LeavePastDue => {}
        }
    }

    /// `void` and `mark_uncollectible`.
    pub fn close_invoice(&mut self, id: &str, status: &str) -> Result<(), ApiError> {
        let mut invoice = self.object("invoice", id)?.clone();
        let may = invoice.status() == "open" || (status == "void" && invoice.status() == "uncollectible");
        if !may {
            let message = format!("Invoice {id} is {}; only an open one can become {status}.", invoice.status());
            return Err(ApiError::invalid(message).code("invoice_not_editable"));
        }
        invoice["status"] = json!(status);
        invoice["auto_advance"] = json!(false);
        invoice["next_payment_attempt"] = Value::Null;
        let (event, stamp) =
            if status == "void" { ("invoice.voided", "voided_at") } else { ("invoice.marked_uncollectible", "marked_uncollectible_at") };
        invoice["status_transitions"][stamp] = json!(self.now);
        self.store.put(invoice.clone());
        self.emit(event, &invoice);
        self.cancel_payment(&invoice);
        // What stands in the way of the subscription is gone.
        self.subscription_was_paid(&invoice);
        Ok(())
    }

    pub fn invoice_shape(&mut self, customer: &str, currency: &str, reason: &str) -> Value {
        let customer = self.copy(customer);
        let settings = &customer["invoice_settings"];
        json!({
            "id": self.new_id("in"), "object": "invoice",
            "account_country": "DE", "account_name": "Simulated account", "account_tax_ids": null,
            "amount_due": 0, "amount_overpaid": 0, "amount_paid": 0, "amount_paid_off_stripe": 0, "amount_remaining": 0,
            "amount_shipping": 0,
            "application": null, "attempt_count": 0, "attempted": false, "auto_advance": true,
            "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null},
            "automatically_finalizes_at": null, "billing_reason": reason, "collection_method": "charge_automatically",
            "created": self.now, "currency": currency, "custom_fields": settings["custom_fields"],
            "customer": customer["id"], "customer_address": customer["address"], "customer_email": customer["email"],
            "customer_name": customer["name"], "customer_phone": customer["phone"], "customer_shipping": null,
            "customer_tax_exempt": customer["tax_exempt"], "customer_tax_ids": self.tax_ids_on_invoice(customer.id()),
            "default_payment_method": null, "default_source": null, "default_tax_rates": [], "description": null, "discounts": [],
            "due_date": null, "effective_at": null, "ending_balance": null, "footer": settings["footer"], "from_invoice": null,
            "hosted_invoice_url": null, "invoice_pdf": null, "issuer": {"type": "self"}, "last_finalization_error": null,
            "latest_revision": null, "lines": {"object": "list", "data": [], "has_more": false, "url": ""}, "livemode": false,
            "metadata": {},
            "next_payment_attempt": null, "number": null, "on_behalf_of": null, "parent": null,
            "payment_settings": {"default_mandate": null, "payment_method_options": null, "payment_method_types": null},
            "period_end": self.now, "period_start": self.now, "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0,
            "receipt_number": null, "rendering": null, "shipping_cost": null, "shipping_details": null, "starting_balance": 0,
            "statement_descriptor": null, "status": "draft",
            "status_transitions": {"finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null},
            "_subscription": null, "_days_until_due": null, "subtotal": 0, "subtotal_excluding_tax": 0, "test_clock": null,
            "total": 0, "total_discount_amounts": [],
            "total_excluding_tax": 0, "total_pretax_credit_amounts": [], "total_taxes": [], "webhooks_delivered_at": null,
        })
    }

    fn tax_ids_on_invoice(&self, customer: &str) -> Vec<Value> {
        self.store.of_customer("tax_id", customer).map(|it| json!({"type": it["type"], "value": it["value"]})).collect()
    }
}
