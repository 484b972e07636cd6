//! `PUT /settings`: what applies to the whole platform from now on.

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, web};
use howdah_app::App;
use howdah_app::settings::{self, SettingsChange};

use super::wire::{NewSettings, Settings};
use crate::body::Json;
use crate::caller::Caller;
use crate::conditional::{IfMatch, etag};
use crate::problem::Problem;

/// Change what applies to the whole platform: for operators.
///
/// All of it is set, and applies at once. With `If-Match` it is changed only if nobody else has changed it meanwhile.
#[utoipa::path(
    put, path = "/api/v1/settings", tag = "settings", operation_id = "changeSettings",
    request_body = NewSettings,
    responses((status = 200, description = "They apply.", body = Settings, headers(("ETag" = String, description = "For If-Match."))))
)]
pub async fn change(caller: Caller, if_match: IfMatch, app: web::Data<App>, body: Json<NewSettings>) -> Result<HttpResponse, Problem> {
    let now = settings::change(&app, &caller, if_match.0, &SettingsChange::from(body.value)).await?;
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(now.revision))).json(Settings::from(now)))
}
