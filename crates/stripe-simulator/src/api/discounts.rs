//! Coupons and promotion codes.

use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Verb, deleted, nowhere};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::World;

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, parts) {
        (Verb::Post, ["coupons"]) => create_coupon(world, form),
        (Verb::Get, ["coupons"]) => {
            form.only_list(&[])?;
            page(form, "/v1/coupons", world.store.all("coupon"))
        }
        (Verb::Get, ["coupons", id]) => world.object("coupon", id).cloned(),
        (Verb::Delete, ["coupons", id]) => {
            world.object("coupon", id)?;
            // A deleted coupon goes on where it was redeemed: it is only no longer valid.
            let mut coupon = world.object("coupon", id)?.clone();
            coupon["valid"] = json!(false);
            coupon["max_redemptions"] = coupon["times_redeemed"].clone();
            world.store.put(coupon.clone());
            world.emit("coupon.deleted", &coupon);
            Ok(deleted("coupon", id))
        }
        (Verb::Post, ["promotion_codes"]) => create_code(world, form),
        (Verb::Get, ["promotion_codes"]) => list_codes(world, form),
        (Verb::Get, ["promotion_codes", id]) => world.object("promotion_code", id).cloned(),
        (Verb::Post, ["promotion_codes", id]) => update_code(world, id, form),
        _ => nowhere(verb, parts),
    }
}

fn create_coupon(world: &mut World, form: &Form) -> Answer {
    form.only(&[
        "id",
        "name",
        "percent_off",
        "amount_off",
        "currency",
        "duration",
        "duration_in_months",
        "max_redemptions",
        "redeem_by",
        "metadata[*]",
    ])?;
    let percent = form
        .text("percent_off")
        .map(|it| it.parse::<f64>().map_err(|_| ApiError::invalid(format!("Invalid decimal: {it}")).named("percent_off")));
    let (percent, amount) = (percent.transpose()?, form.integer_in("amount_off", 1..=99_999_999)?);
    if percent.is_some() == amount.is_some() || percent.is_some_and(|it| !(0.0..=100.0).contains(&it)) {
        return Err(ApiError::invalid("A coupon has either a percent_off between 0 and 100 or an amount_off.").named("percent_off"));
    }
    if amount.is_some() {
        form.required("currency")?;
    }
    let duration = form.choice("duration", &["forever", "once", "repeating"])?.unwrap_or("once");
    if duration == "repeating" {
        form.required("duration_in_months")?;
    }
    let id = form.text("id").map_or_else(|| world.new_id("c").trim_start_matches("c_")[..8].to_owned(), str::to_owned);
    if world.store.find(&id).is_some() {
        return Err(ApiError::invalid("Coupon already exists.").code("resource_already_exists").named("id"));
    }
    let coupon = json!({
        "id": id, "object": "coupon", "amount_off": amount, "created": world.now, "currency": form.text("currency"), "duration": duration,
        "duration_in_months": form.integer_in("duration_in_months", 1..=240)?, "livemode": false,
        "max_redemptions": form.integer("max_redemptions")?,
        "metadata": form.metadata("metadata", &Value::Null), "name": form.text("name"), "percent_off": percent,
        "redeem_by": form.integer("redeem_by")?, "times_redeemed": 0, "valid": true,
    });
    world.store.put(coupon.clone());
    world.emit("coupon.created", &coupon);
    Ok(coupon)
}

fn create_code(world: &mut World, form: &Form) -> Answer {
    form.only(&["promotion[type]", "promotion[coupon]", "code", "active", "customer", "expires_at", "max_redemptions", "metadata[*]"])?;
    form.choice("promotion.type", &["coupon"])?;
    let coupon = form.required("promotion.coupon")?;
    world.object_for("coupon", coupon, "promotion[coupon]")?;
    let code = form.text("code").map_or_else(|| world.new_id("c").trim_start_matches("c_")[..8].to_uppercase(), str::to_owned);
    let taken = world.store.all("promotion_code").any(|it| it.flag("active") && it.text("code").eq_ignore_ascii_case(&code));
    if taken {
        return Err(ApiError::invalid(format!("An active promotion code with `code: {code}` already exists.")).named("code"));
    }
    let promotion = json!({
        "id": world.new_id("promo"), "object": "promotion_code", "active": form.flag("active")?.unwrap_or(true), "code": code,
        "created": world.now, "customer": form.text("customer"), "customer_account": null, "expires_at": form.integer("expires_at")?,
        "livemode": false, "max_redemptions": form.integer("max_redemptions")?, "metadata": form.metadata("metadata", &Value::Null),
        "promotion": {"coupon": coupon, "type": "coupon"},
        "restrictions": {"first_time_transaction": false, "minimum_amount": null, "minimum_amount_currency": null}, "times_redeemed": 0,
    });
    world.store.put(promotion.clone());
    world.emit("promotion_code.created", &promotion);
    Ok(promotion)
}

fn update_code(world: &mut World, id: &str, form: &Form) -> Answer {
    form.only(&["active", "metadata[*]"])?;
    let mut promotion = world.object("promotion_code", id)?.clone();
    if let Some(active) = form.flag("active")? {
        promotion["active"] = json!(active);
    }
    promotion["metadata"] = form.metadata("metadata", &promotion["metadata"]);
    world.save_changed("promotion_code.updated", promotion.clone());
    Ok(promotion)
}

fn list_codes(world: &World, form: &Form) -> Answer {
    form.only_list(&["active", "code", "coupon", "customer"])?;
    let active = form.flag("active")?;
    let wanted = |it: &&Value| {
        active.is_none_or(|active| it.flag("active") == active)
            && form.text("code").is_none_or(|code| it.text("code").eq_ignore_ascii_case(code))
            && form.text("coupon").is_none_or(|coupon| it.text("promotion.coupon") == coupon)
            && form.text("customer").is_none_or(|customer| it.text("customer") == customer)
    };
    page(form, "/v1/promotion_codes", world.store.all("promotion_code").filter(wanted))
}
