//! Payment methods, and how Stripe's test cards and test bank accounts behave. <https://docs.stripe.com/testing>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use crate::error::ApiError;
use crate::json::Fields;

/// What a charge with it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instrument {
    Good,
    /// Can't even be attached to a customer.
    DeclinedAtOnce,
    Declined,
    InsufficientFunds,
    Expired,
    /// The customer confirms once, while they set it up; later charges go through.
    AuthenticateOnce,
    /// The customer confirms each charge.
    AuthenticateAlways,
    /// Goes through, and is disputed.
    Disputed,
    BankGood,
    BankFails,
}

const CARDS: [(&str, &str, Instrument); 11] = [
    ("4242424242424242", "pm_card_visa", Instrument::Good),
    ("5555555555554444", "pm_card_mastercard", Instrument::Good),
    ("4000000000000002", "pm_card_chargeDeclined", Instrument::DeclinedAtOnce),
    ("4000000000009995", "pm_card_chargeDeclinedInsufficientFunds", Instrument::InsufficientFunds),
    ("4000000000000069", "pm_card_chargeDeclinedExpiredCard", Instrument::Expired),
    ("4000000000000341", "pm_card_chargeCustomerFail", Instrument::Declined),
    ("4000002500003155", "pm_card_authenticationRequiredOnSetup", Instrument::AuthenticateOnce),
    ("4000002760003184", "pm_card_authenticationRequired", Instrument::AuthenticateAlways),
    ("4000000000000259", "pm_card_createDispute", Instrument::Disputed),
    ("DE89370400440532013000", "pm_success_de", Instrument::BankGood),
    ("DE62370400440532013001", "pm_failed_de", Instrument::BankFails),
];

/// The test card number, IBAN or ready-made payment method, without its spaces.
pub fn instrument(typed: &str) -> Option<(&'static str, Instrument)> {
    let typed: String = typed.chars().filter(|it| !it.is_whitespace()).collect();
    let found = CARDS.iter().find(|(number, ready_made, _)| number.eq_ignore_ascii_case(&typed) || *ready_made == typed);
    found.map(|(number, _, instrument)| (*number, *instrument))
}

impl World {
    /// A payment method that belongs to nobody yet. `typed` is what [`instrument`] knows.
    pub fn new_payment_method(&mut self, typed: &str, details: Value) -> Result<Value, ApiError> {
        let (number, instrument) = instrument(typed).ok_or_else(|| {
            let message = "Your card number is incorrect. Only Stripe's test cards and test IBANs work here.";
            ApiError::card("incorrect_number", None, message).named("number")
        })?;
        let last4 = &number[number.len() - 4..];
        let mut method = json!({
            "id": self.new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {"address": null, "email": null, "name": null, "phone": null, "tax_id": null},
            "created": self.now,
            "customer": null,
            "livemode": false,
            "metadata": {},
        });
        if details.is_object() {
            method["billing_details"] = details;
        }
        if is_bank(instrument) {
            method["type"] = json!("sepa_debit");
            method["sepa_debit"] = json!({"bank_code": "37040044", "branch_code": "", "country": "DE", "fingerprint": number,
                "generated_from": null, "last4": last4});
        } else {
            let brand = if number.starts_with('5') { "mastercard" } else { "visa" };
            method["type"] = json!("card");
            method["card"] = json!({"brand": brand, "checks": null, "country": "DE", "display_brand": brand, "exp_month": 12,
            "exp_year": 2034,
                "fingerprint": number, "funding": "credit", "generated_from": null, "last4": last4, "networks": null,
                "three_d_secure_usage": {"supported": true}, "wallet": null});
        }
        self.wallet.insert(method.id().to_owned(), instrument);
        self.store.put(method.clone());
        Ok(method)
    }

    pub fn attach(&mut self, method: &str, customer: &str) -> Result<Value, ApiError> {
        // Stripe's ready-made methods stand for a new one each time.
        let mut object = match self.store.get("payment_method", method) {
            Some(object) => object.clone(),
            None if instrument(method).is_some() => self.new_payment_method(method, Value::Null)?,
            None => return Err(ApiError::no_such("PaymentMethod", method, "payment_method")),
        };
        if self.wallet.get(object.id()) == Some(&Instrument::DeclinedAtOnce) {
            return Err(decline(Instrument::Declined));
        }
        object["customer"] = json!(customer);
        self.store.put(object.clone());
        self.emit("payment_method.attached", &object);
        Ok(object)
    }

    pub fn detach(&mut self, method: &str) -> Result<Value, ApiError> {
        let mut object = self.object_for("payment_method", method, "payment_method")?.clone();
        let mut customer = self.copy(object.text("customer"));
        object["customer"] = Value::Null;
        self.store.put(object.clone());
        self.emit("payment_method.detached", &object);
        if customer.text("invoice_settings.default_payment_method") == method {
            customer["invoice_settings"]["default_payment_method"] = Value::Null;
            self.save_changed("customer.updated", customer);
        }
        Ok(object)
    }

    pub fn make_default(&mut self, method: &str, customer: &str) {
        let mut object = self.copy(customer);
        object["invoice_settings"]["default_payment_method"] = json!(method);
        self.save_changed("customer.updated", object);
    }

    /// What an invoice or subscription would be paid with.
    pub fn default_method(&self, customer: &str, subscription: Option<&Value>) -> Option<String> {
        let own = subscription.map(|it| it.text("default_payment_method")).unwrap_or_default();
        let customers = self.store.find(customer).map(|it| it.text("invoice_settings.default_payment_method")).unwrap_or_default();
        let attached = |it: &&str| self.store.get("payment_method", it).is_some_and(|method| method.text("customer") == customer);
        [own, customers].into_iter().find(attached).map(str::to_owned)
    }
}

pub fn is_bank(instrument: Instrument) -> bool {
    matches!(instrument, Instrument::BankGood | Instrument::BankFails)
}

/// The error of a charge that does not go through.
pub fn decline(instrument: Instrument) -> ApiError {
    match instrument {
        Instrument::InsufficientFunds => ApiError::card("card_declined", Some("insufficient_funds"), "Your card has insufficient funds."),
        Instrument::Expired => ApiError::card("expired_card", Some("expired_card"), "Your card has expired."),
        Instrument::AuthenticateOnce | Instrument::AuthenticateAlways => {
            let message = "Your card was declined. This transaction requires authentication.";
            ApiError::card("authentication_required", Some("authentication_required"), message)
        }
        Instrument::BankFails => ApiError::card("payment_method_provider_decline", None, "The debit was returned by the bank."),
        _ => ApiError::card("card_declined", Some("generic_decline"), "Your card was declined."),
    }
}
