//! `POST /exports/{id}/key`: the key of a final bundle. A POST, because it is recorded that it was shown.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Once, exports};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;
use crate::resource::id;

/// What opens a final bundle.
#[derive(Debug, Serialize, ToSchema)]
pub struct FinalBundleKey {
    /// An age secret key. None where this answer is given a second time: ask with another `Idempotency-Key`.
    #[schema(max_length = 100)]
    recovery_key: Option<String>,
}

/// The key that was made for a final bundle.
///
/// There is one where no owner had taken the server along before: then the final bundle is sealed to a key that is kept here, sealed, as
/// long as the bundle. Only owners of the server's account are shown it.
#[utoipa::path(
    post, path = "/api/v1/exports/{id}/key", tag = "exports", operation_id = "showFinalBundleKey",
    responses((status = 200, description = "The key.", body = FinalBundleKey))
)]
pub async fn key(caller: Caller, key: KeyHeader, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "export")?;
    let key = key.bind(&caller, &request, &[])?;
    let render = |_: &SecretString| (200, json!(FinalBundleKey { recovery_key: None }));
    let mut response = match exports::key(&app, &caller, id, key.as_ref().map(|key| Idempotent { key, render: &render })).await? {
        Once::Done(shown) => HttpResponse::Ok().json(FinalBundleKey { recovery_key: Some(shown.expose_secret().to_owned()) }),
        Once::Again { status, body } => again(status, &body),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
