//! `POST /instances/{id}/billing/checkout` and `/portal`: pages of the payment provider's.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::billing::Payable;
use howdah_app::{App, billing, idempotency, instances};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, once};
use crate::problem::{Problem, invalid};
use crate::resource::id;

/// How it is to be paid.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCheckout {
    /// ISO 4217; without it, the platform's. What an account has begun to pay in it goes on to pay in.
    #[serde(default)]
    #[schema(min_length = 3, max_length = 3)]
    currency: Option<String>,
}

/// A page of the payment provider's, to be opened in a browser.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentPage {
    #[schema(max_length = 5000)]
    url: String,
}

/// Open a page at which a server is paid for.
///
/// While one is open it is the same one, whoever asks. The server starts when the payment provider says that it is paid.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/billing/checkout", tag = "billing", operation_id = "openCheckout",
    request_body = NewCheckout,
    responses((status = 201, description = "It is open, for a day at most.", body = PaymentPage, headers(
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn checkout(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<NewCheckout>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let currency = body.value.currency.as_deref().map(str::parse).transpose();
    let currency = currency.map_err(|_| invalid("currency", "malformed", "A currency is three capital letters of ISO 4217."))?;
    let shown = |it: &Payable| PaymentPage { url: it.url.clone() };
    once(key, StatusCode::CREATED, shown, async |key| idempotency::around(&app, key, billing::pay(&app, &caller, id, currency)).await).await
}

/// Open the page for means of payment, addresses and tax ids.
///
/// It is good for some minutes, and leads back to the server's bill: ask for it when it is to be opened.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/billing/portal", tag = "billing", operation_id = "openBillingPortal",
    responses((status = 201, description = "It is open.", body = PaymentPage))
)]
pub async fn portal(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let server = instances::get(&app, &caller, id).await?;
    let url = billing::portal(&app, &caller, &format!("/servers/{}/billing", server.slug)).await?;
    Ok(HttpResponse::Created().json(PaymentPage { url }))
}
