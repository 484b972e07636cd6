//! `POST /instances/{id}/overwrite`: an operator decides between the record and the cluster.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, fleet};

use super::changed::changed;
use super::wire::ChangedInstance;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Have the record overwrite what the cluster has of a server: for operators.
///
/// After the record was restored from an older backup. A farewell that has begun can't be taken back, and has to be adopted.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/overwrite", tag = "instances", operation_id = "overwriteInstance",
    responses((status = 202, description = "The record is being written.", body = ChangedInstance))
)]
pub async fn overwrite(
    caller: Caller,
    key: KeyHeader,
    if_match: IfMatch,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &[])?;
    changed(id, key, async |once| fleet::overwrite(&app, &caller, id, if_match.0, once).await).await
}
