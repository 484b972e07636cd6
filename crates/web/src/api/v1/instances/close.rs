//! `POST /instances/{id}/close`: nobody will serve the domain again.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::App;
use howdah_app::instances::{self, Close};

use super::changed::changed;
use super::wire::{ChangedInstance, CloseRequest};
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Close a server for ever.
///
/// The server runs on through the grace period, and until its first farewell pass the Close can be undone. After it a final bundle of
/// everything is made, and kept for 90 days after the end; then other servers are told to delete its accounts, and everything of it is deleted. Only an owner of the account can ask for it, by typing its domain.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/close", tag = "instances", operation_id = "closeInstance",
    request_body = CloseRequest,
    responses((status = 202, description = "The grace period has begun.", body = ChangedInstance))
)]
pub async fn close(
    caller: Caller,
    key: KeyHeader,
    if_match: IfMatch,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<CloseRequest>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let CloseRequest { confirm, decline_final_bundle } = body.value;
    let asked = Close { confirm, if_match: if_match.0, declines_final_bundle: decline_final_bundle, ..Close::default() };
    changed(id, key, async |once| instances::close(&app, &caller, id, &asked, once).await).await
}
