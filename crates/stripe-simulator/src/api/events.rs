//! Events: kept for 30 days of the clock.

use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Verb, nowhere};
use crate::clock::DAY;
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::World;

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, &parts[1..]) {
        (Verb::Get, []) => list(world, form),
        (Verb::Get, [id]) => retrieve(world, id),
        _ => nowhere(verb, parts),
    }
}

fn retrieve(world: &World, id: &str) -> Answer {
    let event = world.object("event", id)?;
    if is_recent(event, world.now) { Ok(with_pending(world, event)) } else { Err(ApiError::no_such("event", id, "id")) }
}

fn is_recent(event: &Value, now: i64) -> bool {
    event.int("created") >= now - 30 * DAY
}

fn list(world: &World, form: &Form) -> Answer {
    form.only_list(&["type", "types[]", "delivery_success"])?;
    let (types, success) = (form.texts("types"), form.flag("delivery_success")?);
    if form.has("type") && !types.is_empty() {
        return Err(ApiError::invalid("You may not specify both `type` and `types`.").named("types"));
    }
    let of_type = |it: &Value| {
        let one = form.text("type").is_none_or(|wanted| matches_type(wanted, it.text("type")));
        one && (types.is_empty() || types.iter().any(|wanted| wanted == it.text("type")))
    };
    let wanted = |it: &&Value| is_recent(it, world.now) && of_type(it) && success.is_none_or(|success| delivered(world, it) == success);
    let mut list = page(form, "/v1/events", world.store.all("event").filter(wanted))?;
    for event in list["data"].as_array_mut().into_iter().flatten() {
        *event = with_pending(world, event);
    }
    Ok(list)
}

/// `customer.*` means each of its kind.
fn matches_type(wanted: &str, kind: &str) -> bool {
    wanted.strip_suffix('*').map_or(wanted == kind, |prefix| kind.starts_with(prefix))
}

fn delivered(world: &World, event: &Value) -> bool {
    world.outbox.is_delivered(event.id())
}

pub fn with_pending(world: &World, event: &Value) -> Value {
    let pending = world.outbox.of_event(event.id()).filter(|it| it.is_open()).count();
    let mut event = event.clone();
    event["pending_webhooks"] = json!(pending);
    event
}
