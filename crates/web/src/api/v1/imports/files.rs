//! `POST /imports/{id}/files`: where a bundle's files are put.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::App;
use howdah_app::imports::{self, Offered};

use super::bringing::{NewFiles, OfferedFiles};
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// Bring a bundle's files: links to PUT each to.
///
/// Announce up to a thousand at a time. Who asks again after a break is told which are there already: those have no link. What is larger than
/// 8 MiB goes in parts.
#[utoipa::path(
    post, path = "/api/v1/imports/{id}/files", tag = "imports", operation_id = "offerImportFiles",
    request_body = NewFiles,
    responses((status = 200, description = "Links.", body = OfferedFiles))
)]
pub async fn files(caller: Caller, app: web::Data<App>, request: HttpRequest, body: Json<NewFiles>) -> Result<HttpResponse, Problem> {
    let (of, announced) = body.value.announced();
    let offered = imports::offer(&app, &caller, id(&request, "import")?, of.as_deref(), &announced).await?;
    Ok(answer(offered))
}

/// Links are keys: no cache keeps them.
pub fn answer(offered: Vec<Offered>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store"))).json(OfferedFiles::from(offered))
}
