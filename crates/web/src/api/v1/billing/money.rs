//! `GET /money` and `GET /billing/reconciliations`: what subscriptions come to, and what differed.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use howdah_app::App;
use howdah_app::billing::{self, DifferenceView, MoneyView, ReconciliationView, Share, Total};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::Amount;
use crate::caller::Caller;
use crate::problem::Problem;

/// What subscriptions come to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Money {
    /// Monthly recurring revenue, one a currency.
    #[schema(max_items = 32)]
    totals: Vec<Revenue>,
    #[schema(max_items = 1000)]
    by_plan: Vec<RevenueShare>,
    #[schema(max_items = 1000)]
    by_region: Vec<RevenueShare>,
    trialing: usize,
    active: usize,
    past_due: usize,
    unpaid: usize,
    /// Subscriptions that ended in the last 30 days.
    ended: i64,
    /// Of all that there were 30 days ago, in tenths of a percent.
    churn_permille: i64,
    /// Of the last 30 days, by their state.
    #[schema(max_items = 16)]
    invoices: Vec<InvoiceCount>,
}

/// All items of what is active or past due, without tax and usage.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revenue {
    mrr: Amount,
    subscriptions: usize,
}

/// Of a plan, or of a region.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevenueShare {
    #[schema(max_length = 255)]
    name: String,
    mrr: Amount,
    subscriptions: usize,
}

/// How many invoices are in a state.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceCount {
    #[schema(max_length = 63)]
    status: String,
    count: i64,
}

impl From<Share> for RevenueShare {
    fn from(it: Share) -> Self {
        Self { name: it.name, mrr: it.mrr.into(), subscriptions: it.subscriptions }
    }
}

impl From<MoneyView> for Money {
    fn from(it: MoneyView) -> Self {
        let total = |it: Total| Revenue { mrr: it.mrr.into(), subscriptions: it.subscriptions };
        Self {
            totals: it.totals.into_iter().map(total).collect(),
            by_plan: it.by_plan.into_iter().map(Into::into).collect(),
            by_region: it.by_region.into_iter().map(Into::into).collect(),
            trialing: it.trialing,
            active: it.active,
            past_due: it.past_due,
            unpaid: it.unpaid,
            ended: it.ended,
            churn_permille: it.churn_permille,
            invoices: it.invoices.into_iter().map(|(status, count)| InvoiceCount { status, count }).collect(),
        }
    }
}

/// What subscriptions come to: for operators.
#[utoipa::path(
    get, path = "/api/v1/money", tag = "billing", operation_id = "showMoney",
    responses((status = 200, description = "What they come to.", body = Money))
)]
pub async fn show(caller: Caller, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(Money::from(billing::money(&app, &caller).await?)))
}

/// The newest comparisons of the payment provider, the record, and what runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReconciliationList {
    #[schema(max_items = 30)]
    items: Vec<Reconciliation>,
}

/// A comparison.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reconciliation {
    began_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    /// Subscriptions and servers.
    compared: i64,
    #[schema(max_items = 10000)]
    differences: Vec<Difference>,
}

/// What differed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Difference {
    #[schema(max_length = 63)]
    kind: String,
    instance: Option<Uuid>,
    #[schema(max_length = 255)]
    subscription: Option<String>,
    #[schema(max_length = 4000)]
    sentence: String,
    /// What was done about it.
    #[schema(max_length = 4000)]
    done: String,
}

impl From<ReconciliationView> for Reconciliation {
    fn from(it: ReconciliationView) -> Self {
        let difference = |it: DifferenceView| Difference {
            kind: it.kind,
            instance: it.instance.map(howdah_domain::InstanceId::as_uuid),
            subscription: it.subscription,
            sentence: it.sentence,
            done: it.done,
        };
        let differences = it.differences.into_iter().map(difference).collect();
        Self { began_at: it.began_at, ended_at: it.ended_at, compared: it.compared, differences }
    }
}

/// Where the payment provider, the record and what runs differed, each night: for operators.
#[utoipa::path(
    get, path = "/api/v1/billing/reconciliations", tag = "billing", operation_id = "showReconciliations",
    responses((status = 200, description = "The newest first.", body = ReconciliationList))
)]
pub async fn reconciliations(caller: Caller, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let items = billing::reconciliations(&app, &caller).await?.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(ReconciliationList { items }))
}
