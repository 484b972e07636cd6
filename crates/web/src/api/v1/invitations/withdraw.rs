//! `DELETE /invitations/{id}`: an invitation is good no more.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, members};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// Withdraw an invitation: for owners.
#[utoipa::path(
    delete, path = "/api/v1/invitations/{id}", tag = "people", operation_id = "withdrawInvitation",
    responses((status = 204, description = "Its link is good no more."))
)]
pub async fn withdraw(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    members::withdraw(&app, &caller, id(&request, "invitation")?).await?;
    Ok(HttpResponse::NoContent().finish())
}
