//! `POST /exports/{id}/cancel`.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Once, exports};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::export_url;
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;
use crate::resource::id;

/// The export is cancelled: look at it for what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CancelledExport {
    id: Uuid,
    #[schema(max_length = 200)]
    url: String,
}

/// Cancel an export that waits or runs.
///
/// What was written so far is no bundle, and nobody can open it but whom it was sealed to.
#[utoipa::path(
    post, path = "/api/v1/exports/{id}/cancel", tag = "exports", operation_id = "cancelExport",
    responses((status = 202, description = "It is cancelled.", body = CancelledExport, headers(
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn cancel(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<serde_json::Value>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "export")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let shown = || CancelledExport { id: howdah_domain::ExportId::as_uuid(id), url: export_url(id) };
    let render = |(): &()| (202, json!(shown()));
    match exports::cancel(&app, &caller, id, key.as_ref().map(|key| Idempotent { key, render: &render })).await? {
        Once::Done(()) => Ok(HttpResponse::Accepted().json(shown())),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}
