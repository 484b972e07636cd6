//! `POST /imports/{id}/cut-over`: the server takes its old one's place.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Once, imports};
use howdah_domain::OperationId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::NewCutOver;
use crate::api::v1::operations::wire::operation_url;
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;
use crate::resource::id;

/// The operation goes on to its end.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutOverBegun {
    operation_id: Uuid,
    #[schema(max_length = 200)]
    operation_url: String,
}

/// End the rehearsal: load the bundle anew, and let the server take its old one's place.
///
/// What was written in the rehearsal is thrown away. Refused while a server still answers at the address, unless you say that it is stopped.
#[utoipa::path(
    post, path = "/api/v1/imports/{id}/cut-over", tag = "imports", operation_id = "cutOverImport",
    request_body = NewCutOver,
    responses((status = 202, description = "It has begun.", body = CutOverBegun, headers(
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn cut_over(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<NewCutOver>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "import")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let shown = |it: &OperationId| json!(CutOverBegun { operation_id: it.as_uuid(), operation_url: operation_url(*it) });
    let render = |it: &OperationId| (202, shown(it));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    match imports::cut_over(&app, &caller, id, body.value.into(), idempotent).await? {
        Once::Done(operation) => Ok(HttpResponse::Accepted().json(shown(&operation))),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}
