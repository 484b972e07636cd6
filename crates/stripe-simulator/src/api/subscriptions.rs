//! Subscriptions: what a request says, turned into what the world does.

use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Verb, nowhere};
use crate::clock::DAY;
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::{Change, ItemChange, NewItem, NewSubscription, Presence, World};

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, parts) {
        (Verb::Post, ["subscriptions"]) => create(world, form),
        (Verb::Get, ["subscriptions"]) => list(world, form),
        (Verb::Get, ["subscriptions", id]) => world.object("subscription", id).cloned(),
        (Verb::Post, ["subscriptions", id]) => update(world, id, form),
        (Verb::Delete, ["subscriptions", id]) => cancel(world, id, form),
        (Verb::Post, ["subscriptions", id, "resume"]) => {
            form.only(&["billing_cycle_anchor", "proration_behavior", "proration_date"])?;
            world.resume(id)?;
            world.object("subscription", id).cloned()
        }
        _ => nowhere(verb, parts),
    }
}

/// What creating and updating share.
const BOTH: &[&str] = &[
    "items[][price]",
    "items[][quantity]",
    "items[][metadata][*]",
    "metadata[*]",
    "default_payment_method",
    "collection_method",
    "days_until_due",
    "trial_end",
    "trial_settings[end_behavior][missing_payment_method]",
    "cancel_at_period_end",
    "cancel_at",
    "payment_behavior",
    "proration_behavior",
    "discounts[][coupon]",
    "discounts[][promotion_code]",
    "description",
    "off_session",
    "automatic_tax[enabled]",
    "payment_settings[save_default_payment_method]",
    "payment_settings[payment_method_types][]",
    "invoice_settings[custom_fields][][name]",
    "invoice_settings[custom_fields][][value]",
];
const BEHAVIORS: &[&str] = &["create_prorations", "always_invoice", "none"];
const PAYMENT_BEHAVIORS: &[&str] = &["allow_incomplete", "default_incomplete", "error_if_incomplete"];
const MISSING: &[&str] = &["cancel", "create_invoice", "pause"];

fn create(world: &mut World, form: &Form) -> Answer {
    form.only(&[BOTH, &["customer", "currency", "trial_period_days", "billing_mode[type]"]].concat())?;
    let customer = form.required("customer")?.to_owned();
    world.object_for("customer", &customer, "customer")?;
    let mut new = new_subscription(world, form, customer)?;
    new.discounts = redeemed(world, form, &new.customer)?.unwrap_or_default();
    let id = world.subscribe(new)?;
    world.object("subscription", &id).cloned()
}

/// Reads a new subscription from a form, the discounts apart: to redeem them changes the world.
pub fn new_subscription(world: &World, form: &Form, customer: String) -> Result<NewSubscription, ApiError> {
    let collection_method = form.choice("collection_method", &["charge_automatically", "send_invoice"])?.unwrap_or("charge_automatically");
    let days_until_due = form.integer("days_until_due")?;
    if collection_method == "send_invoice" && days_until_due.is_none() {
        return Err(ApiError::missing("days_until_due"));
    }
    let method = form.text("default_payment_method").map(str::to_owned);
    if let Some(method) = &method {
        let method = world.object_for("payment_method", method, "default_payment_method")?;
        if method.text("customer") != customer {
            let message = "The customer does not have a payment method with this ID; attach it first.";
            return Err(ApiError::invalid(message).code("resource_missing").named("default_payment_method"));
        }
    }
    let trial_days = form.integer_in("trial_period_days", 0..=730)?.filter(|it| *it > 0).map(|it| world.now + it * DAY);
    let items = form.members("items");
    let items = items.iter().enumerate().map(|(at, it)| new_item(it, at)).collect::<Result<_, _>>()?;
    Ok(NewSubscription {
        customer,
        items,
        trial_end: trial_end(world, form)?.or(trial_days).filter(|it| *it > world.now),
        missing_payment_method: form
            .choice("trial_settings.end_behavior.missing_payment_method", MISSING)?
            .unwrap_or("create_invoice")
            .to_owned(),
        collection_method: collection_method.to_owned(),
        days_until_due,
        default_payment_method: method,
        payment_behavior: form.choice("payment_behavior", PAYMENT_BEHAVIORS)?.unwrap_or("allow_incomplete").to_owned(),
        presence: Presence::OffSession,
        cancel_at: form.integer("cancel_at")?,
        cancel_at_period_end: form.flag("cancel_at_period_end")?.unwrap_or(false),
        discounts: Vec::new(),
        description: form.text("description").map(str::to_owned),
        metadata: form.metadata("metadata", &Value::Null),
        members: quiet_members(form, &Value::Null)?,
    })
}

fn new_item(item: &Form, at: usize) -> Result<NewItem, ApiError> {
    let price = item.text("price").ok_or_else(|| ApiError::missing(&format!("items[{at}][price]")))?.to_owned();
    let quantity = item.quantity()?;
    Ok(NewItem { price, quantity, metadata: item.metadata("metadata", &Value::Null) })
}

/// A time, or `now`.
fn trial_end(world: &World, form: &Form) -> Result<Option<i64>, ApiError> {
    if form.text("trial_end") == Some("now") { Ok(Some(world.now)) } else { form.integer("trial_end") }
}

fn redeemed(world: &mut World, form: &Form, customer: &str) -> Result<Option<Vec<String>>, ApiError> {
    if !form.has("discounts") {
        return Ok(None);
    }
    let mut discounts = Vec::new();
    for discount in form.members("discounts") {
        let (coupon, code) = coupon_of(world, &discount)?;
        discounts.push(world.discount(&coupon, code.as_deref(), customer)?);
    }
    Ok(Some(discounts))
}

/// The coupon that a member of `discounts` means, and its promotion code.
pub fn coupon_of(world: &World, discount: &Form) -> Result<(String, Option<String>), ApiError> {
    match discount.text("promotion_code") {
        Some(code) => {
            let promotion = world.object_for("promotion_code", code, "discounts[0][promotion_code]")?;
            Ok((promotion.text("promotion.coupon").to_owned(), Some(code.to_owned())))
        }
        None => Ok((discount.required("coupon")?.to_owned(), None)),
    }
}

/// Members that change nothing but themselves; `before` is null for a new subscription.
fn quiet_members(form: &Form, before: &Value) -> Result<Vec<(&'static str, Value)>, ApiError> {
    let mut members = Vec::new();
    if let Some(enabled) = form.flag("automatic_tax.enabled")? {
        members.push(("automatic_tax", json!({"disabled_reason": null, "enabled": enabled, "liability": null})));
    }
    if form.has("payment_settings") {
        let unset = json!({"payment_method_options": null, "payment_method_types": null, "save_default_payment_method": "off"});
        let mut settings = if before.is_set("payment_settings") { before["payment_settings"].clone() } else { unset };
        if let Some(save) = form.choice("payment_settings.save_default_payment_method", &["off", "on_subscription"])? {
            settings["save_default_payment_method"] = json!(save);
        }
        let kinds = form.texts("payment_settings.payment_method_types");
        if !kinds.is_empty() {
            settings["payment_method_types"] = json!(kinds);
        }
        members.push(("payment_settings", settings));
    }
    if form.has("invoice_settings.custom_fields") {
        let fields = custom_fields(form, "invoice_settings.custom_fields");
        members.push(("invoice_settings", json!({"account_tax_ids": null, "custom_fields": fields, "issuer": {"type": "self"}})));
    }
    Ok(members)
}

/// What invoices show beside Stripe's own: an order number, say.
pub fn custom_fields(form: &Form, pointer: &str) -> Vec<Value> {
    form.members(pointer).iter().map(|it| json!({"name": it.text("name"), "value": it.text("value")})).collect()
}

fn update(world: &mut World, id: &str, form: &Form) -> Answer {
    let own = [
        "items[][id]",
        "items[][deleted]",
        "items[][clear_usage]",
        "proration_date",
        "billing_cycle_anchor",
        "cancellation_details[comment]",
        "cancellation_details[feedback]",
    ];
    form.only(&[BOTH, &own].concat())?;
    let customer = world.object("subscription", id)?.text("customer").to_owned();
    let mut change = change(world, id, form)?;
    change.discounts = redeemed(world, form, &customer)?.or_else(|| form.emptied("discounts").then(Vec::new));
    world.update(id, &change)?;
    world.object("subscription", id).cloned()
}

/// Reads an update, the discounts apart.
pub fn change(world: &World, id: &str, form: &Form) -> Result<Change, ApiError> {
    let subscription = world.object("subscription", id)?;
    let cancel_at = if form.emptied("cancel_at") { Some(None) } else { form.integer("cancel_at")?.map(Some) };
    Ok(Change {
        items: form.members("items").iter().map(item_change).collect::<Result<_, _>>()?,
        proration_behavior: form.choice("proration_behavior", BEHAVIORS)?.map(str::to_owned),
        proration_date: form.integer("proration_date")?,
        payment_behavior: form.choice("payment_behavior", PAYMENT_BEHAVIORS)?.map(str::to_owned),
        anchor_now: form.choice("billing_cycle_anchor", &["now", "unchanged"])? == Some("now"),
        trial_end: trial_end(world, form)?,
        cancel_at_period_end: form.flag("cancel_at_period_end")?,
        cancel_at,
        discounts: None,
        members: changed_members(world, subscription, form)?,
    })
}

fn item_change(item: &Form) -> Result<ItemChange, ApiError> {
    Ok(ItemChange {
        id: item.text("id").map(str::to_owned),
        price: item.text("price").map(str::to_owned),
        quantity: item.has("quantity").then(|| item.quantity()).transpose()?,
        metadata: item.has("metadata").then(|| item.metadata("metadata", &Value::Null)),
        deleted: item.flag("deleted")?.unwrap_or(false),
    })
}

fn changed_members(world: &World, subscription: &Value, form: &Form) -> Result<Vec<(&'static str, Value)>, ApiError> {
    let mut members = quiet_members(form, subscription)?;
    if form.has("metadata") {
        members.push(("metadata", form.metadata("metadata", &subscription["metadata"])));
    }
    for name in ["description", "default_payment_method"] {
        if form.has(name) {
            members.push((name, json!(form.text(name))));
        }
    }
    if let Some(method) = form.text("default_payment_method") {
        world.object_for("payment_method", method, "default_payment_method")?;
    }
    if let Some(collection) = form.choice("collection_method", &["charge_automatically", "send_invoice"])? {
        members.push(("collection_method", json!(collection)));
    }
    if let Some(days) = form.integer("days_until_due")? {
        members.push(("days_until_due", json!(days)));
    }
    if let Some(missing) = form.choice("trial_settings.end_behavior.missing_payment_method", MISSING)? {
        members.push(("trial_settings", json!({"end_behavior": {"missing_payment_method": missing}})));
    }
    if form.has("cancellation_details") {
        let (comment, feedback) = (form.text("cancellation_details.comment"), form.text("cancellation_details.feedback"));
        let reason = &subscription["cancellation_details"]["reason"];
        members.push(("cancellation_details", json!({"comment": comment, "feedback": feedback, "reason": reason})));
    }
    Ok(members)
}

fn cancel(world: &mut World, id: &str, form: &Form) -> Answer {
    form.only(&["invoice_now", "prorate", "cancellation_details[comment]", "cancellation_details[feedback]"])?;
    world.cancel(id, form.flag("invoice_now")?.unwrap_or(false), form.flag("prorate")?.unwrap_or(false))?;
    world.object("subscription", id).cloned()
}

fn list(world: &World, form: &Form) -> Answer {
    form.only_list(&["customer", "price", "status", "collection_method"])?;
    let status = form.text("status");
    let wanted = |it: &&Value| {
        let of_status = match status {
            None => it.status() != "canceled",
            Some("all") => true,
            Some("ended") => ["canceled", "incomplete_expired"].contains(&it.status()),
            Some(status) => it.status() == status,
        };
        let of_price = form.text("price").is_none_or(|price| it.list("items").iter().any(|item| item.text("price.id") == price));
        of_status && of_price && form.text("collection_method").is_none_or(|method| it.text("collection_method") == method)
    };
    match form.text("customer") {
        Some(customer) => page(form, "/v1/subscriptions", world.store.of_customer("subscription", customer).filter(wanted)),
        None => page(form, "/v1/subscriptions", world.store.all("subscription").filter(wanted)),
    }
}
