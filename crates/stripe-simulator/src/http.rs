//! Stripe's API over HTTP: keys, forms, headers.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use data_encoding::BASE64;

use crate::API_VERSION;
use crate::api::Verb;
use crate::error::ApiError;
use crate::form::Form;
use crate::server::{Outcome, Simulator, reply};
use crate::traffic::Reply;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/v1/{path:.*}", web::get().to(get))
        .route("/v1/{path:.*}", web::post().to(post))
        .route("/v1/{path:.*}", web::delete().to(delete));
}

async fn get(simulator: web::Data<Simulator>, request: HttpRequest) -> HttpResponse {
    answer(&simulator, &request, Verb::Get, request.query_string()).await
}

async fn delete(simulator: web::Data<Simulator>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let form = if body.is_empty() { request.query_string().to_owned() } else { String::from_utf8_lossy(&body).into_owned() };
    answer(&simulator, &request, Verb::Delete, &form).await
}

async fn post(simulator: web::Data<Simulator>, request: HttpRequest, body: Bytes) -> HttpResponse {
    answer(&simulator, &request, Verb::Post, &String::from_utf8_lossy(&body)).await
}

async fn answer(simulator: &Simulator, request: &HttpRequest, verb: Verb, encoded: &str) -> HttpResponse {
    if key_of(request).as_deref() != Some(&simulator.settings.secret_key) {
        let request_id = simulator.world().new_id("req");
        return respond(reply(Err(ApiError::wrong_key()), &request_id), false);
    }
    let form = match Form::parse(encoded) {
        Ok(form) => form,
        Err(error) => return respond(reply(Err(error), "req_unread"), false),
    };
    let key = request.headers().get("Idempotency-Key").and_then(|it| it.to_str().ok());
    // Listened for before the act, so that a release right after it is heard.
    let released = simulator.released.notified();
    match simulator.call(verb, request.path(), &form, key) {
        Outcome::Held(reply) => {
            released.await;
            respond(reply, false)
        }
        Outcome::Reply { reply, replayed } => respond(reply, replayed),
        Outcome::Dropped => dropped(),
    }
}

/// A secret key comes as a bearer, or as the user name of basic authentication.
fn key_of(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get("Authorization")?.to_str().ok()?;
    if let Some(basic) = header.strip_prefix("Basic ") {
        let decoded = String::from_utf8(BASE64.decode(basic.trim().as_bytes()).ok()?).ok()?;
        return decoded.split(':').next().map(str::to_owned);
    }
    header.strip_prefix("Bearer ").map(|it| it.trim().to_owned())
}

fn respond(reply: Reply, replayed: bool) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header(("Request-Id", reply.request_id)).insert_header(("Stripe-Version", API_VERSION));
    if replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    response.json(reply.body)
}

/// No answer: the connection ends before its body.
fn dropped() -> HttpResponse {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset)) });
    HttpResponse::Ok().force_close().streaming(broken)
}
