//! `/portal/{session}`: the customer's cards, address, tax id and invoices.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::State;
use super::html::{button, day, error, escape, field, form, money, not_found, page, see_other, table};
use crate::api::{self, Verb};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::World;

pub async fn show(simulator: State, session: web::Path<String>) -> HttpResponse {
    let world = simulator.world();
    match world.object("billing_portal.session", &session) {
        Ok(session) => render(&world, session, None),
        Err(_) => not_found("This portal session"),
    }
}

pub async fn submit(simulator: State, id: web::Path<String>, body: String) -> HttpResponse {
    let mut world = simulator.world();
    let Ok(session) = world.object("billing_portal.session", &id).cloned() else { return not_found("This portal session") };
    let done = Form::parse(&body).and_then(|it| perform(&mut world, session.text("customer"), &it));
    simulator.posted.notify_one();
    match done {
        Ok(()) => see_other(&format!("/portal/{id}")),
        Err(refused) => render(&world, &session, Some(&refused.message)),
    }
}

fn perform(world: &mut World, customer: &str, form: &Form) -> Result<(), ApiError> {
    let own = |world: &World, method: &str| world.object("payment_method", method).map(|it| it.text("customer") == customer);
    match form.required("do")? {
        "add" => {
            let method = world.new_payment_method(form.required("method")?, Value::Null)?;
            world.attach(method.id(), customer)?;
            use_for_everything(world, method.id(), customer);
        }
        "default" if own(world, form.required("method")?)? => use_for_everything(world, form.required("method")?, customer),
        "remove" if own(world, form.required("method")?)? => drop(world.detach(form.required("method")?)?),
        "details" => {
            let mut object = world.object("customer", customer)?.clone();
            for name in ["name", "email"] {
                object[name] = json!(form.text(name));
            }
            let member = |name: &str| form.text(name);
            object["address"] = json!({"city": member("city"), "country": member("country"), "line1": member("line1"), "line2": null,
                "postal_code": member("postal_code"), "state": null});
            world.save_changed("customer.updated", object);
        }
        "tax_id" => {
            let number: String = form.required("value")?.chars().filter(char::is_ascii_alphanumeric).collect();
            let form = Form::parse(&format!("type=eu_vat&value={number}"))?;
            api::answer(world, Verb::Post, &format!("customers/{customer}/tax_ids"), &form)?;
        }
        _ => return Err(ApiError::invalid("This page can’t do that.")),
    }
    Ok(())
}

/// A card that is chosen here pays the subscriptions, too.
fn use_for_everything(world: &mut World, method: &str, customer: &str) {
    world.make_default(method, customer);
    let subscriptions: Vec<Value> =
        world.store.of_customer("subscription", customer).filter(|it| it.status() != "canceled").cloned().collect();
    for mut subscription in subscriptions {
        subscription["default_payment_method"] = json!(method);
        world.save_changed("customer.subscription.updated", subscription);
    }
}

fn render(world: &World, session: &Value, refused: Option<&str>) -> HttpResponse {
    let customer = world.store.find(session.text("customer")).cloned().unwrap_or_default();
    let action = format!("/portal/{}", session.id());
    let mut body = refused.map(error).unwrap_or_default();
    body.push_str(&methods(world, &customer, &action));
    body.push_str(&details(&customer, &action));
    let tax_ids: Vec<Vec<String>> = world.store.of_customer("tax_id", customer.id()).map(|it| vec![escape(it.text("value"))]).collect();
    body.push_str(&format!("<h2>Tax</h2>{}", table("Tax ids", &["Number"], &tax_ids)));
    let number = field("value", "VAT number", "", "required");
    body.push_str(&form(&action, "tax_id", &number, "Add"));
    body.push_str(&invoices(world, &customer));
    let back = session.text("return_url");
    if !back.is_empty() {
        body.push_str(&format!("<p><a href=\"{}\">Go back</a></p>", escape(back)));
    }
    let status = if refused.is_some() { StatusCode::PAYMENT_REQUIRED } else { StatusCode::OK };
    page(status, "Billing", false, &body)
}

fn methods(world: &World, customer: &Value, action: &str) -> String {
    let default = customer.text("invoice_settings.default_payment_method");
    let own = world.store.of_customer("payment_method", customer.id()).filter(|it| it["customer"] == customer["id"]);
    let row = |method: &Value| {
        let (kind, hidden) = (method.text("type"), [("method", method.id())]);
        let last4 = format!("{} …{}", escape(method[kind].text("brand")), method[kind].text("last4"));
        let with = |what: &'static str| [hidden[0], ("do", what)];
        let use_it = if method.id() == default { "In use".to_owned() } else { button(action, "Use this", &with("default")) };
        vec![last4, use_it, button(action, "Remove", &with("remove"))]
    };
    let rows: Vec<Vec<String>> = own.map(row).collect();
    let number = field("method", "Card number or IBAN", "", "autocomplete=\"cc-number\" required");
    let add = form(action, "add", &number, "Add and use");
    format!("<h2>How you pay</h2>{}{add}", table("Cards and accounts", &["Number", "Use", "Remove"], &rows))
}

fn details(customer: &Value, action: &str) -> String {
    let address = &customer["address"];
    let fields = [
        field("name", "Name", customer.text("name"), "autocomplete=\"name\""),
        field("email", "Email", customer.text("email"), "type=\"email\" autocomplete=\"email\""),
        field("line1", "Street and number", address.text("line1"), "autocomplete=\"address-line1\""),
        field("postal_code", "Postal code", address.text("postal_code"), "autocomplete=\"postal-code\""),
        field("city", "City", address.text("city"), "autocomplete=\"address-level2\""),
        field("country", "Country (two letters)", address.text("country"), "maxlength=\"2\" autocomplete=\"country\""),
    ];
    format!("<h2>Address</h2>{}", form(action, "details", &fields.concat(), "Save"))
}

fn invoices(world: &World, customer: &Value) -> String {
    let finalized = world.store.of_customer("invoice", customer.id()).filter(|it| it.status() != "draft").rev();
    let row = |it: &Value| {
        let link = format!("<a href=\"/invoice/{}\">{}</a>", it.id(), escape(it.text("number")));
        vec![link, day(it.int("created")), money(it.int("total"), it.text("currency")), it.status().to_owned()]
    };
    let rows: Vec<Vec<String>> = finalized.map(row).collect();
    format!("<h2>Invoices</h2>{}", table("Invoices", &["Number", "Date", "Total", "Status"], &rows))
}
