//! `POST /imports/{id}/launch`: a bundle becomes a server.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::imports::{self, ImportLaunch};
use howdah_app::instances::Launched;
use howdah_app::{App, Once};
use serde_json::{Value, json};

use super::wire::NewImportedInstance;
use crate::api::v1::instances::wire::LaunchedInstance;
use crate::body::Json;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;
use crate::resource::id;

/// Make a server of what was brought: first as a rehearsal, which nobody outside meets.
#[utoipa::path(
    post, path = "/api/v1/imports/{id}/launch", tag = "imports", operation_id = "launchImport",
    request_body = NewImportedInstance,
    responses((status = 202, description = "The launch has begun.", body = LaunchedInstance, headers(
        ("Location" = String, description = "The operation's URL."),
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn launch(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<NewImportedInstance>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "import")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let render = |it: &Launched| (202, json!(LaunchedInstance::from(it)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    let (mut response, body) = match imports::launch(&app, &caller, id, &ImportLaunch::from(body.value), idempotent).await? {
        Once::Done(launched) => (HttpResponse::Accepted().json(render(&launched).1), render(&launched).1),
        Once::Again { status, body } => (again(status, &body), body),
    };
    if let Some(url) = body.pointer("/operation/url").and_then(Value::as_str).and_then(|it| it.parse().ok()) {
        response.headers_mut().insert(LOCATION, url);
    }
    Ok(response)
}
