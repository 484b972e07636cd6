//! A server's bill as its people see it: from the record alone, so that it is there when the provider is away.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::billing::{BillingCustomer, Checkout, InstanceBilling, InvoiceRow, SubscriptionRow};
use howdah_db::models::instance::Instance;
use howdah_domain::billing::estimate::{self, Coming, Estimate};
use howdah_domain::billing::facts::{Item, Sold};
use howdah_domain::billing::timeline::{Banner, Happened, Stage, timeline};
use howdah_domain::billing::{self as rules, Access, BillingFacts};
use howdah_domain::money::{Currency, Money};
use howdah_domain::{Desired, Hold, InstanceId, Standing};
use serde::Deserialize;

use super::{Billing, TERMS, Trial, checkout, ending, rows, standing, usage};
use crate::{Actor, App, Error, instances};

/// Invoices that one page shows.
const INVOICES: i64 = 24;

#[derive(Debug, Clone)]
pub struct BillView {
    pub standing: Standing,
    pub access: Access,
    /// Why it may do what it may, in a sentence.
    pub sentence: String,
    /// What comes next on the way down, and how to stop it.
    pub banner: Option<Banner>,
    /// All of it, with its dates.
    pub steps: Vec<(Stage, DateTime<Utc>, String)>,
    pub way_out: Option<&'static str>,
    pub subscription: Option<SubscriptionView>,
    /// The next bill, without tax, which only the provider knows.
    pub next: Option<Estimate>,
    /// The customer's own limit for usage beyond the plan.
    pub cap: Option<Money>,
    /// The limit is reached: what that means.
    pub cap_reached: Option<String>,
    pub invoices: Vec<InvoiceView>,
    /// When the record was last read whole from the provider.
    pub read_at: Option<DateTime<Utc>>,
    /// A page at which it is paid for is open.
    pub is_being_paid: bool,
    /// What paying for it comes to, where the actor can pay for it now.
    pub offer: Option<Offer>,
    pub can_change: bool,
    /// The account has means of payment, addresses and tax ids to change.
    pub has_portal: bool,
    /// What would happen when, were it cancelled now.
    pub if_cancelled: Option<[(Stage, DateTime<Utc>, String); 3]>,
}

/// What paying for a server comes to, as its plan is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Of a month, beginning now, or after the trial.
    pub price: Money,
    pub trial: Option<Trial>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionView {
    pub id: String,
    pub status: String,
    pub plan: Option<String>,
    pub items: Vec<Item>,
    /// All items in a month, without tax and usage.
    pub monthly: Money,
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    pub trial_end: Option<DateTime<Utc>>,
    /// It ends then, by the customer's wish.
    pub cancel_at: Option<DateTime<Utc>>,
    pub days_until_due: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceView {
    pub id: String,
    pub number: Option<String>,
    pub status: String,
    pub created_at: DateTime<Utc>,
    pub due_at: Option<DateTime<Utc>>,
    pub total: Money,
    pub tax: Money,
    pub remaining: Money,
    pub lines: Vec<LineView>,
    /// The provider's page where it is seen and paid.
    pub page: Option<String>,
    pub pdf: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineView {
    pub description: String,
    pub amount: Money,
    pub is_proration: bool,
}

/// # Errors
/// [`Error::NotFound`] for a server that is not the account's; [`Error::Conflict`] where billing is off.
pub async fn bill(app: &App, actor: &Actor, id: InstanceId) -> Result<BillView, Error> {
    actor.may_read()?;
    let billing = app.billing()?;
    let mut conn = app.conn().await?;
    let server = instances::seen_by(&mut conn, actor, id).await?;
    let facts = standing::facts(app, &conn, &server).await?;
    let verdict = rules::access(&facts);
    let happened = ending::happened(&mut conn, &server, facts.stages().map(|it| it.since)).await?;
    let way_down = timeline(&facts, TERMS.export_window, happened);
    let all = SubscriptionRow::of_instance(&mut conn, server.id).await?;
    let row = chosen(&conn, &server, &all).await?;
    let read = match &row {
        Some(row) => BillingCustomer::by_id(&mut conn, &row.customer_id).await?.and_then(|it| it.read_at),
        None => None,
    };
    let (next, cap, cap_reached) = coming(app, &mut conn, &server, row.as_ref()).await?;
    let is_being_paid = Checkout::open(&mut conn, server.id).await?.is_some_and(|it| it.expires_at > app.now());
    let desired = server.desired()?;
    let stays = server.tombstoned_at.is_none() && !matches!(desired, Desired::Deleted { .. });
    let is_held = matches!(desired, Desired::Suspended { by: Hold::Approval });
    let may_pay = server.account_id == actor.account.as_uuid() && actor.may_pay().is_ok();
    let is_live = row.as_ref().is_some_and(rows::is_live);
    let is_paid_for = all.iter().any(rows::is_subscribed) || matches!(facts.standing, Standing::Granted { until: None, .. });
    let customer = BillingCustomer::of_account(&mut conn, actor.account.as_uuid()).await?;
    let currency = customer.as_ref().and_then(|it| it.currency.as_deref()).and_then(|it| it.parse().ok());
    let offer = offer(app, billing, &server, currency).filter(|_| may_pay && stays && !is_held && !is_paid_for);
    let if_cancelled = row.as_ref().filter(|it| is_live && it.cancel_at.is_none()).and_then(|it| if_cancelled(&facts, it));
    let invoices = InvoiceRow::of_instance(&mut conn, server.id, INVOICES).await?;
    Ok(BillView {
        access: verdict.access,
        sentence: verdict.sentence,
        banner: way_down.as_ref().and_then(|it| it.banner(&facts)),
        steps: way_down.as_ref().map(|it| it.steps().into()).unwrap_or_default(),
        way_out: way_down.map(|_| rules::timeline::way_out(&facts.standing)),
        subscription: row.as_ref().map(subscription).transpose()?,
        next,
        cap,
        cap_reached,
        invoices: invoices.into_iter().map(invoice).collect::<Result<_, _>>()?,
        read_at: read,
        is_being_paid,
        offer,
        can_change: may_pay && stays && is_live,
        has_portal: may_pay && customer.is_some(),
        if_cancelled,
        standing: facts.standing,
    })
}

/// What is said on top of all its pages; nothing where billing is off.
///
/// # Errors
/// [`Error::NotFound`] for a server that is not the account's.
pub async fn banner(app: &App, actor: &Actor, id: InstanceId) -> Result<Option<Banner>, Error> {
    actor.may_read()?;
    if app.billing.is_none() {
        return Ok(None);
    }
    let mut conn = app.conn().await?;
    let server = instances::seen_by(&mut conn, actor, id).await?;
    let facts = standing::facts(app, &conn, &server).await?;
    let Some(since) = facts.stages().map(|it| it.since) else { return Ok(None) };
    let happened = ending::happened(&mut conn, &server, Some(since)).await?;
    Ok(timeline(&facts, TERMS.export_window, happened).and_then(|it| it.banner(&facts)))
}

/// In the currency of all that its account pays, or in the platform's.
fn offer(app: &App, billing: &Billing, server: &Instance, currency: Option<Currency>) -> Option<Offer> {
    let price = app.plans.get(&server.plan)?.price(currency.unwrap_or(billing.currency))?;
    Some(Offer { price, trial: checkout::trial(billing, server) })
}

fn if_cancelled(facts: &BillingFacts, row: &SubscriptionRow) -> Option<[(Stage, DateTime<Utc>, String); 3]> {
    let cancelled = BillingFacts { standing: Standing::Cancelled { at: row.period_end }, ..facts.clone() };
    timeline(&cancelled, TERMS.export_window, Happened::default()).map(|it| it.steps())
}

/// The subscription that its standing is of, or the newest that there was.
async fn chosen(conn: &Conn, server: &Instance, all: &[SubscriptionRow]) -> Result<Option<SubscriptionRow>, Error> {
    let folded = InstanceBilling::of(conn, server.id).await?.and_then(|it| it.subscription_id);
    let named = all.iter().find(|it| Some(&it.id) == folded.as_ref());
    Ok(named.or_else(|| all.first()).cloned())
}

type Next = (Option<Estimate>, Option<Money>, Option<String>);

async fn coming(app: &App, conn: &mut Conn, server: &Instance, row: Option<&SubscriptionRow>) -> Result<Next, Error> {
    let Some(row) = row else { return Ok((None, None, None)) };
    let currency: Currency = row.currency.parse().map_err(Error::internal)?;
    let cap = usage::cap(conn, server.id, currency).await?;
    if !rows::is_live(row) || row.cancel_at.is_some() {
        return Ok((None, cap, None));
    }
    let items = items(row)?;
    let (so_far, forecast) = usage::bills(app, conn, server.id, row).await?;
    let coming = Coming {
        items: &items,
        usage: &so_far,
        forecast: &forecast,
        prorations: &[],
        credit: Money::zero(currency),
        at: row.trial_end.filter(|it| *it > app.now()).unwrap_or(row.period_end),
    };
    let next = estimate::next_bill(&coming, &app.plans).map_err(Error::internal)?;
    let period = rules::facts::Period { start: row.period_start, end: row.period_end };
    Ok((Some(next), cap, so_far.sentence(period)))
}

fn items(row: &SubscriptionRow) -> Result<Vec<Item>, Error> {
    let currency: Currency = row.currency.parse().map_err(Error::internal)?;
    let sold = |it: &rows::ItemRow| match (it.kind.as_str(), &it.name) {
        ("plan", Some(name)) => Sold::Plan(name.clone()),
        ("add_on", Some(name)) => Sold::AddOn(name.clone()),
        _ => Sold::Unknown,
    };
    let item = |it: rows::ItemRow| Item {
        sold: sold(&it),
        id: it.id,
        price: it.price,
        unit: Money::new(it.unit, currency),
        quantity: it.quantity,
    };
    Ok(rows::items(row).into_iter().map(item).collect())
}

fn subscription(row: &SubscriptionRow) -> Result<SubscriptionView, Error> {
    let currency: Currency = row.currency.parse().map_err(Error::internal)?;
    let items = items(row)?;
    Ok(SubscriptionView {
        id: row.id.clone(),
        status: row.status.clone(),
        plan: items.iter().find_map(|it| if let Sold::Plan(plan) = &it.sold { Some(plan.clone()) } else { None }),
        monthly: Money::new(rows::monthly(row), currency),
        items,
        period_start: row.period_start,
        period_end: row.period_end,
        trial_end: row.trial_end,
        cancel_at: row.cancel_at,
        days_until_due: row.days_until_due,
    })
}

#[derive(Deserialize)]
struct Line {
    description: String,
    amount: i64,
    proration: bool,
}

fn invoice(row: InvoiceRow) -> Result<InvoiceView, Error> {
    let currency: Currency = row.currency.parse().map_err(Error::internal)?;
    let lines: Vec<Line> = serde_json::from_value(row.lines).map_err(Error::internal)?;
    let money = |minor| Money::new(minor, currency);
    let line = |it: Line| LineView { description: it.description, amount: money(it.amount), is_proration: it.proration };
    Ok(InvoiceView {
        id: row.id,
        number: row.number,
        status: row.status,
        created_at: row.created_at,
        due_at: row.due_at,
        total: money(row.total),
        tax: money(row.tax),
        remaining: money(row.remaining),
        lines: lines.into_iter().map(line).collect(),
        page: row.page,
        pdf: row.pdf,
    })
}
