//! Stripe's hosted pages, and the page from which the simulator is driven: plain forms, without script.

mod checkout;
mod dashboard;
mod html;
mod invoice;
mod portal;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, web};

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

/// While Stripe is down its hosted pages are, too; the page that brings it up again is not.
pub async fn unless_down(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let down = request.app_data::<State>().is_some_and(|it| it.traffic().down);
    let hosted = ["/pay/", "/portal/", "/invoice/"].iter().any(|it| request.path().starts_with(it));
    if down && hosted {
        let answer = html::page(StatusCode::SERVICE_UNAVAILABLE, "Stripe is down", true, "<p>Try again later.</p>");
        return Ok(request.into_response(answer));
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}
