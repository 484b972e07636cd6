//! `/`: the clock, what there is, what goes wrong, and what somebody does in Stripe's own dashboard.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::State;
use super::html::{button, error, escape, field, form, moment, money, page, see_other, table};
use crate::clock::{DAY, HOUR};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::server::Simulator;
use crate::traffic::{Failure, Fault};
use crate::world::{Answer, Delivery, Instrument, World};

/// Enough to see what is going on.
const SHOWN: usize = 50;

pub async fn show(simulator: State) -> HttpResponse {
    render(&simulator, None)
}

pub async fn submit(simulator: State, body: String) -> HttpResponse {
    let form = match Form::parse(&body) {
        Ok(form) => form,
        Err(refused) => return render(&simulator, Some(&refused.message)),
    };
    if form.text("do") == Some("advance") {
        return match form.integer_in("seconds", 0..=366 * DAY) {
            Ok(seconds) => {
                simulator.advance(seconds.unwrap_or_default()).await;
                see_other("/")
            }
            Err(refused) => render(&simulator, Some(&refused.message)),
        };
    }
    match perform(&simulator, &form) {
        Ok(()) => {
            simulator.posted.notify_one();
            see_other("/")
        }
        Err(refused) => render(&simulator, Some(&refused.message)),
    }
}

fn perform(simulator: &Simulator, form: &Form) -> Result<(), ApiError> {
    let id = form.text("id").unwrap_or_default();
    match form.required("do")? {
        "down" => simulator.down(form.text("down") == Some("true")),
        "outcome" => {
            let outcome: Instrument = named(form.required("outcome")?)?;
            simulator.plan_outcomes([outcome]);
        }
        "fault" => {
            let failure: Failure = named(form.required("failure")?)?;
            let path = form.text("path").unwrap_or_default().to_owned();
            simulator.fail_next(Fault { path, method: None, failure, times: 1, after: 0 });
        }
        "delivery" => {
            let share = |name: &str| form.text(name).map_or(Ok(0.0), |it| it.parse::<f64>().map(|it| it.clamp(0.0, 100.0) / 100.0));
            let wrong = |_| ApiError::invalid("Shares of deliveries are numbers from 0 to 100.");
            let (doubled, lost, delayed) =
                (share("doubled").map_err(wrong)?, share("lost").map_err(wrong)?, share("delayed").map_err(wrong)?);
            let (shuffled, held) = (form.has("shuffled"), form.has("held"));
            simulator.set_delivery(Delivery { doubled, lost, delayed, shuffled, held, seed: 1 });
        }
        "cancel" => simulator.world().cancel(id, false, false)?,
        "dispute" => drop(simulator.world().dispute(id, "fraudulent")?),
        "refund" => drop(simulator.world().refund(id, None, Some("requested_by_customer"), json!({}))?),
        "resend" => drop(simulator.world().resend(id)?),
        other => return Err(ApiError::invalid(format!("This page can’t do “{other}”."))),
    }
    Ok(())
}

fn named<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, ApiError> {
    serde_json::from_value(json!(name)).map_err(|_| ApiError::invalid(format!("“{name}” is not among the choices.")))
}

fn render(simulator: &Simulator, refused: Option<&str>) -> HttpResponse {
    let down = simulator.traffic().down;
    let faults = simulator.traffic().faults.clone();
    let world = simulator.world();
    let mut body = refused.map(error).unwrap_or_default();
    body.push_str(&clock(&world));
    body.push_str(&troubles(&world, down, &faults));
    body.push_str(&subscriptions(&world));
    body.push_str(&charges(&world));
    body.push_str(&deliveries(&world));
    let status = if refused.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    page(status, "Simulated Stripe", false, &body)
}

fn clock(world: &World) -> String {
    let by = |label: &str, seconds: i64| button("/", label, &[("do", "advance"), ("seconds", &seconds.to_string())]);
    let buttons = [by("+1 hour", HOUR), by("+1 day", DAY), by("+3 days", 3 * DAY), by("+30 days", 30 * DAY)].concat();
    format!("<h2>Clock</h2><p>{}</p>{buttons}", moment(world.now))
}

fn choices(name: &str, label: &str, values: &[&str]) -> String {
    let options: String = values.iter().map(|it| format!("<option>{it}</option>")).collect();
    format!("<label for=\"{name}\">{label}</label><select id=\"{name}\" name=\"{name}\">{options}</select>")
}

fn troubles(world: &World, down: bool, faults: &[Fault]) -> String {
    let (label, to) = if down { ("Bring Stripe up again", "false") } else { ("Take Stripe down", "true") };
    let switch = button("/", label, &[("do", "down"), ("down", to)]);
    let outcome =
        choices("outcome", "The next charge", &["good", "declined", "insufficient_funds", "expired", "authenticate_always", "disputed"]);
    let failure = choices("failure", "The next request", &["error_before", "error_after", "drop_before", "drop_after", "too_many"]);
    let planned = serde_json::to_string(&world.outcomes).unwrap_or_default();
    let faults = serde_json::to_string(faults).unwrap_or_default();
    let path = field("path", "whose path begins with", "", "placeholder=\"/v1/invoices\"");
    let outcome = form("/", "outcome", &outcome, "Plan it");
    let failure = form("/", "fault", &format!("{failure}{path}"), "Plan it");
    let (planned, faults) = (escape(&planned), escape(&faults));
    let told = format!("<p class=\"small\">Planned charges: {planned}. Planned failures: {faults}.</p>");
    format!("<h2>Trouble</h2>{switch}{outcome}{failure}{told}")
}

fn subscriptions(world: &World) -> String {
    let row = |it: &Value| {
        let item = &it["items"]["data"][0];
        let until = moment(item.int("current_period_end"));
        let customer = world.store.find(it.text("customer")).map(|it| it.text("email").to_owned()).unwrap_or_default();
        let cancel = if ["canceled", "incomplete_expired"].contains(&it.status()) {
            String::new()
        } else {
            button("/", "Delete", &[("do", "cancel"), ("id", it.id())])
        };
        vec![format!("<code>{}</code>", it.id()), escape(&customer), it.status().to_owned(), until, cancel]
    };
    let rows: Vec<Vec<String>> = world.store.all("subscription").rev().take(SHOWN).map(row).collect();
    format!(
        "<h2>Subscriptions</h2>{}",
        table("Subscriptions", &["Id", "Customer", "Status", "Period ends", "In Stripe’s dashboard"], &rows)
    )
}

fn charges(world: &World) -> String {
    let row = |it: &Value| {
        let mut acts = String::new();
        if it.flag("paid") && !it.flag("refunded") {
            acts.push_str(&button("/", "Refund", &[("do", "refund"), ("id", it.id())]));
        }
        if it.flag("paid") && !it.flag("disputed") {
            acts.push_str(&button("/", "Dispute", &[("do", "dispute"), ("id", it.id())]));
        }
        let state = if it.flag("disputed") {
            "disputed"
        } else if it.flag("refunded") {
            "refunded"
        } else {
            it.status()
        };
        vec![
            format!("<code>{}</code>", it.id()),
            money(it.int("amount"), it.text("currency")),
            state.to_owned(),
            moment(it.int("created")),
            acts,
        ]
    };
    let rows: Vec<Vec<String>> = world.store.all("charge").rev().take(SHOWN).map(row).collect();
    format!("<h2>Charges</h2>{}", table("Charges", &["Id", "Amount", "State", "When", "In Stripe’s dashboard"], &rows))
}

fn deliveries(world: &World) -> String {
    let mut rows = Vec::new();
    for message in world.outbox.newest(SHOWN) {
        let kind = world.store.find(&message.event).map(|it| it.text("type").to_owned()).unwrap_or_default();
        let url = world.store.find(&message.endpoint).map(|it| it.text("url").to_owned()).unwrap_or_default();
        let went = match message.answer {
            Answer::Waiting => "waiting".to_owned(),
            Answer::Accepted(status) => status.to_string(),
            Answer::Refused(Some(status)) => format!("{status}, {} attempts", message.attempts),
            Answer::Refused(None) => format!("no answer, {} attempts", message.attempts),
            Answer::Lost => "lost".to_owned(),
        };
        let resend = button("/", "Resend", &[("do", "resend"), ("id", &message.event)]);
        rows.push(vec![escape(&kind), escape(&url), moment(message.created), went, resend]);
    }
    format!(
        "<h2>Deliveries</h2>{}{}",
        delivery_form(world.outbox.setting()),
        table("Webhook deliveries, the newest first", &["Event", "To", "When", "How it went", "Again"], &rows)
    )
}

/// How badly they go.
fn delivery_form(setting: &Delivery) -> String {
    let share = |name: &str, label: &str, share: f64| field(name, label, &(share * 100.0).to_string(), "inputmode=\"decimal\"");
    let check = |name: &str, label: &str, set: bool| {
        let checked = if set { " checked" } else { "" };
        let input = format!("<input type=\"checkbox\" id=\"{name}\" name=\"{name}\" value=\"true\"{checked}>");
        format!("<p>{input} <label class=\"beside\" for=\"{name}\">{label}</label></p>")
    };
    let fields = [
        share("doubled", "Doubled, in percent", setting.doubled),
        share("lost", "Lost, in percent", setting.lost),
        share("delayed", "Delayed, in percent", setting.delayed),
        check("shuffled", "Shuffled", setting.shuffled),
        check("held", "Held back", setting.held),
    ];
    form("/", "delivery", &fields.concat(), "Set")
}
