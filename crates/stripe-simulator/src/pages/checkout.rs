//! `/pay/{session}`: Checkout.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::Value;

use super::State;
use super::html::{button, day, error, escape, field, money, not_found, page, see_other};
use crate::clock::DAY;
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::{Payment, World};

pub async fn show(simulator: State, session: web::Path<String>) -> HttpResponse {
    let world = simulator.world();
    match world.object("checkout.session", &session) {
        Ok(session) if session.status() == "open" => render(&world, session, &Payment::default(), None),
        Ok(session) => closed(session),
        Err(_) => not_found("This Checkout Session"),
    }
}

pub async fn submit(simulator: State, session: web::Path<String>, body: String) -> HttpResponse {
    let Ok(form) = Form::parse(&body) else { return page(StatusCode::BAD_REQUEST, "Checkout", true, &error("This is not a form.")) };
    let payment = payment_of(&form);
    let paid = simulator.pay(&session, &payment);
    let world = simulator.world();
    let Ok(object) = world.object("checkout.session", &session) else { return not_found("This Checkout Session") };
    match paid {
        Ok(()) => see_other(&object.text("success_url").replace("{CHECKOUT_SESSION_ID}", object.id())),
        Err(_) if object.status() != "open" => closed(object),
        Err(error) => render(&world, object, &payment, Some(&error)),
    }
}

fn payment_of(form: &Form) -> Payment {
    let text = |name: &str| form.text(name).map(str::to_owned);
    Payment {
        method: text("method"),
        email: text("email"),
        name: text("name"),
        country: text("country"),
        code: text("code"),
        tax_id: text("tax_id"),
        authenticated: form.text("authenticated") == Some("true"),
    }
}

fn closed(session: &Value) -> HttpResponse {
    let back = session.text("cancel_url");
    let link = if back.is_empty() { String::new() } else { format!("<p><a href=\"{}\">Go back</a></p>", escape(back)) };
    page(StatusCode::GONE, "Checkout", true, &format!("<p>This page is {} and can’t be used any more.</p>{link}", escape(session.status())))
}

fn render(world: &World, session: &Value, typed: &Payment, refused: Option<&ApiError>) -> HttpResponse {
    let authenticate = refused.is_some_and(|it| it.code == Some("authentication_required"));
    let mut body = String::new();
    if let Some(refused) = refused.filter(|_| !authenticate) {
        body.push_str(&error(&refused.message));
    }
    body.push_str(&summary(world, session));
    body.push_str(&if authenticate { confirmation(session, typed) } else { fields(world, session, typed) });
    let cancel = session.text("cancel_url");
    if !cancel.is_empty() {
        body.push_str(&format!("<p><a href=\"{}\">Cancel and go back</a></p>", escape(cancel)));
    }
    let status = if refused.is_some() && !authenticate { StatusCode::PAYMENT_REQUIRED } else { StatusCode::OK };
    page(status, "Checkout", true, &body)
}

fn summary(world: &World, session: &Value) -> String {
    let currency = session.text("currency");
    let coupon = world.session_coupon(session, None).ok().flatten().map(|(it, _)| it);
    let (today, later) = world.session_amounts(session, coupon.as_ref());
    let mut lines = String::new();
    let mut interval = String::new();
    for item in session.list("_line_items") {
        let price = world.store.find(item.text("price")).cloned().unwrap_or_default();
        let product = world.store.find(price.text("product")).cloned().unwrap_or_default();
        let amount = money(price.int("unit_amount") * item.int("quantity"), currency);
        lines.push_str(&format!("<li>{} × {}: {amount}</li>", item.int("quantity"), escape(product.text("name"))));
        interval = price.text("recurring.interval").to_owned();
    }
    let trial = session["_subscription_data"]["trial"]["days"].as_i64();
    let begin = trial.map(|days| format!(", from {}", day(world.now + days * DAY))).unwrap_or_default();
    format!(
        "<ul>{lines}</ul><p><strong>Due today: {}</strong></p><p>Then {} every {interval}{begin}, until you cancel.</p>",
        money(today, currency),
        money(later, currency)
    )
}

fn fields(world: &World, session: &Value, typed: &Payment) -> String {
    let coupon = world.session_coupon(session, None).ok().flatten().map(|(it, _)| it);
    let (today, _) = world.session_amounts(session, coupon.as_ref());
    let needed = today > 0 || session.text("payment_method_collection") != "if_required";
    let mut form = format!("<form method=\"post\" action=\"/pay/{}\">", session.id());
    if !session.is_set("customer") {
        let email = typed.email.as_deref().unwrap_or(session.text("customer_email"));
        form.push_str(&field("email", "Email", email, "type=\"email\" autocomplete=\"email\" required"));
    }
    form.push_str(&field("name", "Name", typed.name.as_deref().unwrap_or_default(), "autocomplete=\"name\""));
    form.push_str(&field(
        "country",
        "Country (two letters)",
        typed.country.as_deref().unwrap_or_default(),
        "maxlength=\"2\" autocomplete=\"country\"",
    ));
    if needed {
        form.push_str(&field("method", "Card number or IBAN", "", "autocomplete=\"cc-number\" required aria-describedby=\"test\""));
        let known = "4242 4242 4242 4242, or DE89 3704 0044 0532 0130 00";
        form.push_str(&format!("<p class=\"small\" id=\"test\">Nothing real: Stripe’s test cards, such as {known}.</p>"));
    }
    if session.flag("tax_id_collection.enabled") {
        form.push_str(&field("tax_id", "VAT number, if you buy as a business", typed.tax_id.as_deref().unwrap_or_default(), ""));
    }
    if session.flag("allow_promotion_codes") {
        form.push_str(&field("code", "Promotion code", typed.code.as_deref().unwrap_or_default(), ""));
    }
    let label = if today > 0 { format!("Pay {} and subscribe", money(today, session.text("currency"))) } else { "Start trial".to_owned() };
    form.push_str(&format!("<p><button>{label}</button></p></form>"));
    form
}

/// What the customer's bank asks.
fn confirmation(session: &Value, typed: &Payment) -> String {
    let typed = [
        ("method", &typed.method),
        ("email", &typed.email),
        ("name", &typed.name),
        ("country", &typed.country),
        ("code", &typed.code),
        ("tax_id", &typed.tax_id),
    ];
    let mut hidden: Vec<(&str, &str)> = typed.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    hidden.push(("authenticated", "true"));
    let action = format!("/pay/{}", session.id());
    let confirm = button(&action, "Confirm the payment", &hidden);
    format!("<h2>Your bank asks you to confirm this payment</h2>{confirm}<p><a href=\"{action}\">Refuse it</a></p>")
}
