//! `GET /billing/events`, and one handled again: what the payment provider told.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use howdah_app::billing::{self, EventView};
use howdah_app::{App, idempotency};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::body::OptionalJson;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, once};
use crate::page::PageQuery;
use crate::problem::Problem;

/// A page of events, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    #[schema(max_items = 100)]
    items: Vec<BillingEvent>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

/// Something that the payment provider told.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillingEvent {
    /// The provider's.
    #[schema(max_length = 255)]
    id: String,
    /// `invoice.paid`, say.
    #[schema(max_length = 255)]
    kind: String,
    /// It was told; otherwise it was found by the hourly look at what could not be delivered.
    was_told: bool,
    created_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    handled_at: Option<DateTime<Utc>>,
    /// What was done about it, or why nothing could be so far.
    #[schema(max_length = 4000)]
    outcome: Option<String>,
}

impl From<EventView> for BillingEvent {
    fn from(it: EventView) -> Self {
        let EventView { id, kind, was_told, created_at, received_at, handled_at, outcome } = it;
        Self { id, kind, was_told, created_at, received_at, handled_at, outcome }
    }
}

/// What the payment provider told, and what was done about it: for operators.
#[utoipa::path(
    get, path = "/api/v1/billing/events", tag = "billing", operation_id = "listBillingEvents",
    responses((status = 200, description = "A page of events.", body = EventPage))
)]
pub async fn list(caller: Caller, page: PageQuery<i64>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let before = page.before.and_then(DateTime::from_timestamp_micros);
    let found = billing::events(&app, &caller, before, false, page.fetched()).await?;
    let (events, next_cursor) = page.cut(found, |it| it.received_at.timestamp_micros());
    Ok(HttpResponse::Ok().json(EventPage { items: events.into_iter().map(Into::into).collect(), next_cursor }))
}

/// Have an event handled again: what it is of is read anew, and nothing happens twice. For operators.
#[utoipa::path(
    post, path = "/api/v1/billing/events/{event}/replay", tag = "billing", operation_id = "replayBillingEvent",
    params(("event" = inline(EventId), Path, description = "The event's id.")),
    responses(
        (status = 202, description = "It is handled within moments.", body = ReplayedEvent),
    )
)]
pub async fn replay(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: OptionalJson<Value>,
) -> Result<HttpResponse, Problem> {
    let key = key.bind(&caller, &request, &body.bytes)?;
    let id = request.match_info().get("event").unwrap_or_default();
    let shown = |(): &()| json!(ReplayedEvent { id: id.to_owned() });
    once(key, StatusCode::ACCEPTED, shown, async |key| idempotency::around(&app, key, billing::replay(&app, &caller, id)).await).await
}

/// The provider's.
#[derive(ToSchema)]
#[schema(value_type = String, max_length = 255)]
#[expect(dead_code, reason = "it is described, and read as text")]
pub struct EventId(String);

/// An event that is handled again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedEvent {
    #[schema(max_length = 255)]
    id: String,
}
