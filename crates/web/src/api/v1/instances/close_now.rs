//! `POST /instances/{id}/close/now`: the grace period ends now.

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

/// End the grace period of a Close or Remove now.
///
/// What comes after it begins within moments, and from its first pass on nothing can be undone. The domain is typed once more.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/close/now", tag = "instances", operation_id = "endGraceOfInstance",
    request_body = Confirmation,
    responses((status = 202, description = "The grace period is over.", body = ChangedInstance))
)]
pub async fn close_now(
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
    changed(id, key, async |once| instances::end_grace(&app, &caller, id, &asked, once).await).await
}
