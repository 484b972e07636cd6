//! `POST /instances/{id}/approve`: an operator lets a launch that waits begin.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, instances};

use super::changed::changed;
use super::wire::ChangedInstance;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::idempotency::KeyHeader;
use crate::problem::Problem;
use crate::resource::id;

/// Let a server that waits for approval or payment begin: for operators.
///
/// It is granted, free of charge and without an end.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/approve", tag = "instances", operation_id = "approveInstance",
    responses((status = 202, description = "The launch goes on.", body = ChangedInstance))
)]
pub async fn approve(
    caller: Caller,
    key: KeyHeader,
    if_match: IfMatch,
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &[])?;
    changed(id, key, async |once| instances::approve(&app, &caller, id, if_match.0, once).await).await
}
