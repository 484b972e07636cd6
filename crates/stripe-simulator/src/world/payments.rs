//! Payments of invoices: payment intents, charges, and bank debits that take days.

use serde_json::{Value, json};

use super::World;
use super::agenda::Due;
use super::methods::{Instrument, decline, is_bank};
use crate::clock::DAY;
use crate::error::ApiError;
use crate::json::Fields;

/// Whether the customer is there to confirm a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    OnSession,
    OffSession,
}

/// What a charge comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Paid {
        disputed: bool,
    },
    /// A bank debit is on its way.
    Processing,
    Failed(ApiError),
}

impl World {
    /// What a charge with this method would come to now; changes nothing.
    pub fn judge(&self, method: &str, presence: Presence) -> Verdict {
        let own = self.wallet.get(method).copied().unwrap_or(Instrument::Good);
        // A planned outcome speaks of cards and banks alike; a bank debit's comes when it settles.
        let instrument = match self.outcomes.front() {
            Some(planned) if !is_bank(own) => *planned,
            _ => own,
        };
        match instrument {
            Instrument::Good | Instrument::AuthenticateOnce => Verdict::Paid { disputed: false },
            Instrument::AuthenticateAlways if presence == Presence::OnSession => Verdict::Paid { disputed: false },
            Instrument::Disputed => Verdict::Paid { disputed: true },
            Instrument::BankGood | Instrument::BankFails => Verdict::Processing,
            failing => Verdict::Failed(decline(failing)),
        }
    }

    /// An open invoice's payment intent, which waits for a method.
    pub(super) fn open_payment(&mut self, invoice: &Value) {
        let intent = self.new_intent(invoice);
        let payment = json!({
            "id": self.new_id("inpay"), "object": "invoice_payment", "amount_paid": null, "amount_requested": invoice["amount_due"],
            "created": self.now, "currency": invoice["currency"], "invoice": invoice["id"], "is_default": true, "livemode": false,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"}, "status": "open",
            "status_transitions": {"canceled_at": null, "paid_at": null},
            // Not Stripe's: finds an invoice's payments among its customer's objects.
            "customer": invoice["customer"],
        });
        self.emit("payment_intent.created", &intent);
        self.store.put(intent);
        self.store.put(payment);
    }

    fn new_intent(&mut self, invoice: &Value) -> Value {
        let id = self.new_id("pi");
        json!({
            "id": id, "object": "payment_intent", "amount": invoice["amount_due"], "amount_capturable": 0, "amount_received": 0,
            "application": null, "application_fee_amount": null, "automatic_payment_methods": null, "canceled_at": null,
            "cancellation_reason": null, "capture_method": "automatic", "client_secret": format!("{id}_secret_{}", self.dice.word(24)),
            "confirmation_method": "automatic", "created": self.now, "currency": invoice["currency"], "customer": invoice["customer"],
            "description": null, "excluded_payment_method_types": null, "last_payment_error": null, "latest_charge": null,
            "livemode": false,
            "metadata": {}, "next_action": null, "on_behalf_of": null, "payment_method": null, "payment_method_configuration_details": null,
            "payment_method_options": {}, "payment_method_types": ["card", "sepa_debit"], "processing": null, "receipt_email": null,
            "review": null, "setup_future_usage": "off_session", "shipping": null, "source": null, "statement_descriptor": null,
            "statement_descriptor_suffix": null, "status": "requires_payment_method", "transfer_data": null, "transfer_group": null,
        })
    }

    pub fn payments_of<'a>(&'a self, invoice: &'a Value) -> impl Iterator<Item = &'a Value> {
        self.store.of_customer("invoice_payment", invoice.text("customer")).filter(|it| it["invoice"] == invoice["id"])
    }

    fn intent_of(&self, invoice: &Value) -> Value {
        let payment = self.payments_of(invoice).last().map(|it| it.text("payment.payment_intent").to_owned()).unwrap_or_default();
        self.copy(&payment)
    }

    /// Tries to pay an open invoice. The error is that of a decline, which has had its effects by then.
    pub fn pay(&mut self, id: &str, method: Option<&str>, presence: Presence) -> Result<(), ApiError> {
        let mut invoice = self.object("invoice", id)?.clone();
        if invoice.status() != "open" {
            let message = if invoice.status() == "paid" {
                "Invoice is already paid".to_owned()
            } else {
                format!("Invoice {id} is {}.", invoice.status())
            };
            return Err(ApiError::invalid(message).code("invoice_not_open"));
        }
        let intent = self.intent_of(&invoice);
        if intent.status() == "processing" {
            return Err(ApiError::invalid("A bank debit for this invoice is being processed.").code("payment_intent_unexpected_state"));
        }
        let subscription = self.store.find(invoice.text("_subscription")).cloned();
        let chosen = method.map(str::to_owned).or_else(|| self.default_method(invoice.text("customer"), subscription.as_ref()));
        invoice["attempted"] = json!(true);
        invoice["attempt_count"] = json!(invoice.int("attempt_count") + 1);
        self.store.put(invoice.clone());
        let Some(method) = chosen else {
            self.note_failure(id);
            return Err(
                ApiError::invalid("This customer has no attached payment source or default payment method.").code("resource_missing")
            );
        };
        let verdict = self.judge(&method, presence);
        if !self.wallet.get(&method).copied().is_some_and(is_bank) {
            self.outcomes.pop_front();
        }
        self.carry_out(&invoice, intent, &method, verdict)
    }

    fn carry_out(&mut self, invoice: &Value, mut intent: Value, method: &str, verdict: Verdict) -> Result<(), ApiError> {
        intent["payment_method"] = json!(method);
        match verdict {
            Verdict::Paid { disputed } => {
                self.succeed(intent);
                self.mark_paid(invoice.id(), false);
                if disputed {
                    let charge = self.intent_of(invoice).text("latest_charge").to_owned();
                    self.dispute(&charge, "fraudulent")?;
                }
                Ok(())
            }
            Verdict::Processing => {
                intent["status"] = json!("processing");
                let id = intent.id().to_owned();
                self.store.put(intent.clone());
                self.emit("payment_intent.processing", &intent);
                self.remind(self.now + self.rules.bank_debit_days * DAY, Due::BankDebitSettles(id));
                self.subscription_is_being_paid(invoice);
                Ok(())
            }
            Verdict::Failed(error) => {
                let intent = self.fail(intent, &error);
                if error.code == Some("authentication_required") {
                    self.emit("invoice.payment_action_required", invoice);
                }
                self.note_failure(invoice.id());
                Err(error.of("invoice").about(intent))
            }
        }
    }

    fn succeed(&mut self, mut intent: Value) {
        let charge = self.new_charge(&intent, None);
        intent["status"] = json!("succeeded");
        intent["amount_received"] = intent["amount"].clone();
        intent["latest_charge"] = charge["id"].clone();
        intent["last_payment_error"] = Value::Null;
        intent["next_action"] = Value::Null;
        self.store.put(intent.clone());
        self.set_payment(&intent, "paid", "paid_at");
        self.emit("charge.succeeded", &charge);
        self.emit("payment_intent.succeeded", &intent);
    }

    fn fail(&mut self, mut intent: Value, error: &ApiError) -> Value {
        let charge = self.new_charge(&intent, Some(error));
        let needs_customer = error.code == Some("authentication_required");
        intent["status"] = json!(if needs_customer { "requires_action" } else { "requires_payment_method" });
        intent["latest_charge"] = charge["id"].clone();
        intent["last_payment_error"] = error.body()["error"].clone();
        if needs_customer {
            intent["next_action"] = json!({"type": "use_stripe_sdk", "use_stripe_sdk": {}});
        }
        self.store.put(intent.clone());
        self.emit("charge.failed", &charge);
        self.emit("payment_intent.payment_failed", &intent);
        intent
    }

    fn new_charge(&mut self, intent: &Value, error: Option<&ApiError>) -> Value {
        let paid = error.is_none();
        let method = self.copy(intent.text("payment_method"));
        let kind = method.text("type");
        let amount = intent.int("amount");
        let charge = json!({
            "id": self.new_id("ch"), "object": "charge", "amount": amount, "amount_captured": if paid { amount } else { 0 },
            "amount_refunded": 0, "application": null, "application_fee": null, "application_fee_amount": null,
            "balance_transaction": null, "billing_details": method["billing_details"], "calculated_statement_descriptor": null,
            "captured": paid, "created": self.now, "currency": intent["currency"], "customer": intent["customer"], "description": null,
            "disputed": false, "failure_balance_transaction": null, "failure_code": error.and_then(|it| it.code),
            "failure_message": error.map(|it| it.message.clone()), "fraud_details": {}, "livemode": false, "metadata": {},
            "on_behalf_of": null, "outcome": null, "paid": paid, "payment_intent": intent["id"], "payment_method": intent["payment_method"],
            "payment_method_details": {"type": kind}, "receipt_email": null, "receipt_number": null, "receipt_url": null, "refunded": false,
            "review": null, "shipping": null, "source": null, "source_transfer": null, "statement_descriptor": null,
            "statement_descriptor_suffix": null, "status": if paid { "succeeded" } else { "failed" }, "transfer_data": null,
            "transfer_group": null,
        });
        self.store.put(charge.clone());
        charge
    }

    fn set_payment(&mut self, intent: &Value, status: &str, stamp: &str) {
        let same = |it: &&Value| it["payment"]["payment_intent"] == intent["id"];
        let Some(mut payment) = self.store.of_customer("invoice_payment", intent.text("customer")).find(same).cloned() else { return };
        payment["status"] = json!(status);
        payment["status_transitions"][stamp] = json!(self.now);
        if status == "paid" {
            payment["amount_paid"] = payment["amount_requested"].clone();
            self.emit("invoice_payment.paid", &payment);
        }
        self.store.put(payment);
    }

    pub(super) fn cancel_payment(&mut self, invoice: &Value) {
        let mut intent = self.intent_of(invoice);
        if intent.is_null() || intent.status() == "succeeded" {
            return;
        }
        intent["status"] = json!("canceled");
        intent["canceled_at"] = json!(self.now);
        self.store.put(intent.clone());
        self.set_payment(&intent, "canceled", "canceled_at");
        self.emit("payment_intent.canceled", &intent);
    }

    /// Paid elsewhere, by transfer say: Stripe is only told.
    pub fn pay_out_of_band(&mut self, id: &str) -> Result<(), ApiError> {
        let invoice = self.object("invoice", id)?.clone();
        if !["open", "uncollectible"].contains(&invoice.status()) {
            return Err(
                ApiError::invalid(format!("Invoice {id} is {}; only an open one can be paid.", invoice.status())).code("invoice_not_open")
            );
        }
        self.cancel_payment(&invoice);
        self.mark_paid(id, true);
        Ok(())
    }

    pub(super) fn settle_bank_debit(&mut self, id: &str) {
        let intent = self.copy(id);
        if intent.status() != "processing" {
            return;
        }
        let payments = self.store.of_customer("invoice_payment", intent.text("customer"));
        let invoice = payments.rev().find(|it| it.text("payment.payment_intent") == id).map(|it| it.text("invoice").to_owned());
        let invoice = invoice.unwrap_or_default();
        let own = self.wallet.get(intent.text("payment_method")).copied().unwrap_or(Instrument::BankGood);
        let planned = self.outcomes.pop_front().unwrap_or(own);
        if [Instrument::BankGood, Instrument::Good].contains(&planned) {
            self.succeed(intent);
            self.mark_paid(&invoice, false);
            self.session_settled(&invoice, true);
        } else {
            self.fail(intent, &decline(Instrument::BankFails));
            self.note_failure(&invoice);
            self.session_settled(&invoice, false);
        }
    }
}
