//! The pages: what people see.
//!
//! A handler parses, calls one use case of `app`, and renders a template of `templates/`. What changes something is a form that is
//! posted, and leads on to a page that shows it. Pages know no tokens, and the API knows no cookies. Nothing is decided here.

mod account;
mod assets;
mod components;
mod confirm;
mod docs;
mod dress;
mod flash;
mod form;
mod frame;
mod home;
mod imports;
mod invitation;
mod link;
mod live;
mod loss;
mod next;
mod operations;
mod operator;
mod origin;
mod own_bucket;
mod passkeys;
mod platform;
mod reset;
mod servers;
mod sign_in;
mod sign_in_code;
mod sign_up;
mod status;
mod visitor;
mod words;

use actix_web::http::Method;
use actix_web::web::{ServiceConfig, route};

pub use dress::{admit, dress};
pub use platform::Platform;
pub use servers::billing::PaymentPages;

use crate::resource::resource;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/assets/{name}", [(Method::GET, || route().to(assets::serve))]))
        .service(resource("/favicon.ico", [(Method::GET, || route().to(assets::favicon))]))
        .service(resource("/", [(Method::GET, || route().to(home::home))]))
        .service(resource("/plans", [(Method::GET, || route().to(home::plans))]))
        .service(resource("/status", [(Method::GET, || route().to(status::show))]))
        .service(resource("/docs/api", [(Method::GET, || route().to(docs::api))]))
        .service(resource("/sign-up", [(Method::GET, || route().to(sign_up::show)), (Method::POST, || route().to(sign_up::ask))]))
        .service(resource("/confirm", [(Method::GET, || route().to(confirm::show)), (Method::POST, || route().to(confirm::confirm))]))
        .service(resource("/sign-in", [(Method::GET, || route().to(sign_in::show)), (Method::POST, || route().to(sign_in::sign_in))]))
        .service(resource(
            "/sign-in/code",
            [(Method::GET, || route().to(sign_in_code::show)), (Method::POST, || route().to(sign_in_code::give))],
        ))
        .service(resource("/sign-in/code/passkey", [(Method::POST, || route().to(sign_in_code::begin_passkey))]))
        .service(resource("/sign-in/passkey", [(Method::POST, || route().to(passkeys::sign_in))]))
        .service(resource("/sign-in/passkey/begin", [(Method::POST, || route().to(passkeys::begin_sign_in))]))
        .service(resource("/confirm-passkey", [(Method::POST, || route().to(passkeys::confirm))]))
        .service(resource("/sign-out", [(Method::POST, || route().to(sign_in::sign_out))]))
        .service(resource(
            "/confirm-password",
            [(Method::GET, || route().to(sign_in::ask_again)), (Method::POST, || route().to(sign_in::confirm_password))],
        ))
        .service(resource("/forgotten", [(Method::GET, || route().to(reset::ask_form)), (Method::POST, || route().to(reset::ask))]))
        .service(resource("/reset", [(Method::GET, || route().to(reset::show)), (Method::POST, || route().to(reset::set))]))
        .service(resource(
            "/invitation",
            [(Method::GET, || route().to(invitation::show)), (Method::POST, || route().to(invitation::accept))],
        ))
        .service(resource("/operations/{id}", [(Method::GET, || route().to(operations::show))]))
        .service(resource("/operations/{id}/live", [(Method::GET, || route().to(operations::live))]))
        .configure(servers::routes)
        .configure(imports::routes)
        .configure(operator::routes)
        .configure(account::routes);
}
