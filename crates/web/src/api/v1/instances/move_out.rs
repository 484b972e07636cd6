//! `POST /instances/{id}/move-out`: another host will serve the domain.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::App;
use howdah_app::instances::{self, Close};

use super::changed::changed;
use super::wire::{ChangedInstance, MoveOutRequest};
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Move a server to another host.
///
/// It stops at once, so that nothing changes any more, and a final bundle is made for the new host. Until that host is seen to serve the
/// address this can be undone; then its data here is kept through the grace period, and deleted. Its media host stays for a year more, and
/// leads to `media_redirect`. Other servers are told nothing.
/// Only an owner of the account can ask for it, by typing its domain, and only for a domain of one's own.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/move-out", tag = "instances", operation_id = "moveInstanceOut",
    request_body = MoveOutRequest,
    responses((status = 202, description = "It stops.", body = ChangedInstance))
)]
pub async fn move_out(
    caller: Caller,
    key: KeyHeader,
    if_match: IfMatch,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<MoveOutRequest>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let MoveOutRequest { confirm, media_redirect } = body.value;
    let asked = Close { confirm, if_match: if_match.0, media_redirect, ..Close::default() };
    changed(id, key, async |once| instances::move_out(&app, &caller, id, &asked, once).await).await
}
