//! `POST /instances/{id}/undo`: a Close or Remove is taken back.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Once, instances};
use serde_json::json;

use super::wire::ChangedInstance;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;
use crate::resource::id;

/// Take a Close or Remove back.
///
/// Possible until the first thing happened that can't be: the first farewell pass of a Close, the first deletion of a Remove.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/undo", tag = "instances", operation_id = "undoClosing",
    responses((status = 202, description = "The server stays.", body = ChangedInstance, headers(
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn undo(
    caller: Caller,
    key: KeyHeader,
    if_match: IfMatch,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &[])?;
    let render = |(): &()| (202, json!(ChangedInstance::from(id)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    match instances::undo(&app, &caller, id, if_match.0, idempotent).await? {
        Once::Done(()) => Ok(HttpResponse::Accepted().json(ChangedInstance::from(id))),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}
