//! `POST /imports/{id}/look`: look into a bundle.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::{App, imports};
use secrecy::SecretString;

use super::wire::{BundleKey, Import};
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// Look into what was brought: what it is, whether it is whole, and what speaks against it.
///
/// It takes seconds, and reads what describes the bundle alone. With the key, the secrets are proved on what the database holds.
#[utoipa::path(
    post, path = "/api/v1/imports/{id}/look", tag = "imports", operation_id = "lookIntoImport",
    request_body = BundleKey,
    responses((status = 200, description = "The import, with what was found.", body = Import))
)]
pub async fn look(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<BundleKey>,
) -> Result<HttpResponse, Problem> {
    let key = body.value.key.map(SecretString::from);
    let view = imports::look(&app, &caller, id(&request, "import")?, key.as_ref()).await?;
    Ok(HttpResponse::Ok().json(Import::from(view)))
}
