//! Products and prices.

use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Verb, deleted, nowhere};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::World;

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, parts) {
        (Verb::Post, ["products"]) => create_product(world, form),
        (Verb::Get, ["products"]) => list_products(world, form),
        (Verb::Get, ["products", id]) => world.object("product", id).cloned(),
        (Verb::Post, ["products", id]) => update_product(world, id, form),
        (Verb::Delete, ["products", id]) => delete_product(world, id),
        (Verb::Post, ["prices"]) => create_price(world, form),
        (Verb::Get, ["prices"]) => list_prices(world, form),
        (Verb::Get, ["prices", id]) => world.object("price", id).cloned(),
        (Verb::Post, ["prices", id]) => update_price(world, id, form),
        _ => nowhere(verb, parts),
    }
}

const PRODUCT: &[&str] = &[
    "id",
    "name",
    "active",
    "description",
    "metadata[*]",
    "images[]",
    "marketing_features[][name]",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
    "default_price",
];

fn create_product(world: &mut World, form: &Form) -> Answer {
    form.only(PRODUCT)?;
    let name = form.required("name")?;
    let id = form.text("id").map_or_else(|| world.new_id("prod"), str::to_owned);
    if world.store.find(&id).is_some() {
        return Err(ApiError::invalid("Product already exists.").code("resource_already_exists").named("id"));
    }
    let product = product_shape(world, &id, name);
    let product = with_product_members(product, form)?;
    world.store.put(product.clone());
    world.emit("product.created", &product);
    Ok(product)
}

fn product_shape(world: &World, id: &str, name: &str) -> Value {
    json!({
        "id": id, "object": "product", "active": true, "created": world.now, "default_price": null, "description": null, "images": [],
        "livemode": false, "marketing_features": [], "metadata": {}, "name": name, "package_dimensions": null, "shippable": null,
        "statement_descriptor": null, "tax_code": null, "type": "service", "unit_label": null, "updated": world.now, "url": null,
    })
}

fn update_product(world: &mut World, id: &str, form: &Form) -> Answer {
    form.only(&PRODUCT[1..])?;
    let mut product = with_product_members(world.object("product", id)?.clone(), form)?;
    product["updated"] = json!(world.now);
    world.save_changed("product.updated", product.clone());
    Ok(product)
}

fn with_product_members(mut product: Value, form: &Form) -> Answer {
    set_texts(&mut product, form, &["name", "description", "statement_descriptor", "tax_code", "unit_label", "url", "default_price"]);
    if let Some(active) = form.flag("active")? {
        product["active"] = json!(active);
    }
    if form.has("images") {
        product["images"] = json!(form.texts("images"));
    }
    if form.has("marketing_features") {
        let names: Vec<Value> = form.members("marketing_features").iter().map(|it| json!({"name": it.text("name")})).collect();
        product["marketing_features"] = json!(names);
    }
    product["metadata"] = form.metadata("metadata", &product["metadata"]);
    Ok(product)
}

/// Members that are set as they come, and unset where they come empty.
pub fn set_texts(object: &mut Value, form: &Form, names: &[&str]) {
    for name in names {
        if form.has(name) {
            object[*name] = json!(form.text(name));
        }
    }
}

fn list_products(world: &World, form: &Form) -> Answer {
    form.only_list(&["active", "ids[]"])?;
    let (active, ids) = (form.flag("active")?, form.texts("ids"));
    let wanted =
        |it: &&Value| active.is_none_or(|active| it.flag("active") == active) && (ids.is_empty() || ids.iter().any(|id| id == it.id()));
    page(form, "/v1/products", world.store.all("product").filter(wanted))
}

fn delete_product(world: &mut World, id: &str) -> Answer {
    world.object("product", id)?;
    if world.store.all("price").any(|it| it.text("product") == id) {
        return Err(ApiError::invalid("This product cannot be deleted because it has one or more user-created prices."));
    }
    let product = world.store.remove(id).unwrap_or_default();
    world.emit("product.deleted", &product);
    Ok(deleted("product", id))
}

const PRICE: &[&str] = &[
    "currency",
    "product",
    "product_data[name]",
    "unit_amount",
    "unit_amount_decimal",
    "active",
    "nickname",
    "metadata[*]",
    "lookup_key",
    "transfer_lookup_key",
    "tax_behavior",
    "billing_scheme",
    "recurring[interval]",
    "recurring[interval_count]",
    "recurring[usage_type]",
];

fn create_price(world: &mut World, form: &Form) -> Answer {
    form.only(PRICE)?;
    let currency = form.required("currency")?.to_lowercase();
    let product = match form.text("product_data.name") {
        Some(name) => {
            let id = world.new_id("prod");
            let product = product_shape(world, &id, name);
            world.store.put(product.clone());
            world.emit("product.created", &product);
            id
        }
        None => form.required("product")?.to_owned(),
    };
    world.object_for("product", &product, "product")?;
    let amount = form.integer_in("unit_amount", 0..=99_999_999)?.ok_or_else(|| ApiError::missing("unit_amount"))?;
    form.choice("billing_scheme", &["per_unit"])?;
    form.choice("recurring.usage_type", &["licensed"])?;
    let recurring = match form.choice("recurring.interval", &["day", "week", "month", "year"])? {
        Some(interval) => {
            json!({"interval": interval, "interval_count": form.integer_in("recurring.interval_count", 1..=1095)?.unwrap_or(1),
            "meter": null,
            "trial_period_days": null, "usage_type": "licensed"})
        }
        None => Value::Null,
    };
    let price = json!({
        "id": world.new_id("price"), "object": "price", "active": form.flag("active")?.unwrap_or(true), "billing_scheme": "per_unit",
        "created": world.now, "currency": currency, "custom_unit_amount": null, "livemode": false, "lookup_key": null,
        "metadata": form.metadata("metadata", &Value::Null), "nickname": form.text("nickname"), "product": product,
        "type": if recurring.is_null() { "one_time" } else { "recurring" }, "recurring": recurring,
        "tax_behavior": form.choice("tax_behavior", &["inclusive", "exclusive", "unspecified"])?.unwrap_or("unspecified"),
        "tiers_mode": null, "transform_quantity": null, "unit_amount": amount, "unit_amount_decimal": amount.to_string(),
    });
    let price = with_lookup_key(world, price, form)?;
    world.store.put(price.clone());
    world.emit("price.created", &price);
    Ok(price)
}

fn update_price(world: &mut World, id: &str, form: &Form) -> Answer {
    form.only(&["active", "nickname", "metadata[*]", "lookup_key", "transfer_lookup_key", "tax_behavior"])?;
    let mut price = world.object("price", id)?.clone();
    set_texts(&mut price, form, &["nickname", "tax_behavior"]);
    if let Some(active) = form.flag("active")? {
        price["active"] = json!(active);
    }
    price["metadata"] = form.metadata("metadata", &price["metadata"]);
    let price = with_lookup_key(world, price, form)?;
    world.save_changed("price.updated", price.clone());
    Ok(price)
}

/// A lookup key names one price; `transfer_lookup_key` takes it from the one that has it.
fn with_lookup_key(world: &mut World, mut price: Value, form: &Form) -> Answer {
    if form.emptied("lookup_key") {
        price["lookup_key"] = Value::Null;
    }
    let Some(key) = form.text("lookup_key") else { return Ok(price) };
    let holder = world.store.all("price").find(|it| it.text("lookup_key") == key && it.id() != price.id()).cloned();
    if let Some(mut holder) = holder {
        if form.flag("transfer_lookup_key")? != Some(true) {
            let message = format!("A price (`{}`) already uses that lookup key.", holder.id());
            return Err(ApiError::invalid(message).code("resource_already_exists").named("lookup_key"));
        }
        holder["lookup_key"] = Value::Null;
        world.save_changed("price.updated", holder);
    }
    price["lookup_key"] = json!(key);
    Ok(price)
}

fn list_prices(world: &World, form: &Form) -> Answer {
    form.only_list(&["active", "currency", "product", "type", "lookup_keys[]", "recurring[interval]"])?;
    let (active, keys) = (form.flag("active")?, form.texts("lookup_keys"));
    let is = |it: &Value, member: &str, param: &str| form.text(param).is_none_or(|wanted| it.text(member) == wanted);
    let wanted = |it: &&Value| {
        active.is_none_or(|active| it.flag("active") == active)
            && (keys.is_empty() || keys.iter().any(|key| key == it.text("lookup_key")))
            && is(it, "currency", "currency")
            && is(it, "product", "product")
            && is(it, "type", "type")
            && is(it, "recurring.interval", "recurring.interval")
    };
    page(form, "/v1/prices", world.store.all("price").filter(wanted))
}
