//! `DELETE /instances/{id}`: our copy is deleted, and nothing is announced.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, instances};

use super::wire::ChangedInstance;
use crate::caller::Caller;
use crate::conditional::IfMatch;
use crate::problem::Problem;
use crate::resource::id;

/// Remove a server: for operators.
///
/// Everything of it is deleted after the grace period, and no other server is told: its community may live on elsewhere.
#[utoipa::path(
    delete, path = "/api/v1/instances/{id}", tag = "instances", operation_id = "removeInstance",
    responses((status = 202, description = "The grace period has begun.", body = ChangedInstance))
)]
pub async fn remove(caller: Caller, if_match: IfMatch, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    instances::remove(&app, &caller, id, if_match.0).await?;
    Ok(HttpResponse::Accepted().json(ChangedInstance::from(id)))
}
