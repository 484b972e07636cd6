//! `GET /settings`: what applies to the whole platform.

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, web};
use howdah_app::{App, settings};

use super::wire::Settings;
use crate::caller::Caller;
use crate::conditional::etag;
use crate::problem::Problem;

/// What applies to the whole platform: for operators.
#[utoipa::path(
    get, path = "/api/v1/settings", tag = "settings", operation_id = "getSettings",
    responses((status = 200, description = "The settings.", body = Settings, headers(("ETag" = String, description = "For If-Match."))))
)]
pub async fn show(caller: Caller, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let now = settings::get(&app, &caller).await?;
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(now.revision))).json(Settings::from(now)))
}
