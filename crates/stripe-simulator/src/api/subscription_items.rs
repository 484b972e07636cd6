//! Items of a subscription, one at a time: each call is an update of the subscription.

use serde_json::Value;

use super::page::page;
use super::{Answer, Verb, deleted, nowhere};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::{Change, ItemChange, World};

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, parts) {
        (Verb::Post, ["subscription_items"]) => create(world, form),
        (Verb::Get, ["subscription_items"]) => {
            let subscription = form.only_list(&["subscription"])?.required("subscription")?;
            let items = world.object_for("subscription", subscription, "subscription")?.list("items");
            page(form, "/v1/subscription_items", items.iter())
        }
        (Verb::Get, ["subscription_items", id]) => find(world, id),
        (Verb::Post, ["subscription_items", id]) => update(world, id, form),
        (Verb::Delete, ["subscription_items", id]) => {
            form.only(&["proration_behavior", "proration_date", "clear_usage"])?;
            let item = find(world, id)?;
            let change = ItemChange { id: Some((*id).to_owned()), deleted: true, ..ItemChange::default() };
            world.update(item.text("subscription"), &one(form, change)?)?;
            Ok(deleted("subscription_item", id))
        }
        _ => nowhere(verb, parts),
    }
}

const MEMBERS: &[&str] = &["price", "quantity", "metadata[*]", "proration_behavior", "proration_date", "payment_behavior"];

fn find(world: &World, id: &str) -> Answer {
    let items = world.store.all("subscription").flat_map(|it| it.list("items"));
    items.into_iter().find(|it| it.id() == id).cloned().ok_or_else(|| ApiError::no_such("subscription_item", id, "id"))
}

fn create(world: &mut World, form: &Form) -> Answer {
    form.only(&[MEMBERS, &["subscription"]].concat())?;
    let subscription = form.required("subscription")?;
    world.object_for("subscription", subscription, "subscription")?;
    world.update(subscription, &one(form, item(form, None)?)?)?;
    let items = world.object("subscription", subscription)?.list("items");
    items.last().cloned().ok_or_else(ApiError::server)
}

fn update(world: &mut World, id: &str, form: &Form) -> Answer {
    form.only(MEMBERS)?;
    let before = find(world, id)?;
    world.update(before.text("subscription"), &one(form, item(form, Some(id))?)?)?;
    find(world, id)
}

fn item(form: &Form, id: Option<&str>) -> Result<ItemChange, ApiError> {
    Ok(ItemChange {
        id: id.map(str::to_owned),
        price: form.text("price").map(str::to_owned),
        quantity: form.has("quantity").then(|| form.quantity()).transpose()?,
        metadata: form.has("metadata").then(|| form.metadata("metadata", &Value::Null)),
        deleted: false,
    })
}

fn one(form: &Form, item: ItemChange) -> Result<Change, ApiError> {
    Ok(Change {
        items: vec![item],
        proration_behavior: form.choice("proration_behavior", &["create_prorations", "always_invoice", "none"])?.map(str::to_owned),
        proration_date: form.integer("proration_date")?,
        payment_behavior: form.text("payment_behavior").map(str::to_owned),
        ..Change::default()
    })
}
