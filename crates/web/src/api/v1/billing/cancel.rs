//! `POST /instances/{id}/billing/cancel`, and `…/cancel/undo`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::billing::BillView;
use howdah_app::{App, billing, idempotency};
use serde_json::{Value, json};

use super::wire::Bill;
use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, once};
use crate::problem::Problem;
use crate::resource::id;

fn shown(it: &BillView) -> Value {
    json!(Bill::from(it.clone()))
}

/// Cancel: it ends with the period that is paid, and the server runs until then.
///
/// What happens after that, and when, is in `steps`. Nothing of it is announced to other servers.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/billing/cancel", tag = "billing", operation_id = "cancelSubscription",
    responses((status = 200, description = "The bill, as it is now.", body = Bill, headers(
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn cancel(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<Value>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let change = async {
        billing::cancel(&app, &caller, id).await?;
        billing::bill(&app, &caller, id).await
    };
    once(key, StatusCode::OK, shown, async |key| idempotency::around(&app, key, change).await).await
}

/// Take a cancellation back, while the period that is paid lasts.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/billing/cancel/undo", tag = "billing", operation_id = "undoCancellation",
    responses((status = 200, description = "The bill, as it is now.", body = Bill, headers(
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before."),
    )))
)]
pub async fn undo(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<Value>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let change = async {
        billing::take_back_cancel(&app, &caller, id).await?;
        billing::bill(&app, &caller, id).await
    };
    once(key, StatusCode::OK, shown, async |key| idempotency::around(&app, key, change).await).await
}
