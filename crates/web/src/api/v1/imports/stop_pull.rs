//! `POST /imports/{id}/pull/stop`: a bundle is fetched no further.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Once, imports};
use howdah_domain::ImportId;
use serde_json::json;

use super::wire::BegunImport;
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;
use crate::resource::id;

/// Stop the pull of a bundle. What has arrived stays, and is not fetched again by the next one.
#[utoipa::path(
    post, path = "/api/v1/imports/{id}/pull/stop", tag = "imports", operation_id = "stopPull",
    responses((status = 202, description = "It ends.", body = BegunImport, headers(
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn stop_pull(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<serde_json::Value>,
) -> Result<HttpResponse, Problem> {
    let id: ImportId = id(&request, "import")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let render = |it: &ImportId| (202, json!(BegunImport::of(*it)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    match imports::stop_pull(&app, &caller, id, idempotent).await? {
        Once::Done(id) => Ok(HttpResponse::Accepted().json(render(&id).1)),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}
