//! Invoices and their lines.

use serde_json::{Value, json};

use super::page::page;
use super::subscriptions::{change, new_subscription};
use super::{Answer, Verb, deleted, nowhere};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::{Presence, World};

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, &parts[1..]) {
        (Verb::Post, []) => create(world, form),
        (Verb::Get, []) => list(world, form),
        (Verb::Post, ["create_preview"]) => preview(world, form),
        (Verb::Get, [id]) => world.object("invoice", id).cloned(),
        (Verb::Post, [id]) => update(world, id, form),
        (Verb::Delete, [id]) => delete(world, id),
        (Verb::Get, [id, "lines"]) => {
            form.only_list(&[])?;
            page(form, &format!("/v1/invoices/{id}/lines"), world.object("invoice", id)?.list("lines").iter().rev())
        }
        (Verb::Post, [id, act]) => {
            perform(world, id, act, form)?;
            world.object("invoice", id).cloned()
        }
        _ => nowhere(verb, parts),
    }
}

fn perform(world: &mut World, id: &str, act: &str, form: &Form) -> Result<(), ApiError> {
    let invoice = world.object("invoice", id)?.clone();
    match act {
        "pay" => pay(world, id, form),
        "finalize" => {
            form.only(&["auto_advance"])?;
            if invoice.status() != "draft" {
                return Err(ApiError::invalid(format!("This invoice is already finalized: {id}")).code("invoice_not_editable"));
            }
            if let Some(advance) = form.flag("auto_advance")? {
                world.store.put(with(invoice, "auto_advance", json!(advance)));
            }
            world.finalize(id);
            Ok(())
        }
        "void" => world.close_invoice(id, "void"),
        "mark_uncollectible" => world.close_invoice(id, "uncollectible"),
        "send" => {
            if invoice.text("collection_method") != "send_invoice" {
                return Err(ApiError::invalid("You can only manually send an invoice if its collection method is 'send_invoice'."));
            }
            world.finalize(id);
            let invoice = world.object("invoice", id)?.clone();
            world.emit("invoice.sent", &invoice);
            Ok(())
        }
        other => Err(ApiError::no_such_path("POST", &format!("/v1/invoices/{id}/{other}"))),
    }
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn pay(world: &mut World, id: &str, form: &Form) -> Result<(), ApiError> {
    form.only(&["payment_method", "off_session", "paid_out_of_band", "forgive"])?;
    // A draft is finalised by it.
    world.finalize(id);
    if form.flag("paid_out_of_band")? == Some(true) {
        return world.pay_out_of_band(id);
    }
    if let Some(method) = form.text("payment_method") {
        world.object_for("payment_method", method, "payment_method")?;
    }
    let presence = if form.flag("off_session")? == Some(false) { Presence::OnSession } else { Presence::OffSession };
    world.pay(id, form.text("payment_method"), presence)
}

fn create(world: &mut World, form: &Form) -> Answer {
    form.only(&[
        "customer",
        "subscription",
        "collection_method",
        "days_until_due",
        "auto_advance",
        "description",
        "metadata[*]",
        "footer",
        "currency",
        "pending_invoice_items_behavior",
        "custom_fields[][name]",
        "custom_fields[][value]",
    ])?;
    let customer = form.required("customer")?;
    let currency = world.object_for("customer", customer, "customer")?.text("currency").to_owned();
    let currency = form.text("currency").map_or(currency, str::to_owned);
    if currency.is_empty() {
        return Err(ApiError::missing("currency"));
    }
    let mut invoice = world.invoice_shape(customer, &currency, "manual");
    if let Some(method) = form.choice("collection_method", &["charge_automatically", "send_invoice"])? {
        invoice["collection_method"] = json!(method);
    }
    invoice["auto_advance"] = json!(form.flag("auto_advance")?.unwrap_or(false));
    invoice["_days_until_due"] = json!(form.integer("days_until_due")?);
    invoice["_subscription"] = json!(form.text("subscription"));
    if let Some(subscription) = form.text("subscription") {
        invoice["parent"] = json!({"quote_details": null, "type": "subscription_details",
            "subscription_details": {"metadata": {}, "subscription": subscription}});
    }
    let mut invoice = with_members(invoice, form);
    if form.choice("pending_invoice_items_behavior", &["include", "exclude"])? == Some("include") {
        let lines = world.pending_lines(&invoice, form.text("subscription"));
        invoice["lines"]["data"] = json!(lines);
    }
    let lines = invoice.list("lines").to_vec();
    let id = invoice.id().to_owned();
    world.store_draft(invoice, lines);
    world.object("invoice", &id).cloned()
}

fn with_members(mut invoice: Value, form: &Form) -> Value {
    super::catalogue::set_texts(&mut invoice, form, &["description", "footer"]);
    if form.has("custom_fields") {
        invoice["custom_fields"] = json!(super::subscriptions::custom_fields(form, "custom_fields"));
    }
    invoice["metadata"] = form.metadata("metadata", &invoice["metadata"]);
    invoice
}

fn update(world: &mut World, id: &str, form: &Form) -> Answer {
    form.only(&[
        "auto_advance",
        "description",
        "metadata[*]",
        "footer",
        "days_until_due",
        "collection_method",
        "custom_fields[][name]",
        "custom_fields[][value]",
        "default_payment_method",
    ])?;
    let invoice = world.object("invoice", id)?.clone();
    let mut invoice = with_members(invoice, form);
    if let Some(advance) = form.flag("auto_advance")? {
        invoice["auto_advance"] = json!(advance);
    }
    super::catalogue::set_texts(&mut invoice, form, &["collection_method", "default_payment_method"]);
    if let Some(days) = form.integer("days_until_due")? {
        invoice["_days_until_due"] = json!(days);
    }
    world.save_changed("invoice.updated", invoice.clone());
    Ok(invoice)
}

fn delete(world: &mut World, id: &str) -> Answer {
    let invoice = world.object("invoice", id)?.clone();
    if invoice.status() != "draft" || invoice.is_set("_subscription") {
        return Err(ApiError::invalid("You can only delete draft invoices that are not of a subscription.").code("invoice_not_editable"));
    }
    world.store.remove(id);
    world.emit("invoice.deleted", &invoice);
    Ok(deleted("invoice", id))
}

fn list(world: &World, form: &Form) -> Answer {
    form.only_list(&["customer", "subscription", "status", "collection_method"])?;
    let is = |it: &Value, member: &str, param: &str| form.text(param).is_none_or(|wanted| it.text(member) == wanted);
    let wanted = |it: &&Value| {
        is(it, "_subscription", "subscription") && is(it, "status", "status") && is(it, "collection_method", "collection_method")
    };
    match form.text("customer") {
        Some(customer) => page(form, "/v1/invoices", world.store.of_customer("invoice", customer).filter(wanted)),
        None => page(form, "/v1/invoices", world.store.all("invoice").filter(wanted)),
    }
}

/// What a change of a subscription, a new one or the next renewal would be billed as.
fn preview(world: &World, form: &Form) -> Answer {
    form.only(&[
        "customer",
        "subscription",
        "currency",
        "automatic_tax[enabled]",
        "preview_mode",
        "subscription_details[items][][id]",
        "subscription_details[items][][price]",
        "subscription_details[items][][quantity]",
        "subscription_details[items][][deleted]",
        "subscription_details[proration_behavior]",
        "subscription_details[proration_date]",
        "subscription_details[billing_cycle_anchor]",
        "subscription_details[cancel_at_period_end]",
        "subscription_details[cancel_at]",
        "subscription_details[trial_end]",
    ])?;
    let details = form.inner("subscription_details");
    match form.text("subscription") {
        Some(subscription) if form.has("subscription_details") => {
            world.object_for("subscription", subscription, "subscription")?;
            world.preview_change(subscription, &change(world, subscription, &details)?)
        }
        Some(subscription) => world.preview_next(subscription),
        None if form.has("subscription_details.items") => {
            let customer = form.required("customer")?.to_owned();
            world.object_for("customer", &customer, "customer")?;
            world.preview_new(new_subscription(world, &details, customer)?)
        }
        None => {
            let customer = form.required("customer")?;
            let living =
                world.store.of_customer("subscription", customer).find(|it| ["active", "trialing", "past_due"].contains(&it.status()));
            let subscription =
                living.ok_or_else(|| ApiError::invalid("No upcoming invoices for customer").code("invoice_upcoming_none"))?;
            world.preview_next(subscription.id())
        }
    }
}
