//! `GET /operations/{id}`: how far an operation is.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, operations};

use super::wire::Operation;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// How far an operation is.
#[utoipa::path(
    get, path = "/api/v1/operations/{id}", tag = "operations", operation_id = "getOperation",
    responses((status = 200, description = "The operation.", body = Operation))
)]
pub async fn show(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let view = operations::get(&app, &caller, id(&request, "operation")?).await?;
    Ok(HttpResponse::Ok().json(Operation::from(view)))
}
