//! How a bill looks on the wire. Terms are those of the payment provider, amounts whole numbers of the currency's minor unit.

use chrono::{DateTime, Utc};
use howdah_app::billing::{BillView, InvoiceView, LineView, Offer, SubscriptionView};
use howdah_domain::Money;
use howdah_domain::billing::Access;
use howdah_domain::billing::estimate::{Estimate, Line};
use howdah_domain::billing::facts::InvoiceLine;
use howdah_domain::billing::timeline::{Banner, Stage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount of money.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// ISO 4217.
    #[schema(min_length = 3, max_length = 3)]
    pub currency: String,
    /// In the currency's minor unit: cents, say. Below zero it is given back.
    pub minor: i64,
}

impl From<Money> for Amount {
    fn from(it: Money) -> Self {
        Self { currency: it.currency.to_string(), minor: it.minor }
    }
}

/// What a server costs and why, as the record has it: it is there while the payment provider is away.
#[derive(Debug, Serialize, ToSchema)]
pub struct Bill {
    #[schema(schema_with = crate::api::words::standing)]
    standing: &'static str,
    #[schema(schema_with = crate::api::words::access)]
    access: &'static str,
    /// Why it may do what it may.
    #[schema(max_length = 1000)]
    sentence: String,
    /// What comes next on the way down.
    banner: Option<BannerBody>,
    /// All of it.
    #[schema(max_items = 3)]
    steps: Vec<StepBody>,
    /// How all of it is stopped.
    #[schema(max_length = 1000)]
    way_out: Option<&'static str>,
    /// What paying for it comes to, where you can pay for it now.
    offer: Option<OfferBody>,
    subscription: Option<SubscriptionBody>,
    /// The next bill, before it is made.
    next: Option<EstimateBody>,
    /// The most that usage beyond the plan may cost in a period.
    cap: Option<Amount>,
    /// That limit is reached, and what it means.
    #[schema(max_length = 1000)]
    cap_reached: Option<String>,
    /// The newest.
    #[schema(max_items = 24)]
    invoices: Vec<InvoiceBody>,
    /// A page at which it is paid for is open.
    is_being_paid: bool,
    can_change: bool,
    /// When the record was last read from the payment provider.
    read_at: Option<DateTime<Utc>>,
}

/// What comes next on the way down.
#[derive(Debug, Serialize, ToSchema)]
pub struct BannerBody {
    #[serde(flatten)]
    step: StepBody,
    /// Begun ones count.
    days_left: u32,
}

/// A step on the way down.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepBody {
    #[schema(schema_with = crate::api::words::stage)]
    stage: &'static str,
    at: DateTime<Utc>,
    #[schema(max_length = 1000)]
    sentence: String,
}

/// What paying for a server comes to.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferBody {
    /// Of a month.
    price: Amount,
    /// Days for nothing before the first charge; none where it is charged now.
    trial_days: Option<u32>,
}

/// What is paid for.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionBody {
    #[schema(max_length = 255)]
    id: String,
    /// As the payment provider has it: `active`, say.
    #[schema(max_length = 63)]
    status: String,
    #[schema(max_length = 63)]
    plan: Option<String>,
    /// All that is paid each month, without tax and usage.
    monthly: Amount,
    period_start: DateTime<Utc>,
    period_end: DateTime<Utc>,
    trial_end: Option<DateTime<Utc>>,
    /// It ends then, by your wish.
    cancel_at: Option<DateTime<Utc>>,
    /// Of who pays by invoice.
    days_until_due: Option<i32>,
}

/// A bill before it is made. Without tax, where that comes on top.
#[derive(Debug, Serialize, ToSchema)]
pub struct EstimateBody {
    at: DateTime<Utc>,
    #[schema(max_items = 100)]
    lines: Vec<EstimateLine>,
    due: Amount,
    credit_left: Amount,
}

/// A line, with what causes it.
#[derive(Debug, Serialize, ToSchema)]
pub struct EstimateLine {
    #[schema(schema_with = crate::api::words::cause)]
    cause: &'static str,
    #[schema(max_length = 1000)]
    description: String,
    quantity: u32,
    /// Of usage: as forecast.
    amount: Amount,
    /// Of usage: until now.
    so_far: Option<Amount>,
}

/// An invoice.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceBody {
    #[schema(max_length = 255)]
    id: String,
    #[schema(max_length = 255)]
    number: Option<String>,
    /// As the payment provider has it: `paid`, say.
    #[schema(max_length = 63)]
    status: String,
    created_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    total: Amount,
    tax: Amount,
    remaining: Amount,
    #[schema(max_items = 1000)]
    lines: Vec<InvoiceLineBody>,
    /// Where it is seen and paid.
    #[schema(max_length = 5000)]
    page: Option<String>,
    #[schema(max_length = 5000)]
    pdf: Option<String>,
}

/// A line of an invoice, or of a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceLineBody {
    #[schema(max_length = 1000)]
    description: String,
    amount: Amount,
    is_proration: bool,
}

impl From<BillView> for Bill {
    fn from(it: BillView) -> Self {
        Self {
            standing: it.standing.as_str(),
            access: match it.access {
                Access::Run => "run",
                Access::ReadOnly => "read_only",
                Access::Suspend(_) => "suspend",
            },
            sentence: it.sentence,
            banner: it.banner.map(Into::into),
            steps: it.steps.into_iter().map(Into::into).collect(),
            way_out: it.way_out,
            offer: it.offer.map(Into::into),
            subscription: it.subscription.map(Into::into),
            next: it.next.map(Into::into),
            cap: it.cap.map(Into::into),
            cap_reached: it.cap_reached,
            invoices: it.invoices.into_iter().map(Into::into).collect(),
            is_being_paid: it.is_being_paid,
            can_change: it.can_change,
            read_at: it.read_at,
        }
    }
}

impl From<Banner> for BannerBody {
    fn from(it: Banner) -> Self {
        Self { step: (it.next, it.at, it.sentence).into(), days_left: it.days_left }
    }
}

impl From<(Stage, DateTime<Utc>, String)> for StepBody {
    fn from((stage, at, sentence): (Stage, DateTime<Utc>, String)) -> Self {
        let stage = match stage {
            Stage::ReadOnly => "read_only",
            Stage::Suspended => "suspended",
            Stage::Removed => "removed",
        };
        Self { stage, at, sentence }
    }
}

impl From<Offer> for OfferBody {
    fn from(it: Offer) -> Self {
        Self { price: it.price.into(), trial_days: it.trial.map(|it| it.days) }
    }
}

impl From<SubscriptionView> for SubscriptionBody {
    fn from(it: SubscriptionView) -> Self {
        let SubscriptionView { id, status, plan, monthly, period_start, period_end, trial_end, cancel_at, days_until_due, .. } = it;
        Self { id, status, plan, monthly: monthly.into(), period_start, period_end, trial_end, cancel_at, days_until_due }
    }
}

impl From<Estimate> for EstimateBody {
    fn from(it: Estimate) -> Self {
        let lines = it.lines.into_iter().map(Into::into).collect();
        Self { at: it.at, lines, due: it.due.into(), credit_left: it.credit_left.into() }
    }
}

impl From<Line> for EstimateLine {
    fn from(it: Line) -> Self {
        let Line { cause, description, quantity, amount, so_far } = it;
        Self { cause: cause.as_str(), description, quantity, amount: amount.into(), so_far: so_far.map(Into::into) }
    }
}

impl From<InvoiceView> for InvoiceBody {
    fn from(it: InvoiceView) -> Self {
        let InvoiceView { id, number, status, created_at, due_at, total, tax, remaining, lines, page, pdf } = it;
        let lines = lines.into_iter().map(Into::into).collect();
        let [total, tax, remaining] = [total, tax, remaining].map(Amount::from);
        Self { id, number, status, created_at, due_at, total, tax, remaining, lines, page, pdf }
    }
}

impl From<LineView> for InvoiceLineBody {
    fn from(it: LineView) -> Self {
        Self { description: it.description, amount: it.amount.into(), is_proration: it.is_proration }
    }
}

impl From<InvoiceLine> for InvoiceLineBody {
    fn from(it: InvoiceLine) -> Self {
        Self { description: it.description, amount: it.amount.into(), is_proration: it.is_proration }
    }
}
