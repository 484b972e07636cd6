//! Payment methods, made from Stripe's test cards and test bank accounts.

use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Verb, nowhere};
use crate::form::Form;
use crate::json::Fields;
use crate::world::World;

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, parts) {
        (Verb::Post, ["payment_methods"]) => create(world, form),
        (Verb::Get, ["payment_methods"]) => {
            let customer = form.required("customer")?.to_owned();
            list_of(world, &customer, form)
        }
        (Verb::Get, ["payment_methods", id]) => world.object_for("payment_method", id, "id").cloned(),
        (Verb::Post, ["payment_methods", id, "attach"]) => {
            let customer = form.only(&["customer"])?.required("customer")?;
            world.object_for("customer", customer, "customer")?;
            world.attach(id, customer)
        }
        (Verb::Post, ["payment_methods", id, "detach"]) => world.detach(id),
        _ => nowhere(verb, parts),
    }
}

fn create(world: &mut World, form: &Form) -> Answer {
    let card = ["type", "card[number]", "card[exp_month]", "card[exp_year]", "card[cvc]", "sepa_debit[iban]"];
    form.only(&[&card[..], &["billing_details[name]", "billing_details[email]", "metadata[*]"]].concat())?;
    form.choice("type", &["card", "sepa_debit"])?;
    let typed = if form.required("type")? == "card" { form.required("card.number")? } else { form.required("sepa_debit.iban")? };
    let (name, email) = (form.text("billing_details.name"), form.text("billing_details.email"));
    let mut method =
        world.new_payment_method(typed, json!({"address": null, "email": email, "name": name, "phone": null, "tax_id": null}))?;
    method["metadata"] = form.metadata("metadata", &Value::Null);
    world.store.put(method.clone());
    Ok(method)
}

pub fn list_of(world: &World, customer: &str, form: &Form) -> Answer {
    form.only_list(&["customer", "type"])?;
    world.object_for("customer", customer, "customer")?;
    let of_kind = |it: &&Value| form.text("type").is_none_or(|kind| it.text("type") == kind) && it.text("customer") == customer;
    page(form, "/v1/payment_methods", world.store.of_customer("payment_method", customer).filter(of_kind))
}
