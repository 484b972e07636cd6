//! `/invoice/{id}`: the hosted invoice page, and the invoice as a text.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::Value;

use super::State;
use super::html::{day, error, escape, field, money, not_found, page, see_other, table};
use crate::form::Form;
use crate::json::Fields;
use crate::world::{Presence, World};

pub async fn show(simulator: State, id: web::Path<String>) -> HttpResponse {
    match simulator.world().object("invoice", &id) {
        Ok(invoice) if invoice.status() != "draft" => render(invoice, None),
        _ => not_found("This invoice"),
    }
}

/// Pays with what was typed; the customer is there, and confirms what their bank asks.
pub async fn submit(simulator: State, id: web::Path<String>, body: String) -> HttpResponse {
    let typed = Form::parse(&body).ok().and_then(|it| it.text("method").map(str::to_owned)).unwrap_or_default();
    let mut world = simulator.world();
    let paid = pay(&mut world, &id, &typed);
    simulator.posted.notify_one();
    match (paid, world.object("invoice", &id)) {
        (Ok(()), _) => see_other(&format!("/invoice/{id}")),
        (Err(refused), Ok(invoice)) => render(invoice, Some(&refused.message)),
        (Err(_), Err(_)) => not_found("This invoice"),
    }
}

fn pay(world: &mut World, id: &str, typed: &str) -> Result<(), crate::error::ApiError> {
    let invoice = world.object("invoice", id)?.clone();
    let method = world.new_payment_method(typed, Value::Null)?;
    world.attach(method.id(), invoice.text("customer"))?;
    world.pay(id, Some(method.id()), Presence::OnSession)
}

fn render(invoice: &Value, refused: Option<&str>) -> HttpResponse {
    let currency = invoice.text("currency");
    let rows: Vec<Vec<String>> =
        invoice.list("lines").iter().map(|it| vec![escape(it.text("description")), money(it.int("amount"), currency)]).collect();
    let mut body = refused.map(error).unwrap_or_default();
    body.push_str(&format!("<p>To {}</p>", escape(invoice.text("customer_email"))));
    body.push_str(&table("Lines", &["For", "Amount"], &rows));
    body.push_str(&format!("<p><strong>Total: {}</strong></p>", money(invoice.int("total"), currency)));
    match invoice.status() {
        "open" => {
            if invoice.is_set("due_date") {
                body.push_str(&format!("<p>Due on {}</p>", day(invoice.int("due_date"))));
            }
            let due = money(invoice.int("amount_remaining"), currency);
            let number = field("method", "Card number or IBAN", "", "autocomplete=\"cc-number\" required");
            body.push_str(&format!(
                "<form method=\"post\" action=\"/invoice/{}\">{number}<p><button>Pay {due}</button></p></form>",
                invoice.id()
            ));
        }
        status => body.push_str(&format!("<p>This invoice is {status}.</p>")),
    }
    body.push_str(&format!("<p><a href=\"/invoice/{}/pdf\">The invoice as a text</a></p>", invoice.id()));
    let status = if refused.is_some() { StatusCode::PAYMENT_REQUIRED } else { StatusCode::OK };
    page(status, &format!("Invoice {}", invoice.text("number")), true, &body)
}

pub async fn document(simulator: State, id: web::Path<String>) -> HttpResponse {
    let world = simulator.world();
    let Ok(invoice) = world.object("invoice", &id) else { return not_found("This invoice") };
    let currency = invoice.text("currency");
    let mut text =
        format!("Invoice {}\n{}\nTo {}\n\n", invoice.text("number"), day(invoice.int("created")), invoice.text("customer_email"));
    for line in invoice.list("lines") {
        text.push_str(&format!("{}: {}\n", line.text("description"), money(line.int("amount"), currency)));
    }
    text.push_str(&format!("\nTotal: {}\nStatus: {}\n", money(invoice.int("total"), currency), invoice.status()));
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
}
