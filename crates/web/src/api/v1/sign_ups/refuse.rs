//! `POST /sign-ups/{id}/refuse`: somebody who waits is turned away.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, sign_up};
use howdah_domain::SignUpId;

use super::wire::DecidedSignUp;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, once};
use crate::problem::Problem;
use crate::resource::id;

/// Turn somebody away who waits: for operators.
///
/// A mail tells them.
#[utoipa::path(
    post, path = "/api/v1/sign-ups/{id}/refuse", tag = "sign-ups", operation_id = "refuseSignUp",
    responses((status = 200, description = "It is decided.", body = DecidedSignUp))
)]
pub async fn refuse(caller: Caller, key: KeyHeader, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id: SignUpId = id(&request, "sign-up")?;
    let key = key.bind(&caller, &request, &[])?;
    let body = |(): &()| DecidedSignUp::refused(id);
    once(key, StatusCode::OK, body, async |once| sign_up::refuse(&app, &caller, id, once).await).await
}
