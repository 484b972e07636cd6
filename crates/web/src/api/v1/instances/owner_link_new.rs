//! `POST /instances/{id}/owner-link/new`: another way in for the owner.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, instances};

use super::changed::changed;
use super::wire::ChangedInstance;
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Make a new link for the server's owner, in place of the one before.
///
/// It is ready within a minute or two: `owner-link` shows it then, and says until then that it is on its way; a mail brings it to
/// whoever asked. At most three an hour, one at a time, and only while the server runs.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/owner-link/new", tag = "instances", operation_id = "sendOwnerLink",
    responses((status = 202, description = "It is on its way.", body = ChangedInstance))
)]
pub async fn owner_link_new(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<serde_json::Value>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    changed(id, key, async |once| instances::send_owner_link(&app, &caller, id, once).await).await
}
