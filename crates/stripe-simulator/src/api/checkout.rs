//! Checkout Sessions of `mode=subscription`.

use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Verb, nowhere};
use crate::clock::{DAY, HOUR};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::{Due, World};

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, &parts[1..]) {
        (Verb::Post, ["sessions"]) => create(world, form),
        (Verb::Get, ["sessions"]) => list(world, form),
        (Verb::Get, ["sessions", id]) => world.object("checkout.session", id).cloned(),
        (Verb::Post, ["sessions", id, "expire"]) => {
            form.only(&[])?;
            world.expire_session(id)?;
            world.object("checkout.session", id).cloned()
        }
        (Verb::Get, ["sessions", id, "line_items"]) => {
            world.object("checkout.session", id)?;
            page(form, &format!("/v1/checkout/sessions/{id}/line_items"), line_items(world, id).iter())
        }
        _ => nowhere(verb, parts),
    }
}

const MEMBERS: &[&str] = &[
    "mode",
    "line_items[][price]",
    "line_items[][quantity]",
    "customer",
    "customer_email",
    "client_reference_id",
    "success_url",
    "cancel_url",
    "metadata[*]",
    "expires_at",
    "locale",
    "payment_method_types[]",
    "payment_method_collection",
    "allow_promotion_codes",
    "discounts[][coupon]",
    "discounts[][promotion_code]",
    "billing_address_collection",
    "tax_id_collection[enabled]",
    "automatic_tax[enabled]",
    "currency",
    "customer_update[address]",
    "customer_update[name]",
    "customer_creation",
    "submit_type",
    "ui_mode",
    "consent_collection[terms_of_service]",
    "custom_text[submit][message]",
    "custom_text[after_submit][message]",
    "custom_text[terms_of_service_acceptance][message]",
    "subscription_data[metadata][*]",
    "subscription_data[description]",
    "subscription_data[trial_period_days]",
    "subscription_data[trial_end]",
    "subscription_data[trial_settings][end_behavior][missing_payment_method]",
    "subscription_data[billing_mode][type]",
];

fn create(world: &mut World, form: &Form) -> Answer {
    form.only(MEMBERS)?;
    form.choice("mode", &["subscription"])?;
    form.required("mode")?;
    form.choice("ui_mode", &["hosted", "hosted_page"])?;
    let success_url = form.required("success_url")?;
    let expires_at = form.integer("expires_at")?.unwrap_or(world.now + DAY);
    if !(world.now + HOUR / 2..=world.now + DAY).contains(&expires_at) {
        let message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.";
        return Err(ApiError::invalid(message).named("expires_at"));
    }
    let (items, currency) = items(world, form)?;
    if let Some(customer) = form.text("customer") {
        let customer = world.object_for("customer", customer, "customer")?;
        if customer.is_set("currency") && customer.text("currency") != currency {
            let message = format!(
                "You cannot combine currencies on a single customer. This customer has had a subscription with currency {}.",
                customer.text("currency")
            );
            return Err(ApiError::invalid(message).named("currency"));
        }
    }
    let id = format!("cs_test_{}", world.new_id("a").trim_start_matches("a_"));
    let mut session = shape(world, form, &id, success_url)?;
    session["currency"] = json!(currency);
    session["expires_at"] = json!(expires_at);
    session["_line_items"] = json!(items);
    session["_customer_update"] = form.value("customer_update").cloned().unwrap_or_default();
    session["_subscription_data"] = subscription_data(form)?;
    session["_discounts"] = json!(discounts(world, form)?);
    let coupon = world.session_coupon(&session, None)?.map(|(it, _)| it);
    let (today, _) = world.session_amounts(&session, coupon.as_ref());
    let (full, _) = world.session_amounts(&session, None);
    session["amount_subtotal"] = json!(full);
    session["amount_total"] = json!(today);
    session["total_details"] = json!({"amount_discount": full - today, "amount_shipping": 0, "amount_tax": 0});
    world.store.put(session.clone());
    world.remind(expires_at, Due::SessionExpires(id));
    Ok(session)
}

fn items(world: &mut World, form: &Form) -> Result<(Vec<Value>, String), ApiError> {
    let (mut items, mut currency) = (Vec::new(), String::new());
    for (at, item) in form.members("line_items").iter().enumerate() {
        let param = format!("line_items[{at}][price]");
        let price = world.object_for("price", item.required("price").map_err(|it| it.named(&param))?, &param)?.clone();
        if !price.flag("active") {
            return Err(ApiError::invalid(format!("The price specified is inactive: {}", price.id())).named(&param));
        }
        if !currency.is_empty() && currency != price.text("currency") {
            return Err(ApiError::invalid("All prices of a Checkout Session must have the same currency.").named(&param));
        }
        currency = price.text("currency").to_owned();
        items.push(json!({"id": world.new_id("li"), "price": price["id"], "quantity": item.quantity()?}));
    }
    if items.is_empty() {
        return Err(ApiError::missing("line_items"));
    }
    Ok((items, currency))
}

fn subscription_data(form: &Form) -> Answer {
    let trial = match (form.integer_in("subscription_data.trial_period_days", 1..=730)?, form.integer("subscription_data.trial_end")?) {
        (Some(days), _) => json!({"days": days}),
        (None, Some(end)) => json!({"end": end}),
        (None, None) => Value::Null,
    };
    Ok(json!({
        "description": form.text("subscription_data.description"),
        "metadata": form.metadata("subscription_data.metadata", &Value::Null),
        "missing_payment_method": form.text("subscription_data.trial_settings.end_behavior.missing_payment_method"),
        "trial": trial,
    }))
}

fn discounts(world: &World, form: &Form) -> Result<Vec<Value>, ApiError> {
    let mut discounts = Vec::new();
    for discount in form.members("discounts") {
        let (coupon, code) = super::subscriptions::coupon_of(world, &discount)?;
        world.object_for("coupon", &coupon, "discounts[0][coupon]")?;
        discounts.push(json!({"coupon": coupon, "promotion_code": code}));
    }
    Ok(discounts)
}

fn shape(world: &World, form: &Form, id: &str, success_url: &str) -> Answer {
    let types = form.texts("payment_method_types");
    let types = if types.is_empty() { vec!["card".to_owned(), "sepa_debit".to_owned()] } else { types };
    let message = |name: &str| form.text(&format!("custom_text.{name}.message")).map(|it| json!({"message": it}));
    Ok(json!({
        "id": id, "object": "checkout.session", "adaptive_pricing": null, "after_expiration": null,
        "allow_promotion_codes": form.flag("allow_promotion_codes")?, "amount_subtotal": null, "amount_total": null,
        "automatic_tax": {"enabled": form.flag("automatic_tax.enabled")?.unwrap_or(false), "liability": null, "provider": null,
        "status": null},
        "billing_address_collection": form.text("billing_address_collection"), "cancel_url": form.text("cancel_url"),
        "client_reference_id": form.text("client_reference_id"), "client_secret": null, "collected_information": null, "consent": null,
        "consent_collection": null, "created": world.now, "currency": null, "currency_conversion": null, "custom_fields": [],
        "custom_text": {"after_submit": message("after_submit"), "shipping_address": null, "submit": message("submit"),
            "terms_of_service_acceptance": message("terms_of_service_acceptance")},
        "customer": form.text("customer"), "customer_account": null, "customer_creation": null, "customer_details": null,
        "customer_email": form.text("customer_email"), "discounts": [], "expires_at": null, "invoice": null, "invoice_creation": null,
        "livemode": false, "locale": form.text("locale"), "metadata": form.metadata("metadata", &Value::Null), "mode": "subscription",
        "origin_context": null, "payment_intent": null, "payment_link": null,
        "payment_method_collection": form.choice("payment_method_collection", &["always", "if_required"])?.unwrap_or("always"),
        "payment_method_configuration_details": null, "payment_method_options": {}, "payment_method_types": types,
        "payment_status": "unpaid", "permissions": null, "phone_number_collection": {"enabled": false},
        "recovered_from": null, "saved_payment_method_options": null, "setup_intent": null, "shipping_address_collection": null,
        "shipping_cost": null, "shipping_options": [], "status": "open", "submit_type": null, "subscription": null,
        "success_url": success_url, "tax_id_collection": {"enabled": form.flag("tax_id_collection.enabled")?.unwrap_or(false),
        "required": "never"},
        "total_details": null, "ui_mode": "hosted", "url": format!("{}/pay/{id}", world.base_url), "wallet_options": null,
    }))
}

/// What is being bought, as `line_items` shows it.
pub fn line_items(world: &World, session: &str) -> Vec<Value> {
    let Some(session) = world.store.get("checkout.session", session) else { return Vec::new() };
    let shown = |item: &Value| {
        let price = world.store.find(item.text("price")).cloned().unwrap_or_default();
        let amount = price.int("unit_amount") * item.int("quantity");
        let product = world.store.find(price.text("product")).cloned().unwrap_or_default();
        json!({"id": item["id"], "object": "item", "amount_discount": 0, "amount_subtotal": amount, "amount_tax": 0, "amount_total": amount,
            "currency": session["currency"], "description": product["name"], "price": price, "quantity": item["quantity"]})
    };
    session.list("_line_items").iter().map(shown).collect()
}

fn list(world: &World, form: &Form) -> Answer {
    form.only_list(&["customer", "subscription", "status", "payment_intent", "customer_details[email]"])?;
    let is = |it: &Value, member: &str, param: &str| form.text(param).is_none_or(|wanted| it.text(member) == wanted);
    let wanted = |it: &&Value| {
        is(it, "customer", "customer")
            && is(it, "subscription", "subscription")
            && is(it, "status", "status")
            && is(it, "payment_intent", "payment_intent")
            && is(it, "customer_details.email", "customer_details.email")
    };
    match form.text("customer") {
        Some(customer) => page(form, "/v1/checkout/sessions", world.store.of_customer("checkout.session", customer).filter(wanted)),
        None => page(form, "/v1/checkout/sessions", world.store.all("checkout.session").filter(wanted)),
    }
}
