//! `/api/v1`.

use actix_web::http::Method;
use actix_web::web::{ServiceConfig, route};

use crate::resource::resource;

pub mod account;
pub mod billing;
pub mod bucket;
pub mod exports;
pub mod imports;
pub mod instances;
pub mod invitations;
pub mod jobs;
pub mod operations;
pub mod people;
pub mod plans;
pub mod settings;
pub mod sign_ups;
pub mod tokens;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(
            "/api/v1/instances",
            [(Method::GET, || route().to(instances::list::list)), (Method::POST, || route().to(instances::create::create))],
        ))
        .service(resource(
            "/api/v1/instances/{id}",
            [(Method::GET, || route().to(instances::show::show)), (Method::DELETE, || route().to(instances::remove::remove))],
        ))
        .service(resource("/api/v1/instances/{id}/operations", [(Method::GET, || route().to(instances::operations::operations))]))
        .service(resource("/api/v1/instances/{id}/approve", [(Method::POST, || route().to(instances::approve::approve))]))
        .service(resource("/api/v1/instances/{id}/adopt", [(Method::POST, || route().to(instances::adopt::adopt))]))
        .service(resource("/api/v1/instances/{id}/overwrite", [(Method::POST, || route().to(instances::overwrite::overwrite))]))
        .service(resource("/api/v1/instances/{id}/move-out", [(Method::POST, || route().to(instances::move_out::move_out))]))
        .service(resource(
            "/api/v1/instances/{id}/move-out/media",
            [(Method::POST, || route().to(instances::move_out_media::move_out_media))],
        ))
        .service(resource("/api/v1/instances/{id}/move-out/done", [(Method::POST, || route().to(instances::move_out_done::move_out_done))]))
        .service(resource("/api/v1/instances/{id}/close", [(Method::POST, || route().to(instances::close::close))]))
        .service(resource("/api/v1/instances/{id}/close/now", [(Method::POST, || route().to(instances::close_now::close_now))]))
        .service(resource("/api/v1/instances/{id}/undo", [(Method::POST, || route().to(instances::undo::undo))]))
        .service(resource("/api/v1/instances/{id}/owner-link", [(Method::POST, || route().to(instances::owner_link::owner_link))]))
        .service(resource(
            "/api/v1/instances/{id}/owner-link/new",
            [(Method::POST, || route().to(instances::owner_link_new::owner_link_new))],
        ))
        .service(resource("/api/v1/instances/{id}/address/look", [(Method::POST, || route().to(instances::look::look))]))
        .service(resource("/api/v1/address-check", [(Method::GET, || route().to(instances::check::check))]))
        .service(resource(
            "/api/v1/instances/{id}/exports",
            [(Method::GET, || route().to(exports::list::list)), (Method::POST, || route().to(exports::begin::begin_export))],
        ))
        .service(resource(
            "/api/v1/instances/{id}/exports/schedule",
            [(Method::GET, || route().to(exports::schedule::show)), (Method::PUT, || route().to(exports::schedule::set))],
        ))
        .service(resource("/api/v1/exports/{id}", [(Method::GET, || route().to(exports::show::show))]))
        .service(resource("/api/v1/exports/{id}/cancel", [(Method::POST, || route().to(exports::cancel::cancel))]))
        .service(resource("/api/v1/exports/{id}/key", [(Method::POST, || route().to(exports::key::key))]))
        .service(resource("/api/v1/exports/{id}/links", [(Method::GET, || route().to(exports::links::links))]))
        .service(resource("/api/v1/operations/{id}", [(Method::GET, || route().to(operations::show::show))]))
        .service(resource("/api/v1/operations/{id}/retry", [(Method::POST, || route().to(operations::retry::retry))]))
        .service(resource("/api/v1/operations/{id}/events", [(Method::GET, || route().to(operations::events::events))]))
        .service(resource("/api/v1/plans", [(Method::GET, || route().to(plans::list::list))]))
        .service(resource("/api/v1/account", [(Method::GET, || route().to(account::show::show))]))
        .service(resource(
            "/api/v1/tokens",
            [(Method::GET, || route().to(tokens::list::list)), (Method::POST, || route().to(tokens::create::create))],
        ))
        .service(resource("/api/v1/tokens/{id}", [(Method::DELETE, || route().to(tokens::revoke::revoke))]))
        .configure(of_bills)
        .configure(of_imports)
        .configure(of_people)
        .configure(of_operators);
}

fn of_bills(config: &mut ServiceConfig) {
    config
        .service(resource("/api/v1/instances/{id}/billing", [(Method::GET, || route().to(billing::show::show))]))
        .service(resource("/api/v1/instances/{id}/billing/checkout", [(Method::POST, || route().to(billing::pay::checkout))]))
        .service(resource("/api/v1/instances/{id}/billing/order-by-invoice", [(Method::POST, || route().to(billing::order::order))]))
        .service(resource("/api/v1/instances/{id}/billing/portal", [(Method::POST, || route().to(billing::pay::portal))]))
        .service(resource("/api/v1/instances/{id}/billing/preview", [(Method::POST, || route().to(billing::plan::preview))]))
        .service(resource("/api/v1/instances/{id}/billing/plan", [(Method::PUT, || route().to(billing::plan::change))]))
        .service(resource("/api/v1/instances/{id}/billing/cancel", [(Method::POST, || route().to(billing::cancel::cancel))]))
        .service(resource("/api/v1/instances/{id}/billing/cancel/undo", [(Method::POST, || route().to(billing::cancel::undo))]))
        .service(resource(
            "/api/v1/instances/{id}/billing/cap",
            [(Method::PUT, || route().to(billing::cap::set)), (Method::DELETE, || route().to(billing::cap::lift))],
        ))
        .service(resource(
            "/api/v1/instances/{id}/grant",
            [(Method::PUT, || route().to(billing::grant::grant)), (Method::DELETE, || route().to(billing::grant::end))],
        ))
        .service(resource("/api/v1/money", [(Method::GET, || route().to(billing::money::show))]))
        .service(resource("/api/v1/billing/events", [(Method::GET, || route().to(billing::events::list))]))
        .service(resource("/api/v1/billing/events/{event}/replay", [(Method::POST, || route().to(billing::events::replay))]))
        .service(resource("/api/v1/billing/reconciliations", [(Method::GET, || route().to(billing::money::reconciliations))]));
}

fn of_imports(config: &mut ServiceConfig) {
    config
        .service(resource(
            "/api/v1/imports",
            [(Method::GET, || route().to(imports::list::list)), (Method::POST, || route().to(imports::begin::begin))],
        ))
        .service(resource("/api/v1/imports/{id}", [(Method::GET, || route().to(imports::show::show))]))
        .service(resource("/api/v1/imports/{id}/files", [(Method::POST, || route().to(imports::files::files))]))
        .service(resource("/api/v1/imports/{id}/pull", [(Method::POST, || route().to(imports::pull::pull))]))
        .service(resource("/api/v1/imports/{id}/pull/stop", [(Method::POST, || route().to(imports::stop_pull::stop_pull))]))
        .service(resource("/api/v1/pulls/{id}/files", [(Method::POST, || route().to(imports::run::offer))]))
        .service(resource("/api/v1/pulls/{id}/report", [(Method::POST, || route().to(imports::run::report))]))
        .service(resource("/api/v1/imports/{id}/look", [(Method::POST, || route().to(imports::look::look))]))
        .service(resource("/api/v1/imports/{id}/launch", [(Method::POST, || route().to(imports::launch::launch))]))
        .service(resource("/api/v1/imports/{id}/cut-over", [(Method::POST, || route().to(imports::cut_over::cut_over))]))
        .service(resource("/api/v1/imports/{id}/discard", [(Method::POST, || route().to(imports::discard::discard))]));
}

fn of_people(config: &mut ServiceConfig) {
    config
        .service(resource("/api/v1/account/activity", [(Method::GET, || route().to(account::activity::activity))]))
        .service(resource("/api/v1/people", [(Method::GET, || route().to(people::list::list))]))
        .service(resource("/api/v1/people/{id}", [(Method::DELETE, || route().to(people::remove::remove))]))
        .service(resource("/api/v1/people/{id}/role", [(Method::PUT, || route().to(people::change_role::change_role))]))
        .service(resource(
            "/api/v1/invitations",
            [(Method::GET, || route().to(invitations::list::list)), (Method::POST, || route().to(invitations::create::create))],
        ))
        .service(resource("/api/v1/invitations/{id}", [(Method::DELETE, || route().to(invitations::withdraw::withdraw))]));
}

fn of_operators(config: &mut ServiceConfig) {
    config
        .service(resource("/api/v1/sign-ups", [(Method::GET, || route().to(sign_ups::list::list))]))
        .service(resource("/api/v1/sign-ups/{id}/approve", [(Method::POST, || route().to(sign_ups::approve::approve))]))
        .service(resource("/api/v1/sign-ups/{id}/refuse", [(Method::POST, || route().to(sign_ups::refuse::refuse))]))
        .service(resource("/api/v1/jobs", [(Method::GET, || route().to(jobs::list::list))]))
        .service(resource("/api/v1/jobs/{id}/retry", [(Method::POST, || route().to(jobs::retry::retry))]))
        .service(resource(
            "/api/v1/settings",
            [(Method::GET, || route().to(settings::show::show)), (Method::PUT, || route().to(settings::change::change))],
        ));
}
