//! `POST /instances`: launch a server.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{LaunchRequest, Launched, launch};
use howdah_app::{App, Once};
use serde_json::{Value, json};

use super::wire::{LaunchedInstance, NewInstance};
use crate::body::Json;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;

/// Launch a server.
///
/// Answers at once; the operation tells how far the launch is. The domains are checked first: one that is not free or not legal is
/// refused with a sentence that says why.
#[utoipa::path(
    post, path = "/api/v1/instances", tag = "instances", operation_id = "createInstance",
    request_body = NewInstance,
    responses((status = 202, description = "The launch has begun.", body = LaunchedInstance, headers(
        ("Location" = String, description = "The operation's URL."),
    )))
)]
pub async fn create(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<NewInstance>,
) -> Result<HttpResponse, Problem> {
    let key = key.bind(&caller, &request, &body.bytes)?;
    let render = |it: &Launched| (202, json!(LaunchedInstance::from(it)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    let once = launch(&app, &caller, &LaunchRequest::from(body.value), idempotent).await?;
    let (mut response, body) = match once {
        Once::Done(launched) => (HttpResponse::Accepted().json(render(&launched).1), render(&launched).1),
        Once::Again { status, body } => (again(status, &body), body),
    };
    if let Some(url) = body.pointer("/operation/url").and_then(Value::as_str).and_then(|it| it.parse().ok()) {
        response.headers_mut().insert(LOCATION, url);
    }
    Ok(response)
}
