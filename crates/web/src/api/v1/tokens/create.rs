//! `POST /tokens`: another token, with no more rights than the one that asks.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::idempotency::Idempotent;
use howdah_app::tokens::{self, NewToken, TokenRequest};
use howdah_app::{App, Once};
use secrecy::ExposeSecret;
use serde_json::json;

use super::wire::{MadeToken, TokenToMake};
use crate::body::Json;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;

/// Make a token.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens", operation_id = "createToken",
    request_body = TokenToMake,
    responses((status = 201, description = "The token, shown now and never again.", body = MadeToken))
)]
pub async fn create(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<TokenToMake>,
) -> Result<HttpResponse, Problem> {
    let key = key.bind(&caller, &request, &body.bytes)?;
    let render = |it: &NewToken| (201, json!(MadeToken::without_secret(it)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    match tokens::create(&app, &caller, &TokenRequest::from(body.value), idempotent).await? {
        Once::Done(new) => Ok(HttpResponse::Created().json(MadeToken::with_secret(&new, new.token.expose_secret()))),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}
