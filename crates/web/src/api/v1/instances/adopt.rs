//! `POST /instances/{id}/adopt`: an operator decides between the record and the cluster.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, fleet};

use super::changed::changed;
use super::wire::ChangedInstance;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Have the record adopt what the cluster has of a server: for operators.
///
/// After the record was restored from an older backup. Version, images, plan and what became of the server (held back,
/// moving or moved out, a farewell) are taken over; where the cluster has anything else that differs, nothing is, and the answer names it.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/adopt", tag = "instances", operation_id = "adoptInstance",
    responses((status = 202, description = "The record has the cluster's state.", body = ChangedInstance))
)]
pub async fn adopt(
    caller: Caller,
    key: KeyHeader,
    if_match: IfMatch,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &[])?;
    changed(id, key, async |once| fleet::adopt(&app, &caller, id, if_match.0, once).await).await
}
