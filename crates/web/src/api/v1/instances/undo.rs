//! `POST /instances/{id}/undo`: a MoveOut, Close or Remove is taken back.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, instances};

use super::changed::changed;
use super::wire::ChangedInstance;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Take a MoveOut, Close or Remove back.
///
/// Possible until the first thing happened that can't be: another host serves the address, the first farewell pass of a Close, the first
/// deletion of a Remove.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/undo", tag = "instances", operation_id = "undoClosing",
    responses((status = 202, description = "The server stays.", body = ChangedInstance))
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
    changed(id, key, async |once| instances::undo(&app, &caller, id, if_match.0, once).await).await
}
