//! Checkout Sessions: made by the account, paid by the customer on a page, or left to expire.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{NewItem, NewSubscription, Presence, Verdict, World};
use crate::clock::DAY;
use crate::error::ApiError;
use crate::json::Fields;

/// What a customer types into the page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Payment {
    /// A card's number or an IBAN; none where nothing is to be paid today and none is asked for.
    pub method: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub country: Option<String>,
    pub code: Option<String>,
    /// A European VAT number, where the session asks for one.
    pub tax_id: Option<String>,
    /// The customer confirmed the payment with their bank.
    pub authenticated: bool,
}

impl World {
    /// What is due today, and what each renewal is.
    pub fn session_amounts(&self, session: &Value, coupon: Option<&Value>) -> (i64, i64) {
        let lines = session.list("_line_items");
        let amounts = lines.iter().map(|it| self.copy(it.text("price")).int("unit_amount") * it.int("quantity"));
        let renewal: i64 = amounts.sum();
        let reduced = renewal - coupon.map_or(0, |it| self.reduction(it, renewal, session.text("currency")));
        let later = if coupon.is_some_and(|it| it.text("duration") == "once") { renewal } else { reduced };
        let trial = session.is_set("_subscription_data.trial");
        (if trial { 0 } else { reduced }, later)
    }

    pub fn session_coupon(&self, session: &Value, code: Option<&str>) -> Result<Option<(Value, Option<String>)>, ApiError> {
        if let Some(code) = code {
            return self.coupon_of_code(code).map(|(coupon, promotion)| Some((coupon, Some(promotion))));
        }
        let given = session.list("_discounts").first();
        Ok(given.map(|it| (self.copy(it.text("coupon")), it["promotion_code"].as_str().map(str::to_owned))))
    }

    /// The customer presses the button. A decline leaves the session open.
    pub fn complete(&mut self, id: &str, payment: &Payment) -> Result<(), ApiError> {
        let session = self.object("checkout.session", id)?.clone();
        if session.status() != "open" {
            return Err(ApiError::invalid(format!("This Checkout Session is {} and can't be paid.", session.status())));
        }
        let coupon = self.session_coupon(&session, payment.code.as_deref())?;
        let (today, _) = self.session_amounts(&session, coupon.as_ref().map(|(it, _)| it));
        let asks = today > 0 || session.text("payment_method_collection") != "if_required";
        if asks && payment.method.is_none() {
            return Err(ApiError::missing("method"));
        }
        let method = payment.method.as_deref().map(|it| self.new_payment_method(it, billing_details(payment))).transpose()?;
        if let Some(method) = &method {
            self.confirm(method, payment, today)?;
        }
        let customer = self.session_customer(&session, payment);
        if let Some(method) = &method {
            self.attach(method.id(), &customer)?;
        }
        if let (Some(number), true) = (&payment.tax_id, session.flag("tax_id_collection.enabled")) {
            self.add_tax_id(&customer, "eu_vat", number)?;
        }
        let discounts = match coupon {
            Some((coupon, code)) => vec![self.discount(coupon.id(), code.as_deref(), &customer)?],
            None => Vec::new(),
        };
        let new = self.session_subscription(&session, &customer, method.as_ref().map(|it| it.id().to_owned()), discounts);
        let subscription = self.subscribe(new)?;
        self.close_session(session, &subscription, &customer, payment);
        Ok(())
    }

    /// Declines, and asks for confirmation, before anything is made.
    fn confirm(&mut self, method: &Value, payment: &Payment, today: i64) -> Result<(), ApiError> {
        use super::Instrument::{AuthenticateAlways, AuthenticateOnce, DeclinedAtOnce};
        let own = self.wallet.get(method.id()).copied();
        let planned = self.outcomes.front().copied();
        let asks = |it: Option<super::Instrument>| matches!(it, Some(AuthenticateOnce | AuthenticateAlways));
        if (asks(own) || asks(planned)) && !payment.authenticated {
            return Err(super::methods::decline(AuthenticateOnce));
        }
        if own == Some(DeclinedAtOnce) {
            return Err(super::methods::decline(DeclinedAtOnce));
        }
        // A trial's card is checked, not charged.
        if today > 0
            && let Verdict::Failed(error) = self.judge(method.id(), Presence::OnSession)
        {
            self.outcomes.pop_front();
            return Err(error);
        }
        Ok(())
    }

    fn session_customer(&mut self, session: &Value, payment: &Payment) -> String {
        if session.is_set("customer") {
            self.told_by_customer(session, payment);
            return session.text("customer").to_owned();
        }
        let email = payment.email.clone().or_else(|| session["customer_email"].as_str().map(str::to_owned));
        let mut customer = self.customer_shape();
        customer["email"] = json!(email);
        customer["name"] = json!(payment.name);
        if let Some(country) = &payment.country {
            customer["address"] = address_in(country);
        }
        self.store.put(customer.clone());
        self.emit("customer.created", &customer);
        customer.id().to_owned()
    }

    /// `customer_update`: what is typed becomes the customer's where the session says so.
    fn told_by_customer(&mut self, session: &Value, payment: &Payment) {
        let mut customer = self.copy(session.text("customer"));
        let update = &session["_customer_update"];
        if let (Some(name), "auto") = (&payment.name, update.text("name")) {
            customer["name"] = json!(name);
        }
        if let (Some(country), "auto") = (&payment.country, update.text("address")) {
            customer["address"] = address_in(country);
        }
        self.save_changed("customer.updated", customer);
    }

    fn session_subscription(&self, session: &Value, customer: &str, method: Option<String>, discounts: Vec<String>) -> NewSubscription {
        let data = &session["_subscription_data"];
        let items = session.list("_line_items").iter();
        let items =
            items.map(|it| NewItem { price: it.text("price").to_owned(), quantity: it.int("quantity"), metadata: json!({}) }).collect();
        let trial = data["trial"].as_object().map(|it| match (it.get("days"), it.get("end")) {
            (Some(days), _) => self.now + days.as_i64().unwrap_or_default() * DAY,
            (_, end) => end.and_then(Value::as_i64).unwrap_or(self.now),
        });
        let missing = Some(data.text("missing_payment_method")).filter(|it| !it.is_empty()).unwrap_or("create_invoice");
        NewSubscription {
            customer: customer.to_owned(),
            items,
            trial_end: trial,
            missing_payment_method: missing.to_owned(),
            collection_method: "charge_automatically".to_owned(),
            days_until_due: None,
            default_payment_method: method,
            payment_behavior: "allow_incomplete".to_owned(),
            presence: Presence::OnSession,
            cancel_at: None,
            cancel_at_period_end: false,
            discounts,
            description: data["description"].as_str().map(str::to_owned),
            members: Vec::new(),
            metadata: if data["metadata"].is_object() { data["metadata"].clone() } else { json!({}) },
        }
    }

    fn close_session(&mut self, mut session: Value, subscription: &str, customer: &str, payment: &Payment) {
        let subscription = self.copy(subscription);
        let invoice = self.copy(subscription.text("latest_invoice"));
        let paid = match invoice.status() {
            _ if invoice.int("amount_due") == 0 => "no_payment_required",
            "paid" => "paid",
            _ => "unpaid",
        };
        session["status"] = json!("complete");
        session["payment_status"] = json!(paid);
        session["customer"] = json!(customer);
        session["subscription"] = subscription["id"].clone();
        session["invoice"] = invoice["id"].clone();
        session["amount_total"] = invoice["total"].clone();
        session["url"] = Value::Null;
        let person = self.copy(customer);
        let email = payment.email.as_ref().map_or(person["email"].clone(), |it| json!(it));
        session["customer_details"] = json!({"address": person["address"], "business_name": null, "email": email, "individual_name": null,
            "name": person["name"], "phone": null, "tax_exempt": "none", "tax_ids": []});
        self.store.put(session.clone());
        self.emit("checkout.session.completed", &session);
    }

    /// A bank debit of the invoice that a session made came through, or not.
    pub(super) fn session_settled(&mut self, invoice: &str, came: bool) {
        let customer = self.copy(invoice).text("customer").to_owned();
        let found = self.store.of_customer("checkout.session", &customer).find(|it| it.text("invoice") == invoice).cloned();
        let Some(mut session) = found else { return };
        if came {
            session["payment_status"] = json!("paid");
            self.store.put(session.clone());
        }
        let event = if came { "checkout.session.async_payment_succeeded" } else { "checkout.session.async_payment_failed" };
        self.emit(event, &session);
    }

    pub fn expire_session(&mut self, id: &str) -> Result<(), ApiError> {
        let mut session = self.object("checkout.session", id)?.clone();
        if session.status() != "open" {
            let message = format!("Only Checkout Sessions with a status in [\"open\"] can be expired. This one is {}.", session.status());
            return Err(ApiError::invalid(message));
        }
        session["status"] = json!("expired");
        session["url"] = Value::Null;
        self.store.put(session.clone());
        self.emit("checkout.session.expired", &session);
        Ok(())
    }

    pub(super) fn session_expires(&mut self, id: &str) {
        // One that is complete by now refuses, and is meant to.
        drop(self.expire_session(id));
    }
}

fn address_in(country: &str) -> Value {
    json!({"city": null, "country": country, "line1": null, "line2": null, "postal_code": null, "state": null})
}

fn billing_details(payment: &Payment) -> Value {
    let country = &payment.country;
    json!({"address": {"city": null, "country": country, "line1": null, "line2": null, "postal_code": null, "state": null},
        "email": payment.email, "name": payment.name, "phone": null, "tax_id": null})
}
