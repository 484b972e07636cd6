//! My account: who I am, how I sign in and where, tokens for programs, and who else belongs to it.

mod activity;
mod browser;
mod email;
mod passkeys;
mod people;
mod profile;
mod second_factor;
mod security;
mod tokens;
pub mod words;

use actix_web::http::Method;
use actix_web::web::{ServiceConfig, route};

use super::components::{Crumbs, Tabs};
use super::loss::Back;
use super::passkeys::begin_proof;
use crate::resource::resource;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/account", [(Method::GET, || route().to(profile::show)), (Method::POST, || route().to(profile::change))]))
        .service(resource("/account/in-use", [(Method::POST, || route().to(profile::use_account))]))
        .service(resource("/account/new-email", [(Method::POST, || route().to(email::change))]))
        .service(resource("/account/email", [(Method::GET, || route().to(email::show)), (Method::POST, || route().to(email::confirm))]))
        .service(resource(
            "/account/security",
            [(Method::GET, || route().to(security::show)), (Method::POST, || route().to(security::change_password))],
        ))
        .service(resource("/account/second-factor", [(Method::GET, || route().to(second_factor::show))]))
        .service(resource("/account/second-factor/begin", [(Method::POST, || route().to(second_factor::begin))]))
        .service(resource("/account/second-factor/confirm", [(Method::POST, || route().to(second_factor::confirm))]))
        .service(resource("/account/second-factor/codes", [(Method::POST, || route().to(second_factor::new_codes))]))
        .service(resource("/account/second-factor/off", [(Method::POST, || route().to(second_factor::turn_off))]))
        .service(resource(
            "/account/passkeys/new",
            [(Method::GET, || route().to(passkeys::show_new)), (Method::POST, || route().to(passkeys::add))],
        ))
        .service(resource("/account/passkeys/begin", [(Method::POST, || route().to(passkeys::begin))]))
        .service(resource("/account/passkeys/prove", [(Method::POST, || route().to(begin_proof))]))
        .service(resource(
            "/account/passkeys/{id}/rename",
            [(Method::GET, || route().to(passkeys::show_rename)), (Method::POST, || route().to(passkeys::rename))],
        ))
        .service(resource(
            "/account/passkeys/{id}/remove",
            [(Method::GET, || route().to(passkeys::ask_remove)), (Method::POST, || route().to(passkeys::remove))],
        ))
        .service(resource(
            "/account/sessions/end-others",
            [(Method::GET, || route().to(security::ask_end_others)), (Method::POST, || route().to(security::end_others))],
        ))
        .service(resource(
            "/account/sessions/{id}/end",
            [(Method::GET, || route().to(security::ask_end)), (Method::POST, || route().to(security::end))],
        ))
        .service(resource("/account/tokens", [(Method::GET, || route().to(tokens::show)), (Method::POST, || route().to(tokens::create))]))
        .service(resource(
            "/account/tokens/{id}/revoke",
            [(Method::GET, || route().to(tokens::ask_revoke)), (Method::POST, || route().to(tokens::revoke))],
        ))
        .service(resource("/account/activity", [(Method::GET, || route().to(activity::show))]))
        .service(resource("/account/people", [(Method::GET, || route().to(people::show)), (Method::POST, || route().to(people::invite))]))
        .service(resource("/account/people/{id}/role", [(Method::POST, || route().to(people::change_role))]))
        .service(resource(
            "/account/people/{id}/remove",
            [(Method::GET, || route().to(people::ask_remove)), (Method::POST, || route().to(people::remove))],
        ))
        .service(resource(
            "/account/invitations/{id}/withdraw",
            [(Method::GET, || route().to(people::ask_withdraw)), (Method::POST, || route().to(people::withdraw))],
        ));
}

/// From a page that names a loss to the tab that led to it.
fn back(tab: &str, address: &str) -> Back {
    Back {
        title: format!("{tab} · Account"),
        crumbs: Crumbs::new([("Account", "/account")], tab),
        tabs: tabs(address),
        address: address.to_owned(),
    }
}

fn tabs(here: &str) -> Tabs {
    let tabs = [
        ("Profile", "/account"),
        ("Security", "/account/security"),
        ("API tokens", "/account/tokens"),
        ("People", "/account/people"),
        ("Activity", "/account/activity"),
    ];
    Tabs::new("Account", tabs.map(|(words, address)| (words, address.to_owned())), here)
}
