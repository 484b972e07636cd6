//! `POST /imports`: begin to bring a server in.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Once, imports};
use howdah_domain::ImportId;
use serde_json::json;

use super::wire::{BegunImport, NewImport};
use crate::body::Json;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;

/// Begin to bring a server in.
///
/// What follows: bring the bundle's files (or `howdah bundle push` does), look into it, launch it, look at the rehearsal, cut over.
#[utoipa::path(
    post, path = "/api/v1/imports", tag = "imports", operation_id = "beginImport",
    request_body = NewImport,
    responses((status = 201, description = "There is a place for it.", body = BegunImport, headers(
        ("Location" = String, description = "The import's URL."),
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn begin(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<NewImport>,
) -> Result<HttpResponse, Problem> {
    let key = key.bind(&caller, &request, &body.bytes)?;
    let render = |it: &ImportId| (201, json!(BegunImport::of(*it)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    let (mut response, body) = match imports::begin(&app, &caller, body.value.into(), idempotent).await? {
        Once::Done(id) => (HttpResponse::Created().json(render(&id).1), render(&id).1),
        Once::Again { status, body } => (again(status, &body), body),
    };
    if let Some(url) = body["url"].as_str().and_then(|it| it.parse().ok()) {
        response.headers_mut().insert(LOCATION, url);
    }
    Ok(response)
}
