//! Servers that are brought in: what was begun, and one import from its bundle to the cut-over.

mod bring;
mod discard;
mod list;
mod show;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::web::{ServiceConfig, route};
use howdah_app::imports::{ImportState, ImportView};
use howdah_domain::ImportId;

use super::components::{Crumbs, Status, Tone};
use crate::problem::Problem;
use crate::resource::{part, resource};

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/imports", [(Method::GET, || route().to(list::show)), (Method::POST, || route().to(list::begin))]))
        .service(resource("/imports/{import}", [(Method::GET, || route().to(show::show))]))
        .service(resource("/imports/{import}/live", [(Method::GET, || route().to(bring::live))]))
        .service(resource("/imports/{import}/files", [(Method::POST, || route().to(bring::offer))]))
        .service(resource(
            "/imports/{import}/pull",
            [(Method::GET, || route().to(bring::back)), (Method::POST, || route().to(bring::pull))],
        ))
        .service(resource("/imports/{import}/pull/stop", [(Method::POST, || route().to(bring::stop))]))
        .service(resource("/imports/{import}/look", [(Method::POST, || route().to(show::look))]))
        .service(resource("/imports/{import}/launch", [(Method::POST, || route().to(show::launch))]))
        .service(resource("/imports/{import}/cut-over", [(Method::POST, || route().to(show::cut_over))]))
        .service(resource(
            "/imports/{import}/discard",
            [(Method::GET, || route().to(discard::show)), (Method::POST, || route().to(discard::discard))],
        ));
}

fn named(request: &HttpRequest) -> Result<ImportId, Problem> {
    part(request, "import", "import")
}

fn url(id: ImportId) -> String {
    format!("/imports/{id}")
}

fn crumbs(here: &str) -> Crumbs {
    Crumbs::new([("Servers", "/servers"), ("Bring a server in", "/imports")], here)
}

/// Its domain, once it is known.
fn name(it: &ImportView) -> String {
    it.seen.as_ref().and_then(|it| it.server.as_ref()).map_or_else(|| "A server to be brought".to_owned(), |it| it.domain.clone())
}

fn status(it: &ImportView) -> Status {
    match it.state {
        ImportState::Open if it.seen.as_ref().is_some_and(|it| !it.holds()) => Status::new(Tone::Warn, "Can’t be taken in so"),
        ImportState::Open if it.seen.is_some() => Status::new(Tone::Wait, "Looked into"),
        ImportState::Open => Status::new(Tone::Wait, "Waiting for its bundle"),
        ImportState::Launched if it.is_rehearsing => Status::new(Tone::Warn, "Waiting for your decision"),
        ImportState::Launched => Status::new(Tone::Wait, "Being loaded"),
        ImportState::Accepted => Status::new(Tone::Well, "Moved in"),
        ImportState::Gone => Status::new(Tone::Wait, "Gone"),
    }
}
