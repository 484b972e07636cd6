//! `POST /invitations`: somebody is asked to join the account.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::members::InvitationView;
use howdah_app::{App, members};

use super::wire::{Invitation, NewInvitation};
use crate::body::Json;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, once};
use crate::problem::Problem;

/// Ask somebody to join the account.
///
/// Only an owner can. A mail brings them the link, and an earlier invitation of the same e-mail address is good no more; the owners
/// get a mail, too.
#[utoipa::path(
    post, path = "/api/v1/invitations", tag = "people", operation_id = "createInvitation",
    request_body = NewInvitation,
    responses((status = 201, description = "The link is on its way.", body = Invitation))
)]
pub async fn create(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<NewInvitation>,
) -> Result<HttpResponse, Problem> {
    let key = key.bind(&caller, &request, &body.bytes)?;
    let NewInvitation { email, role } = body.value;
    let made = |it: &InvitationView| Invitation::from(it.clone());
    once(key, StatusCode::CREATED, made, async |once| members::invite(&app, &caller, &email, role.into(), once).await).await
}
