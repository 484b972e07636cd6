//! `GET /exports/{id}/links`: an export that is kept is fetched.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, exports};

use crate::caller::Caller;
use crate::fetching;
use crate::problem::Problem;
use crate::resource::id;

/// Fetch an export: links to all its files, as a configuration file of curl's.
///
/// `curl --config FILE` fetches everything into a folder, and again what was cut off. The links need no account and end after a week, or when
/// the export is kept no longer. What they lead to is sealed.
#[utoipa::path(
    get, path = "/api/v1/exports/{id}/links", tag = "exports", operation_id = "getExportLinks",
    responses((status = 200, description = "A configuration file of curl's.", body = String, content_type = "text/plain"))
)]
pub async fn links(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(fetching::answer(exports::links(&app, &caller, id(&request, "export")?).await?))
}
