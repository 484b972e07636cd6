//! `POST /operations/{id}/retry`: operators have what failed tried again.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, fleet, operations};

use super::wire::Operation;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// Try again what failed or is held up.
///
/// What failed begins anew, as an operation of its own; what is held up is tried at once. Only operators can ask for it.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/retry", tag = "operations", operation_id = "retryOperation",
    responses((status = 202, description = "The operation that goes on.", body = Operation))
)]
pub async fn retry(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let goes_on = fleet::retry(&app, &caller, id(&request, "operation")?).await?;
    let view = operations::get(&app, &caller, goes_on).await?;
    Ok(HttpResponse::Accepted().json(Operation::from(view)))
}
