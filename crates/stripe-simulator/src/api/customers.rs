//! Customers and their tax ids.

use serde_json::{Value, json};

use super::catalogue::set_texts;
use super::page::page;
use super::{Answer, Verb, deleted, nowhere};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::World;

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, parts) {
        (Verb::Post, ["customers"]) => create(world, form),
        (Verb::Get, ["customers"]) => list(world, form),
        (Verb::Get, ["customers", id]) => retrieve(world, id),
        (Verb::Post, ["customers", id]) => update(world, id, form),
        (Verb::Delete, ["customers", id]) => delete(world, id),
        (Verb::Post, ["customers", id, "tax_ids"]) => create_tax_id(world, id, form),
        (Verb::Get, ["customers", id, "tax_ids"]) => list_tax_ids(world, id, form),
        (Verb::Get, ["customers", _, "tax_ids", tax_id]) => world.object("tax_id", tax_id).cloned(),
        (Verb::Delete, ["customers", _, "tax_ids", tax_id]) => delete_tax_id(world, tax_id),
        (Verb::Get, ["customers", id, "payment_methods"]) => super::payment_methods::list_of(world, id, form),
        _ => nowhere(verb, parts),
    }
}

const MEMBERS: &[&str] = &[
    "email",
    "name",
    "business_name",
    "individual_name",
    "description",
    "phone",
    "metadata[*]",
    "address[line1]",
    "address[line2]",
    "address[city]",
    "address[postal_code]",
    "address[state]",
    "address[country]",
    "preferred_locales[]",
    "tax_exempt",
    "invoice_prefix",
    "balance",
    "invoice_settings[default_payment_method]",
    "invoice_settings[footer]",
    "invoice_settings[custom_fields][][name]",
    "invoice_settings[custom_fields][][value]",
    "payment_method",
    "tax_id_data[][type]",
    "tax_id_data[][value]",
];

fn create(world: &mut World, form: &Form) -> Answer {
    form.only(MEMBERS)?;
    let shape = world.customer_shape();
    let mut customer = with_members(shape, form)?;
    world.store.put(customer.clone());
    if let Some(method) = form.text("payment_method") {
        world.attach(method, customer.id())?;
    }
    if let Some(method) = form.text("invoice_settings.default_payment_method") {
        let attached = world.attach(method, customer.id())?;
        customer["invoice_settings"]["default_payment_method"] = attached["id"].clone();
        world.store.put(customer.clone());
    }
    world.emit("customer.created", &customer);
    for tax_id in form.members("tax_id_data") {
        create_tax_id(world, customer.id(), &tax_id)?;
    }
    Ok(customer)
}

fn update(world: &mut World, id: &str, form: &Form) -> Answer {
    form.only(MEMBERS)?;
    let customer = world.object("customer", id)?.clone();
    let mut customer = with_members(customer, form)?;
    if let Some(method) = form.text("invoice_settings.default_payment_method") {
        let method = world.object_for("payment_method", method, "invoice_settings[default_payment_method]")?;
        if method.text("customer") != id {
            let message = "The customer does not have a payment method with this ID; attach it first.";
            return Err(ApiError::invalid(message).code("resource_missing").named("invoice_settings[default_payment_method]"));
        }
        customer["invoice_settings"]["default_payment_method"] = method["id"].clone();
    }
    world.save_changed("customer.updated", customer.clone());
    Ok(customer)
}

fn with_members(mut customer: Value, form: &Form) -> Answer {
    let texts = ["email", "name", "business_name", "individual_name", "description", "phone", "tax_exempt", "invoice_prefix"];
    set_texts(&mut customer, form, &texts);
    form.choice("tax_exempt", &["none", "exempt", "reverse"])?;
    if form.emptied("address") {
        customer["address"] = Value::Null;
    } else if form.has("address") {
        let mut address = json!({"city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null});
        set_texts(&mut address, &form.inner("address"), &["city", "country", "line1", "line2", "postal_code", "state"]);
        customer["address"] = address;
    }
    if form.has("preferred_locales") {
        customer["preferred_locales"] = json!(form.texts("preferred_locales"));
    }
    if let Some(balance) = form.amount("balance")? {
        customer["balance"] = json!(balance);
    }
    set_texts(&mut customer["invoice_settings"], &form.inner("invoice_settings"), &["footer"]);
    if form.has("invoice_settings.custom_fields") {
        let fields = super::subscriptions::custom_fields(form, "invoice_settings.custom_fields");
        customer["invoice_settings"]["custom_fields"] = json!(fields);
    }
    customer["metadata"] = form.metadata("metadata", &customer["metadata"]);
    Ok(customer)
}

fn retrieve(world: &World, id: &str) -> Answer {
    // A deleted customer is still answered for.
    world.store.get("customer", id).cloned().ok_or_else(|| ApiError::no_such("customer", id, "id"))
}

fn list(world: &World, form: &Form) -> Answer {
    form.only_list(&["email"])?;
    let wanted = |it: &&Value| !it.flag("deleted") && form.text("email").is_none_or(|email| it.text("email") == email);
    page(form, "/v1/customers", world.store.all("customer").filter(wanted))
}

fn delete(world: &mut World, id: &str) -> Answer {
    let customer = world.object("customer", id)?.clone();
    let living = |it: &&Value| !["canceled", "incomplete_expired"].contains(&it.status());
    let subscriptions: Vec<String> = world.store.of_customer("subscription", id).filter(living).map(|it| it.id().to_owned()).collect();
    for subscription in subscriptions {
        world.cancel(&subscription, false, false)?;
    }
    world.store.put(deleted("customer", id));
    world.emit("customer.deleted", &customer);
    Ok(deleted("customer", id))
}

fn create_tax_id(world: &mut World, customer: &str, form: &Form) -> Answer {
    form.only(&["type", "value"])?;
    world.object("customer", customer)?;
    world.add_tax_id(customer, form.required("type")?, form.required("value")?)
}

fn list_tax_ids(world: &World, customer: &str, form: &Form) -> Answer {
    form.only_list(&[])?;
    world.object("customer", customer)?;
    page(form, &format!("/v1/customers/{customer}/tax_ids"), world.store.of_customer("tax_id", customer))
}

fn delete_tax_id(world: &mut World, id: &str) -> Answer {
    world.object("tax_id", id)?;
    let tax_id = world.store.remove(id).unwrap_or_default();
    world.emit("customer.tax_id.deleted", &tax_id);
    Ok(deleted("tax_id", id))
}
