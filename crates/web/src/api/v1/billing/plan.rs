//! `POST /instances/{id}/billing/preview` and `PUT …/plan`: another plan, once it was seen what it costs.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use howdah_app::billing::PlanPreview;
use howdah_app::{App, billing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::{Amount, Bill, InvoiceLineBody};
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// Another plan, to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedPlan {
    #[schema(max_length = 63)]
    plan: String,
}

/// Another plan, for what its preview said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreedPlan {
    #[schema(max_length = 63)]
    plan: String,
    /// The preview's: it costs what was said there. It holds for half an hour.
    as_of: DateTime<Utc>,
}

/// What another plan costs. Nothing is changed yet.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanCost {
    #[schema(max_length = 63)]
    plan: String,
    /// At once: the rest of the period, both ways.
    #[schema(max_items = 100)]
    now: Vec<InvoiceLineBody>,
    due_now: Amount,
    /// Below zero: credit for later invoices.
    total_now: Amount,
    /// From the next renewal on; none where the subscription ends before.
    renewal: Option<Amount>,
    renews_at: DateTime<Utc>,
    as_of: DateTime<Utc>,
}

impl From<PlanPreview> for PlanCost {
    fn from(it: PlanPreview) -> Self {
        let PlanPreview { plan, now, due_now, total_now, renewal, renews_at, as_of } = it;
        let now = now.into_iter().map(Into::into).collect();
        let [due_now, total_now] = [due_now, total_now].map(Amount::from);
        Self { plan, now, due_now, total_now, renewal: renewal.map(Into::into), renews_at, as_of }
    }
}

/// What another plan would cost, now and from the next renewal on.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/billing/preview", tag = "billing", operation_id = "previewPlan",
    request_body = WantedPlan,
    responses((status = 200, description = "What it costs.", body = PlanCost))
)]
pub async fn preview(caller: Caller, app: web::Data<App>, request: HttpRequest, body: Json<WantedPlan>) -> Result<HttpResponse, Problem> {
    let preview = billing::preview_plan(&app, &caller, id(&request, "server")?, &body.value.plan).await?;
    Ok(HttpResponse::Ok().json(PlanCost::from(preview)))
}

/// Have a server be of another plan, for what the preview said.
///
/// Where a payment is due now and does not go through, nothing is changed.
#[utoipa::path(
    put, path = "/api/v1/instances/{id}/billing/plan", tag = "billing", operation_id = "changePlan",
    request_body = AgreedPlan,
    responses((status = 200, description = "The bill, as it is now.", body = Bill))
)]
pub async fn change(caller: Caller, app: web::Data<App>, request: HttpRequest, body: Json<AgreedPlan>) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let AgreedPlan { plan, as_of } = &body.value;
    billing::change_plan(&app, &caller, id, plan, *as_of).await?;
    Ok(HttpResponse::Ok().json(Bill::from(billing::bill(&app, &caller, id).await?)))
}
