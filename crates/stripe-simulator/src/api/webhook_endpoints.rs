//! Webhook endpoints. The secret is shown once, when one is made.

use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Verb, deleted, nowhere};
use crate::API_VERSION;
use crate::error::ApiError;
use crate::form::Form;
use crate::world::World;

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, &parts[1..]) {
        (Verb::Post, []) => create(world, form),
        (Verb::Get, []) => {
            form.only_list(&[])?;
            page(form, "/v1/webhook_endpoints", world.store.all("webhook_endpoint"))
        }
        (Verb::Get, [id]) => world.object("webhook_endpoint", id).cloned(),
        (Verb::Post, [id]) => update(world, id, form),
        (Verb::Delete, [id]) => {
            world.object("webhook_endpoint", id)?;
            world.store.remove(id);
            Ok(deleted("webhook_endpoint", id))
        }
        _ => nowhere(verb, parts),
    }
}

fn create(world: &mut World, form: &Form) -> Answer {
    form.only(&["url", "enabled_events[]", "description", "metadata[*]", "api_version", "connect"])?;
    let url = url_of(form)?.ok_or_else(|| ApiError::missing("url"))?;
    let events = form.texts("enabled_events");
    if events.is_empty() {
        return Err(ApiError::missing("enabled_events"));
    }
    if form.text("api_version").is_some_and(|it| it != API_VERSION) {
        return Err(ApiError::invalid(format!("The simulator speaks {API_VERSION} only.")).named("api_version"));
    }
    let secret = world.new_id("whsec");
    let endpoint = json!({
        "id": world.new_id("we"), "object": "webhook_endpoint", "api_version": form.text("api_version"), "application": null,
        "created": world.now, "description": form.text("description"), "enabled_events": events, "livemode": false,
        "metadata": form.metadata("metadata", &Value::Null), "status": "enabled", "url": url, "_secret": secret,
    });
    world.store.put(endpoint.clone());
    let mut shown = endpoint;
    shown["secret"] = json!(secret);
    Ok(shown)
}

fn url_of(form: &Form) -> Result<Option<&str>, ApiError> {
    match form.text("url") {
        Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
            Err(ApiError::invalid("Invalid URL: An explicit scheme (such as https) must be provided.").code("url_invalid").named("url"))
        }
        other => Ok(other),
    }
}

fn update(world: &mut World, id: &str, form: &Form) -> Answer {
    form.only(&["url", "enabled_events[]", "description", "metadata[*]", "disabled"])?;
    let mut endpoint = world.object("webhook_endpoint", id)?.clone();
    if let Some(url) = url_of(form)? {
        endpoint["url"] = json!(url);
    }
    if form.has("enabled_events") {
        endpoint["enabled_events"] = json!(form.texts("enabled_events"));
    }
    super::catalogue::set_texts(&mut endpoint, form, &["description"]);
    if let Some(disabled) = form.flag("disabled")? {
        endpoint["status"] = json!(if disabled { "disabled" } else { "enabled" });
    }
    endpoint["metadata"] = form.metadata("metadata", &endpoint["metadata"]);
    world.store.put(endpoint.clone());
    Ok(endpoint)
}
