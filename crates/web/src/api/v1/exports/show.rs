//! `GET /exports/{id}`: how far an export is.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, exports};

use super::wire::Export;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// How far an export is, and what came of it.
#[utoipa::path(
    get, path = "/api/v1/exports/{id}", tag = "exports", operation_id = "getExport",
    responses((status = 200, description = "The export.", body = Export))
)]
pub async fn show(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let view = exports::get(&app, &caller, id(&request, "export")?).await?;
    Ok(HttpResponse::Ok().json(Export::from(view)))
}
