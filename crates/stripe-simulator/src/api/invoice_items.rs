//! Invoice items: they wait for the next invoice, or go onto a draft at once.

use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Verb, deleted, nowhere};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::World;

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, &parts[1..]) {
        (Verb::Post, []) => create(world, form),
        (Verb::Get, []) => list(world, form),
        (Verb::Get, [id]) => world.object("invoiceitem", id).cloned(),
        (Verb::Delete, [id]) => delete(world, id),
        _ => nowhere(verb, parts),
    }
}

fn create(world: &mut World, form: &Form) -> Answer {
    form.only(&[
        "customer",
        "invoice",
        "subscription",
        "amount",
        "currency",
        "description",
        "metadata[*]",
        "quantity",
        "period[start]",
        "period[end]",
        "pricing[price]",
        "price_data[currency]",
        "price_data[product]",
        "price_data[unit_amount]",
        "price_data[tax_behavior]",
        "unit_amount_decimal",
        "discountable",
        "tax_behavior",
        "tax_code",
    ])?;
    let customer = form.required("customer")?;
    world.object_for("customer", customer, "customer")?;
    let draft = form.text("invoice").map(|it| draft_of(world, it, customer)).transpose()?;
    let priced = priced(world, form)?;
    world.lock_currency(customer, &priced.currency)?;
    let subscription = form.text("subscription").map(str::to_owned);
    if let Some(subscription) = &subscription {
        world.object_for("subscription", subscription, "subscription")?;
    }
    let mut item = world.invoice_item_shape(customer, &priced.currency, priced.amount);
    item["description"] = form.text("description").map_or(priced.name, |it| json!(it));
    item["discountable"] = json!(form.flag("discountable")?.unwrap_or(true));
    item["metadata"] = form.metadata("metadata", &Value::Null);
    item["quantity"] = json!(priced.quantity);
    item["quantity_decimal"] = json!(priced.quantity.to_string());
    item["pricing"] = priced.pricing;
    let (start, end) = (form.integer("period.start")?.unwrap_or(world.now), form.integer("period.end")?.unwrap_or(world.now));
    item["period"] = json!({"start": start, "end": end});
    if let Some(subscription) = &subscription {
        item["parent"] = json!({"type": "subscription_details", "subscription_details": {"subscription": subscription}});
    }
    world.store.put(item.clone());
    world.emit("invoiceitem.created", &item);
    if let Some(draft) = draft {
        world.put_on_draft(draft, item.clone());
    }
    world.object("invoiceitem", item.id()).cloned()
}

fn draft_of(world: &World, invoice: &str, customer: &str) -> Answer {
    let invoice = world.object_for("invoice", invoice, "invoice")?;
    if invoice.status() != "draft" {
        let message = format!("You cannot add invoice items to invoice {}: it is {}.", invoice.id(), invoice.status());
        return Err(ApiError::invalid(message).code("invoice_not_editable").named("invoice"));
    }
    if invoice.text("customer") != customer {
        return Err(ApiError::invalid("The invoice is of another customer.").named("invoice"));
    }
    Ok(invoice.clone())
}

struct Priced {
    amount: i64,
    currency: String,
    quantity: i64,
    pricing: Value,
    name: Value,
}

/// `amount`, or a price or an inline one times a quantity.
fn priced(world: &World, form: &Form) -> Result<Priced, ApiError> {
    let quantity = form.quantity()?;
    let name_of = |product: &str| world.store.find(product).map_or(Value::Null, |it| it["name"].clone());
    let details = |price: Value, product: &str, unit: &str| {
        json!({"price_details": {"price": price, "product": product},
    "type": "price_details", "unit_amount_decimal": unit})
    };
    if let Some(price) = form.text("pricing.price") {
        let price = world.object_for("price", price, "pricing[price]")?;
        if price.is_set("recurring") {
            return Err(ApiError::invalid(
                "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
            )
            .named("pricing[price]"));
        }
        let pricing = details(price["id"].clone(), price.text("product"), price.text("unit_amount_decimal"));
        let (amount, currency) = (price.int("unit_amount") * quantity, price.text("currency").to_owned());
        return Ok(Priced { amount, currency, quantity, pricing, name: name_of(price.text("product")) });
    }
    if form.has("price_data") {
        let product = form.required("price_data.product")?;
        world.object_for("product", product, "price_data[product]")?;
        let unit = form.amount("price_data.unit_amount")?.ok_or_else(|| ApiError::missing("price_data[unit_amount]"))?;
        let pricing = details(Value::Null, product, &unit.to_string());
        let currency = form.required("price_data.currency")?.to_lowercase();
        return Ok(Priced { amount: unit * quantity, currency, quantity, pricing, name: name_of(product) });
    }
    let currency = form.required("currency")?.to_lowercase();
    let (amount, unit) = match form.amount("amount")? {
        Some(amount) => (amount, amount.to_string()),
        None => {
            let unit = form.required("unit_amount_decimal")?;
            let number: f64 =
                unit.parse().map_err(|_| ApiError::invalid(format!("Invalid decimal: {unit}")).named("unit_amount_decimal"))?;
            // Stripe rounds a line once, when unit and quantity have been multiplied.
            ((number * quantity as f64).round() as i64, unit.to_owned())
        }
    };
    let pricing = json!({"type": "price_details", "unit_amount_decimal": unit});
    Ok(Priced { amount, currency, quantity, pricing, name: Value::Null })
}

fn list(world: &World, form: &Form) -> Answer {
    form.only_list(&["customer", "invoice", "pending"])?;
    let pending = form.flag("pending")?;
    let wanted = |it: &&Value| {
        form.text("invoice").is_none_or(|invoice| it.text("invoice") == invoice)
            && pending.is_none_or(|pending| it.is_set("invoice") != pending)
    };
    match form.text("customer") {
        Some(customer) => page(form, "/v1/invoiceitems", world.store.of_customer("invoiceitem", customer).filter(wanted)),
        None => page(form, "/v1/invoiceitems", world.store.all("invoiceitem").filter(wanted)),
    }
}

fn delete(world: &mut World, id: &str) -> Answer {
    let item = world.object("invoiceitem", id)?.clone();
    if item.is_set("invoice") {
        let invoice = world.object("invoice", item.text("invoice"))?.clone();
        if invoice.status() != "draft" {
            return Err(ApiError::invalid("You cannot delete an invoice item that is on a finalized invoice.").code("invoice_not_editable"));
        }
        world.take_off_draft(invoice, id);
    }
    world.store.remove(id);
    world.emit("invoiceitem.deleted", &item);
    Ok(deleted("invoiceitem", id))
}
