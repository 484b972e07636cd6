//! Charges, payment intents, invoice payments, refunds and disputes: made by paying, and read here.

use serde_json::Value;

use super::page::page;
use super::{Answer, Verb, nowhere};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::World;

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, parts) {
        (Verb::Post, ["refunds"]) => refund(world, form),
        (Verb::Get, ["refunds"]) => list(world, form, "refund", &["charge", "payment_intent"]),
        (Verb::Get, ["disputes"]) => list(world, form, "dispute", &["charge", "payment_intent"]),
        (Verb::Get, ["charges"]) => list(world, form, "charge", &["customer", "payment_intent"]),
        (Verb::Get, ["payment_intents"]) => list(world, form, "payment_intent", &["customer"]),
        (Verb::Get, ["invoice_payments"]) => {
            list(world, form, "invoice_payment", &["invoice", "status", "payment.type", "payment.payment_intent"])
        }
        (Verb::Get, ["refunds", id]) => world.object("refund", id).cloned(),
        (Verb::Get, ["disputes", id]) => world.object("dispute", id).cloned(),
        (Verb::Get, ["charges", id]) => world.object("charge", id).cloned(),
        (Verb::Get, ["payment_intents", id]) => world.object("payment_intent", id).cloned(),
        (Verb::Get, ["invoice_payments", id]) => world.object("invoice_payment", id).cloned(),
        _ => nowhere(verb, parts),
    }
}

/// A list that can be narrowed by the members it names.
fn list(world: &World, form: &Form, kind: &str, by: &[&str]) -> Answer {
    let written: Vec<String> =
        by.iter().map(|it| it.split_once('.').map_or_else(|| (*it).to_owned(), |(a, b)| format!("{a}[{b}]"))).collect();
    form.only_list(&written.iter().map(String::as_str).collect::<Vec<_>>())?;
    let wanted = |it: &&Value| by.iter().all(|name| form.text(name).is_none_or(|wanted| it.text(name) == wanted));
    page(form, &format!("/v1/{kind}s"), world.store.all(kind).filter(wanted))
}

fn refund(world: &mut World, form: &Form) -> Answer {
    form.only(&["charge", "payment_intent", "amount", "reason", "metadata[*]"])?;
    let charge = match form.text("payment_intent") {
        Some(intent) => world.object_for("payment_intent", intent, "payment_intent")?.text("latest_charge").to_owned(),
        None => form.required("charge")?.to_owned(),
    };
    let reason = form.choice("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    if charge.is_empty() {
        return Err(ApiError::invalid("This PaymentIntent does not have a successful charge to refund."));
    }
    world.refund(&charge, form.amount("amount")?, reason, form.metadata("metadata", &Value::Null))
}
