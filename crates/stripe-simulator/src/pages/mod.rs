//! Stripe's hosted pages, and the page from which the simulator is driven: plain forms, without script.

mod checkout;
mod dashboard;
mod html;
mod invoice;
mod portal;

use actix_web::web;

use crate::server::Simulator;

type State = web::Data<Simulator>;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/style.css", web::get().to(html::stylesheet))
        .route("/pay/{session}", web::get().to(checkout::show))
        .route("/pay/{session}", web::post().to(checkout::submit))
        .route("/portal/{session}", web::get().to(portal::show))
        .route("/portal/{session}", web::post().to(portal::submit))
        .route("/invoice/{id}", web::get().to(invoice::show))
        .route("/invoice/{id}", web::post().to(invoice::submit))
        .route("/invoice/{id}/pdf", web::get().to(invoice::document))
        .route("/", web::get().to(dashboard::show))
        .route("/", web::post().to(dashboard::submit));
}
