//! `POST /imports/{id}/discard`: throw an import away.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Once, imports};
use howdah_domain::ImportId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::wire::{BegunImport, Discard};
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;
use crate::resource::id;

/// It is being thrown away.
#[derive(Debug, Serialize, ToSchema)]
pub struct Discarded {
    /// Where a server was made of it: a new import of the same bundle, to begin again with.
    again: Option<BegunImport>,
}

/// Throw an import away: the server that was made of it, or, where there is none, what was brought.
///
/// Nobody outside is told: the old server goes on. Once the server has taken its place, this is the way back, for a week; what was written
/// on it since is lost.
#[utoipa::path(
    post, path = "/api/v1/imports/{id}/discard", tag = "imports", operation_id = "discardImport",
    request_body = Discard,
    responses((status = 202, description = "It goes.", body = Discarded, headers(
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn discard(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<Discard>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "import")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let shown = |it: &Option<ImportId>| json!(Discarded { again: it.map(BegunImport::of) });
    let render = |it: &Option<ImportId>| (202, shown(it));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    let confirm = body.value.confirm;
    match imports::discard(&app, &caller, id, &confirm, idempotent).await? {
        Once::Done(again) => Ok(HttpResponse::Accepted().json(shown(&again))),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}
