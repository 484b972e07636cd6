//! `DELETE /people/{id}`: somebody belongs to the account no more.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, members};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// Take somebody out of the account, or leave it.
///
/// With them go their tokens for it and their sessions in it. An owner can take anybody out, and everybody can leave; an account
/// keeps an owner. The owners and whoever is out get a mail.
#[utoipa::path(
    delete, path = "/api/v1/people/{id}", tag = "people", operation_id = "removePerson",
    responses((status = 204, description = "They are out."))
)]
pub async fn remove(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    members::remove(&app, &caller, id(&request, "person")?).await?;
    Ok(HttpResponse::NoContent().finish())
}
