//! `POST /sign-ups/{id}/approve`: somebody who waits is let in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, sign_up};
use howdah_domain::{AccountId, SignUpId};

use super::wire::DecidedSignUp;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, once};
use crate::problem::Problem;
use crate::resource::id;

/// Let somebody in who waits: for operators.
///
/// Their account is opened, and a mail tells them.
#[utoipa::path(
    post, path = "/api/v1/sign-ups/{id}/approve", tag = "sign-ups", operation_id = "approveSignUp",
    responses((status = 200, description = "It is decided.", body = DecidedSignUp))
)]
pub async fn approve(caller: Caller, key: KeyHeader, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id: SignUpId = id(&request, "sign-up")?;
    let key = key.bind(&caller, &request, &[])?;
    let body = |it: &AccountId| DecidedSignUp::approved(id, *it);
    once(key, StatusCode::OK, body, async |once| sign_up::approve(&app, &caller, id, once).await).await
}
