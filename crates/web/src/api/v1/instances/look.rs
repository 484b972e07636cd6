//! `POST /instances/{id}/address/look`: a server's address is looked at again.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, instances};

use super::changed::changed;
use super::wire::ChangedInstance;
use crate::caller::Caller;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Have a server's address looked at again, from outside.
///
/// Within seconds the server's `addresses` say what was seen. It is looked at by itself, too; asked for, at most every 20 seconds.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/address/look", tag = "instances", operation_id = "lookAtAddress",
    responses((status = 202, description = "It is looked at.", body = ChangedInstance))
)]
pub async fn look(caller: Caller, key: KeyHeader, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &[])?;
    changed(id, key, async |once| instances::look_again(&app, &caller, id, once).await).await
}
