//! `GET /imports/{id}`: how far an import is.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, imports};

use super::wire::Import;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// A server that is brought in, and what the last look into its bundle found.
#[utoipa::path(
    get, path = "/api/v1/imports/{id}", tag = "imports", operation_id = "getImport",
    responses((status = 200, description = "The import.", body = Import))
)]
pub async fn show(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let view = imports::get(&app, &caller, id(&request, "import")?).await?;
    Ok(HttpResponse::Ok().json(Import::from(view)))
}
