//! The customer portal's configurations and sessions.

use serde_json::{Value, json};

use super::page::page;
use super::{Answer, Verb, nowhere};
use crate::error::ApiError;
use crate::form::Form;
use crate::json::Fields;
use crate::world::World;

pub fn route(world: &mut World, verb: Verb, parts: &[&str], form: &Form) -> Answer {
    match (verb, &parts[1..]) {
        (Verb::Post, ["configurations"]) => create(world, form),
        (Verb::Get, ["configurations"]) => list(world, form),
        (Verb::Get, ["configurations", id]) => world.object("billing_portal.configuration", id).cloned(),
        (Verb::Post, ["configurations", id]) => update(world, id, form),
        (Verb::Post, ["sessions"]) => create_session(world, form),
        _ => nowhere(verb, parts),
    }
}

const MEMBERS: &[&str] = &[
    "name",
    "active",
    "default_return_url",
    "metadata[*]",
    "business_profile[headline]",
    "business_profile[privacy_policy_url]",
    "business_profile[terms_of_service_url]",
    "features[customer_update][enabled]",
    "features[customer_update][allowed_updates][]",
    "features[invoice_history][enabled]",
    "features[payment_method_update][enabled]",
    "features[subscription_cancel][enabled]",
    "features[subscription_cancel][mode]",
    "features[subscription_cancel][proration_behavior]",
    "features[subscription_cancel][cancellation_reason][enabled]",
    "features[subscription_cancel][cancellation_reason][options][]",
    "features[subscription_update][enabled]",
    "features[subscription_update][default_allowed_updates][]",
    "features[subscription_update][proration_behavior]",
    "login_page[enabled]",
];

fn create(world: &mut World, form: &Form) -> Answer {
    form.only(MEMBERS)?;
    let first = world.store.all("billing_portal.configuration").next().is_none();
    let configuration = json!({
        "id": world.new_id("bpc"), "object": "billing_portal.configuration", "active": true, "application": null,
        "business_profile": {"headline": null, "privacy_policy_url": null, "terms_of_service_url": null}, "created": world.now,
        "default_return_url": null,
        "features": {
            "customer_update": {"allowed_updates": [], "enabled": false}, "invoice_history": {"enabled": false},
            "payment_method_update": {"enabled": false, "payment_method_configuration": null},
            "subscription_cancel": {"cancellation_reason": {"enabled": false, "options": []}, "enabled": false, "mode": "at_period_end",
                "proration_behavior": "none"},
            "subscription_update": {"billing_cycle_anchor": null, "default_allowed_updates": [], "enabled": false, "products": [],
                "proration_behavior": "none", "schedule_at_period_end": {"conditions": []}, "trial_update_behavior": "end_trial"},
        },
        "is_default": first, "livemode": false, "login_page": {"enabled": false, "url": null}, "metadata": {}, "name": null,
        "updated": world.now,
    });
    let configuration = with_members(configuration, form)?;
    world.store.put(configuration.clone());
    world.emit("billing_portal.configuration.created", &configuration);
    Ok(configuration)
}

fn update(world: &mut World, id: &str, form: &Form) -> Answer {
    form.only(MEMBERS)?;
    let mut configuration = with_members(world.object("billing_portal.configuration", id)?.clone(), form)?;
    configuration["updated"] = json!(world.now);
    world.save_changed("billing_portal.configuration.updated", configuration.clone());
    Ok(configuration)
}

fn with_members(mut configuration: Value, form: &Form) -> Answer {
    super::catalogue::set_texts(&mut configuration, form, &["name", "default_return_url"]);
    let profile = form.inner("business_profile");
    super::catalogue::set_texts(
        &mut configuration["business_profile"],
        &profile,
        &["headline", "privacy_policy_url", "terms_of_service_url"],
    );
    if let Some(active) = form.flag("active")? {
        configuration["active"] = json!(active);
    }
    let features = form.inner("features");
    for name in ["customer_update", "invoice_history", "payment_method_update", "subscription_cancel", "subscription_update"] {
        if let Some(enabled) = features.flag(&format!("{name}.enabled"))? {
            configuration["features"][name]["enabled"] = json!(enabled);
        }
    }
    for (feature, name) in [("customer_update", "allowed_updates"), ("subscription_update", "default_allowed_updates")] {
        let path = format!("{feature}.{name}");
        if features.has(&path) {
            configuration["features"][feature][name] = json!(features.texts(&path));
        }
    }
    for (feature, name) in
        [("subscription_cancel", "mode"), ("subscription_cancel", "proration_behavior"), ("subscription_update", "proration_behavior")]
    {
        if let Some(value) = features.text(&format!("{feature}.{name}")) {
            configuration["features"][feature][name] = json!(value);
        }
    }
    if let Some(enabled) = features.flag("subscription_cancel.cancellation_reason.enabled")? {
        let options = features.texts("subscription_cancel.cancellation_reason.options");
        configuration["features"]["subscription_cancel"]["cancellation_reason"] = json!({"enabled": enabled, "options": options});
    }
    if let Some(enabled) = form.flag("login_page.enabled")? {
        configuration["login_page"]["enabled"] = json!(enabled);
    }
    configuration["metadata"] = form.metadata("metadata", &configuration["metadata"]);
    Ok(configuration)
}

fn list(world: &World, form: &Form) -> Answer {
    form.only_list(&["active", "is_default"])?;
    let (active, default) = (form.flag("active")?, form.flag("is_default")?);
    let wanted = |it: &&Value| {
        active.is_none_or(|wanted| it.flag("active") == wanted) && default.is_none_or(|wanted| it.flag("is_default") == wanted)
    };
    page(form, "/v1/billing_portal/configurations", world.store.all("billing_portal.configuration").filter(wanted))
}

fn create_session(world: &mut World, form: &Form) -> Answer {
    form.only(&[
        "customer",
        "configuration",
        "return_url",
        "locale",
        "flow_data[type]",
        "flow_data[after_completion][type]",
        "flow_data[after_completion][redirect][return_url]",
    ])?;
    let customer = form.required("customer")?;
    world.object_for("customer", customer, "customer")?;
    let configuration = match form.text("configuration") {
        Some(id) => world.object_for("billing_portal.configuration", id, "configuration")?.clone(),
        None => world.store.all("billing_portal.configuration").find(|it| it.flag("is_default")).cloned().ok_or_else(|| {
            ApiError::invalid("No configuration provided and your test mode default configuration has not been created.")
                .named("configuration")
        })?,
    };
    let return_url = form.text("return_url").map_or_else(|| configuration["default_return_url"].clone(), |it| json!(it));
    let id = world.new_id("bps");
    let session = json!({
        "id": id, "object": "billing_portal.session", "configuration": configuration["id"], "created": world.now, "customer": customer,
        "customer_account": null, "flow": null, "livemode": false, "locale": form.text("locale"), "on_behalf_of": null,
        "return_url": return_url,
        "url": format!("{}/portal/{id}", world.base_url),
    });
    world.store.put(session.clone());
    Ok(session)
}
