//! A customer's servers: the list, the launch, and the pages of one.

mod activity;
mod address;
mod banner;
pub mod billing;
mod close;
mod close_now;
mod launch;
mod list;
mod move_out;
mod overview;
mod owner_link;
mod recovery_phrase;
mod rehearsal;
mod schedule;
mod take_along;
pub mod words;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::web::{ServiceConfig, route};
use howdah_app::App;
use howdah_app::instances::Which;
use howdah_domain::InstanceId;

use super::components::{Crumbs, Tabs};
use crate::resource::resource;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/servers", [(Method::GET, || route().to(list::show))]))
        .service(resource("/servers/new", [(Method::GET, || route().to(launch::show)), (Method::POST, || route().to(launch::launch))]))
        .service(resource("/servers/new/check", [(Method::POST, || route().to(launch::check))]))
        .service(resource("/servers/{server}", [(Method::GET, || route().to(overview::show))]))
        .service(resource("/servers/{server}/live", [(Method::GET, || route().to(overview::live))]))
        .service(resource(
            "/servers/{server}/owner-link",
            [(Method::GET, || route().to(owner_link::ask)), (Method::POST, || route().to(owner_link::show))],
        ))
        .service(resource("/servers/{server}/owner-link/new", [(Method::POST, || route().to(owner_link::send))]))
        .service(resource("/servers/{server}/address", [(Method::GET, || route().to(address::show))]))
        .service(resource("/servers/{server}/address/live", [(Method::GET, || route().to(address::live))]))
        .service(resource("/servers/{server}/address/look", [(Method::POST, || route().to(address::look_again))]))
        .service(resource(
            "/servers/{server}/move-out",
            [(Method::GET, || route().to(move_out::show)), (Method::POST, || route().to(move_out::begin))],
        ))
        .service(resource(
            "/servers/{server}/move-out/media",
            [(Method::GET, || route().to(move_out::back)), (Method::POST, || route().to(move_out::lead))],
        ))
        .service(resource("/servers/{server}/move-out/done", [(Method::POST, || route().to(move_out::done))]))
        .service(resource(
            "/servers/{server}/close",
            [(Method::GET, || route().to(close::show)), (Method::POST, || route().to(close::close))],
        ))
        .service(resource(
            "/servers/{server}/close/now",
            [(Method::GET, || route().to(close_now::show)), (Method::POST, || route().to(close_now::end))],
        ))
        .service(resource("/servers/{server}/undo", [(Method::POST, || route().to(close::undo))]))
        .service(resource(
            "/servers/{server}/take-along",
            [(Method::GET, || route().to(take_along::show)), (Method::POST, || route().to(take_along::begin))],
        ))
        .service(resource(
            "/servers/{server}/take-along/phrase",
            [(Method::GET, || route().to(recovery_phrase::back)), (Method::POST, || route().to(recovery_phrase::show))],
        ))
        .service(resource(
            "/servers/{server}/take-along/phrase/check",
            [(Method::GET, || route().to(recovery_phrase::back)), (Method::POST, || route().to(recovery_phrase::check))],
        ))
        .service(resource("/servers/{server}/take-along/phrase/file", [(Method::POST, || route().to(recovery_phrase::file))]))
        .service(resource("/servers/{server}/take-along/schedule", [(Method::POST, || route().to(schedule::set))]))
        .service(resource("/servers/{server}/take-along/live", [(Method::GET, || route().to(take_along::live))]))
        .service(resource(
            "/servers/{server}/take-along/{export}/cancel",
            [(Method::GET, || route().to(take_along::ask_cancel)), (Method::POST, || route().to(take_along::cancel))],
        ))
        .service(resource("/servers/{server}/take-along/{export}/links", [(Method::GET, || route().to(take_along::links))]))
        .service(resource("/servers/{server}/rehearsal", [(Method::GET, || route().to(rehearsal::show))]))
        .service(resource("/servers/{server}/take-along/{export}/key", [(Method::POST, || route().to(take_along::key))]))
        .service(resource("/servers/{server}/activity", [(Method::GET, || route().to(activity::show))]))
        .configure(billing::routes);
}

/// The server that an address names: by its name in addresses, or by its id, as mails and the API have it.
struct Named(String);

impl Named {
    fn of(request: &HttpRequest) -> Self {
        Self(request.match_info().get("server").unwrap_or_default().to_owned())
    }

    fn which(&self) -> Which<'_> {
        self.0.parse::<InstanceId>().map_or(Which::Slug(&self.0), Which::Id)
    }
}

/// By its name or its id.
pub fn url(slug: &str) -> String {
    format!("/servers/{slug}")
}

fn crumbs(domain: &str) -> Crumbs {
    Crumbs::new([("Servers", "/servers")], domain)
}

/// The pages of one server; `here` is one of these words.
fn tabs(app: &App, slug: &str, here: &str) -> Tabs {
    let of = |part: &str| if part.is_empty() { url(slug) } else { format!("{}/{part}", url(slug)) };
    let mut parts =
        vec![("Overview", ""), ("Address", "address"), ("Take along", "take-along"), ("Activity", "activity"), ("Close", "close")];
    if app.billing.is_some() {
        parts.insert(3, ("Billing", "billing"));
    }
    let here = parts.iter().find(|(words, _)| *words == here).map(|(_, part)| of(part)).unwrap_or_default();
    Tabs::new("Server", parts.into_iter().map(|(words, part)| (words, of(part))), &here)
}
