//! `POST /operations/{id}/retry`: operators have what failed tried again.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::operations::OperationView;
use howdah_app::{App, fleet};

use super::wire::Operation;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, once};
use crate::problem::Problem;
use crate::resource::id;

/// Try again what failed or is held up.
///
/// What failed begins anew, as an operation of its own; what is held up is tried at once. Only operators can ask for it.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/retry", tag = "operations", operation_id = "retryOperation",
    responses((status = 202, description = "The operation that goes on.", body = Operation))
)]
pub async fn retry(caller: Caller, key: KeyHeader, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "operation")?;
    let key = key.bind(&caller, &request, &[])?;
    let body = |it: &OperationView| Operation::from(it.clone());
    once(key, StatusCode::ACCEPTED, body, async |once| fleet::retry(&app, &caller, id, once).await).await
}
