//! `POST /imports/{id}/pull`: a bundle is fetched from where it lies.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Once, imports};
use howdah_domain::ImportId;
use serde_json::json;

use super::bringing::NewPull;
use super::wire::BegunImport;
use crate::body::Json;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again, told};
use crate::problem::Problem;
use crate::resource::id;

/// Have a bundle pulled from a URL of its tar, or from a bucket.
///
/// It is fetched by a program of the platform's, which reaches the public internet alone and goes on where it was after a break. The import says
/// how far it is (`pull`), and is looked into once all is there.
#[utoipa::path(
    post, path = "/api/v1/imports/{id}/pull", tag = "imports", operation_id = "pullImport",
    request_body = NewPull,
    responses((status = 202, description = "It has begun.", body = BegunImport, headers(
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn pull(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<NewPull>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "import")?;
    let key = key.bind(&caller, &request, &told(&body.bytes))?;
    let render = |it: &ImportId| (202, json!(BegunImport::of(*it)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    let from = body.value.from().ok_or_else(|| Problem::malformed("Name either “url” or “bucket”."))?;
    match imports::pull(&app, &caller, id, &from, idempotent).await? {
        Once::Done(id) => Ok(HttpResponse::Accepted().json(render(&id).1)),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}
