//! `expand[]`: ids become the objects that they name, and what is only shown on demand is shown. The simulator's own members go.

use serde_json::{Value, json};

use super::Answer;
use crate::error::ApiError;
use crate::json::Fields;
use crate::world::{World, shown};

/// Stripe goes no deeper.
const DEEPEST: usize = 4;

pub fn expand(world: &World, object: Value, paths: &[String]) -> Answer {
    let mut object = clean(object);
    for path in paths {
        let parts: Vec<&str> = path.split('.').collect();
        if parts.iter().filter(|it| **it != "data").count() > DEEPEST {
            return Err(ApiError::invalid(format!("You cannot expand more than {DEEPEST} levels of a property: {path}")).named("expand"));
        }
        follow(world, &mut object, &parts)
            .ok_or_else(|| ApiError::invalid(format!("This property cannot be expanded ({path}).")).named("expand"))?;
    }
    Ok(object)
}

fn clean(mut object: Value) -> Value {
    hide(&mut object);
    if object.text("object") == "list" {
        object["data"].as_array_mut().into_iter().flatten().for_each(hide);
    }
    object
}

/// [`shown`], without a copy: lists are long.
fn hide(object: &mut Value) {
    if let Value::Object(members) = object {
        members.retain(|key, _| !key.starts_with('_'));
    }
}

fn follow(world: &World, value: &mut Value, parts: &[&str]) -> Option<()> {
    let Some((first, rest)) = parts.split_first() else { return Some(()) };
    if let Value::Array(members) = value {
        return members.iter_mut().try_for_each(|it| follow(world, it, parts));
    }
    if let Some(hidden) = on_demand(world, value, first) {
        value[*first] = hidden;
    }
    let member = value.get_mut(*first)?;
    open(world, member);
    // A null has nothing in it to go on with.
    if member.is_null() { Some(()) } else { follow(world, member, rest) }
}

/// An id becomes its object; a list of ids, theirs.
fn open(world: &World, member: &mut Value) {
    match member {
        Value::String(id) => {
            if let Some(object) = world.store.find(id) {
                *member = shown(object);
            }
        }
        Value::Array(members) => members.iter_mut().filter(|it| it.is_string()).for_each(|it| open(world, it)),
        _ => {}
    }
}

/// Members that an object has only when they are asked for.
fn on_demand(world: &World, object: &Value, name: &str) -> Option<Value> {
    let id = object.id();
    let list = |data: Vec<Value>, url: String| json!({"object": "list", "data": data, "has_more": false, "url": url});
    let of_customer = |kind: &'static str| world.store.of_customer(kind, id).map(shown).collect::<Vec<Value>>();
    match (object.text("object"), name) {
        ("invoice", "payments") => Some(list(world.payments_of(object).map(shown).collect(), format!("/v1/invoice_payments?invoice={id}"))),
        ("invoice", "confirmation_secret") => {
            let payment = world.payments_of(object).last()?;
            let intent = world.store.find(payment.text("payment.payment_intent"))?;
            Some(json!({"client_secret": intent["client_secret"], "type": "payment_intent"}))
        }
        ("customer", "tax_ids") => Some(list(of_customer("tax_id"), format!("/v1/customers/{id}/tax_ids"))),
        ("customer", "subscriptions") => {
            let living = of_customer("subscription").into_iter().filter(|it| it.status() != "canceled").collect();
            Some(list(living, format!("/v1/customers/{id}/subscriptions")))
        }
        ("checkout.session", "line_items") => {
            Some(list(super::checkout::line_items(world, id), format!("/v1/checkout/sessions/{id}/line_items")))
        }
        _ => None,
    }
}
