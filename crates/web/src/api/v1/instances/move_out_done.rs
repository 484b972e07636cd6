//! `POST /instances/{id}/move-out/done`: the other host serves the domain, whatever is seen of that from here.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::App;
use howdah_app::instances::{self, Close};

use super::changed::changed;
use super::wire::{ChangedInstance, Confirmation};
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Say that another host serves the domain now.
///
/// It is seen by itself within minutes where that host answers as this server; this is for where it can't be. Nothing can be undone from
/// then on.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/move-out/done", tag = "instances", operation_id = "sayInstanceMovedOut",
    request_body = Confirmation,
    responses((status = 202, description = "It has moved.", body = ChangedInstance))
)]
pub async fn move_out_done(
    caller: Caller,
    key: KeyHeader,
    if_match: IfMatch,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let asked = Close { confirm: body.value.confirm, if_match: if_match.0, ..Close::default() };
    changed(id, key, async |once| instances::say_handed_over(&app, &caller, id, &asked, once).await).await
}
