//! The operators' pages: the fleet, one server with all that is known of it, work, sign-ups, places, settings and mails. For
//! everybody else there is nothing at these addresses.

mod billing;
mod choice;
mod counts;
mod diverged;
mod fleet;
mod grant;
mod head;
mod incident;
mod jobs;
mod mails;
mod money;
mod operations;
mod places;
mod remove;
mod server;
mod settings;
mod sign_ups;
mod words;

use std::fmt::Display;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::web::{ServiceConfig, route};
use howdah_app::fleet::Found;
use howdah_app::instances::Which;
use howdah_app::{Actor, App, Error};
use howdah_domain::InstanceId;

use self::head::Head;
use crate::resource::resource;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/operator", [(Method::GET, || route().to(fleet::show))]))
        .service(resource("/operator/servers/{server}", [(Method::GET, || route().to(server::show))]))
        .service(resource("/operator/servers/{server}/live", [(Method::GET, || route().to(server::live))]))
        .service(resource("/operator/servers/{server}/approve", [(Method::POST, || route().to(server::approve))]))
        .service(resource("/operator/servers/{server}/undo", [(Method::POST, || route().to(server::undo))]))
        .service(resource(
            "/operator/servers/{server}/remove",
            [(Method::GET, || route().to(remove::show)), (Method::POST, || route().to(remove::remove))],
        ))
        .service(resource("/operator/servers/{server}/diverged", [(Method::GET, || route().to(diverged::show))]))
        .service(resource("/operator/servers/{server}/adopt", [(Method::POST, || route().to(diverged::adopt))]))
        .service(resource(
            "/operator/servers/{server}/overwrite",
            [(Method::GET, || route().to(diverged::ask_overwrite)), (Method::POST, || route().to(diverged::overwrite))],
        ))
        .service(resource(
            "/operator/servers/{server}/grant",
            [(Method::GET, || route().to(grant::show)), (Method::POST, || route().to(grant::grant))],
        ))
        .service(resource("/operator/servers/{server}/grant/end", [(Method::POST, || route().to(grant::end))]))
        .service(resource(money::HERE, [(Method::GET, || route().to(money::show))]))
        .service(resource(billing::HERE, [(Method::GET, || route().to(billing::show))]))
        .service(resource("/operator/billing/events/{event}/replay", [(Method::POST, || route().to(billing::replay))]))
        .service(resource("/operator/operations", [(Method::GET, || route().to(operations::show))]))
        .service(resource("/operator/operations/{id}/retry", [(Method::POST, || route().to(operations::retry))]))
        .service(resource("/operator/incidents/{id}", [(Method::GET, || route().to(incident::show))]))
        .service(resource("/operator/jobs", [(Method::GET, || route().to(jobs::show))]))
        .service(resource("/operator/jobs/{id}/retry", [(Method::POST, || route().to(jobs::retry))]))
        .service(resource("/operator/sign-ups", [(Method::GET, || route().to(sign_ups::show))]))
        .service(resource("/operator/sign-ups/{id}/approve", [(Method::POST, || route().to(sign_ups::approve))]))
        .service(resource(
            "/operator/sign-ups/{id}/refuse",
            [(Method::GET, || route().to(sign_ups::ask_refuse)), (Method::POST, || route().to(sign_ups::refuse))],
        ))
        .service(resource("/operator/places", [(Method::GET, || route().to(places::show))]))
        .service(resource(
            "/operator/settings",
            [(Method::GET, || route().to(settings::show)), (Method::POST, || route().to(settings::change))],
        ))
        .service(resource("/operator/mails", [(Method::GET, || route().to(mails::list))]))
        .service(resource("/operator/mails/sent/{id}", [(Method::GET, || route().to(mails::sent))]))
        .service(resource("/operator/mails/{kind}", [(Method::GET, || route().to(mails::preview))]))
        .service(resource("/operator/mails/{kind}/html", [(Method::GET, || route().to(mails::html))]));
}

const FLEET: &str = "/operator";

/// By its id: a name in addresses is free again once its server is gone.
fn url(server: impl Display) -> String {
    format!("/operator/servers/{server}")
}

/// Above the page of one server.
fn head_of(app: &App, domain: &str) -> Head {
    Head::of(app, FLEET).below(FLEET, domain)
}

/// The server that an address names: its id, or its name in addresses.
fn named(request: &HttpRequest) -> String {
    request.match_info().get("server").unwrap_or_default().to_owned()
}

fn which(named: &str) -> Which<'_> {
    named.parse::<InstanceId>().map_or(Which::Slug(named), Which::Id)
}

/// The page of what has this reference, where it is not a server: those are found by the list.
async fn lead(app: &App, actor: &Actor, reference: &str) -> Result<Option<String>, Error> {
    Ok(match howdah_app::fleet::find(app, actor, reference).await? {
        Found::Operation { server, operation } => Some(format!("{}#{operation}", url(server))),
        Found::Mail(id) => Some(format!("{}/sent/{id}", mails::HERE)),
        Found::Incident(id) => Some(format!("{}/{id}", incident::HERE)),
        Found::Server(_) | Found::Account(_) | Found::Nothing => None,
    })
}
