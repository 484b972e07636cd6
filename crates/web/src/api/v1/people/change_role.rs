//! `PUT /people/{id}/role`: somebody gets another role in the account.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, members};

use super::wire::NewRole;
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// Give somebody another role in the account.
///
/// Only an owner can, and an account keeps one. The owners and whoever it is about get a mail.
#[utoipa::path(
    put, path = "/api/v1/people/{id}/role", tag = "people", operation_id = "changeRole",
    request_body = NewRole,
    responses((status = 204, description = "They have it."))
)]
pub async fn change_role(caller: Caller, app: web::Data<App>, request: HttpRequest, body: Json<NewRole>) -> Result<HttpResponse, Problem> {
    members::change_role(&app, &caller, id(&request, "person")?, body.value.role.into()).await?;
    Ok(HttpResponse::NoContent().finish())
}
