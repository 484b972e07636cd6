//! What servers use beyond their plans: rated from the hours in the record, and put on the invoice of the renewal that ends the period.

use chrono::{DateTime, Utc};
use howdah_billing::invoice::{self, NewInvoiceItem};
use howdah_db::Conn;
use howdah_db::models::billing::{Charge as ChargeRow, SpendingCap, SubscriptionRow, UsageHour};
use howdah_domain::billing::facts::{Invoice, InvoiceStatus, Period, Subscription};
use howdah_domain::billing::usage::{self, Bill, HourCharge, Sample};
use howdah_domain::money::{Currency, Money};
use howdah_domain::plans::{Allowance, Class};
use uuid::Uuid;

use super::{Billing, operation::new_id, rows};
use crate::{App, Error};

/// How our lines end, and nobody else's.
const BEYOND: &str = "beyond what the plan includes";

pub(super) fn is_of_usage(description: &str) -> bool {
    description.ends_with(BEYOND)
}

/// What is included in all that a subscription is of.
pub(super) fn allowance(app: &App, plan: &str, row: Option<&SubscriptionRow>) -> Option<Allowance> {
    let plan = app.plans.get(plan)?;
    let items = row.map(rows::items).unwrap_or_default();
    let add_ons =
        items.iter().filter(|it| it.kind == "add_on").filter_map(|it| Some((app.plans.add_on(it.name.as_deref()?)?, it.quantity)));
    Some(Allowance::of(plan, add_ons))
}

/// The charges of a period's hours, each by the plan that it was of.
async fn hours(app: &App, conn: &mut Conn, instance: Uuid, period: Period, row: &SubscriptionRow) -> Result<Vec<HourCharge>, Error> {
    let hours = UsageHour::within(conn, instance, period.start, period.end).await?;
    let rated = hours.iter().filter_map(|it| {
        let unsigned = |measured: i64| u64::try_from(measured).unwrap_or_default();
        let sample = Sample {
            at: it.hour,
            own_media_bytes: unsigned(it.own_media_bytes),
            cached_media_bytes: unsigned(it.cached_media_bytes),
            database_bytes: unsigned(it.database_bytes),
            // Nobody prunes it to what is included yet, so nobody pays for it.
            is_cache_pruned: false,
        };
        Some(usage::rate(&sample, &allowance(app, &it.plan, Some(row))?))
    });
    Ok(rated.flatten().collect())
}

/// The customer's own limit, where it is of the currency that is paid in.
pub(super) async fn cap(conn: &mut Conn, instance: Uuid, currency: Currency) -> Result<Option<Money>, Error> {
    let cap = SpendingCap::of(conn, instance).await?;
    Ok(cap.filter(|it| it.currency == currency.as_str()).map(|it| Money::new(it.amount, currency)))
}

/// What the period comes to until now, and as it will be.
pub(super) async fn bills(app: &App, conn: &mut Conn, instance: Uuid, row: &SubscriptionRow) -> Result<(Bill, Bill), Error> {
    let currency: Currency = row.currency.parse().map_err(Error::internal)?;
    let period = Period { start: row.period_start, end: row.period_end };
    let hours = hours(app, conn, instance, period, row).await?;
    let cap = cap(conn, instance, currency).await?;
    let so_far = usage::bill(period, &hours, app.plans.rates(), currency, cap).map_err(Error::internal)?;
    let forecast = usage::forecast(period, &hours, app.plans.rates(), currency, cap).map_err(Error::internal)?;
    Ok((so_far, forecast))
}

/// A renewal's draft is open: what was used in the period before it comes on it, a line a class.
pub(super) async fn charge(app: &App, billing: &Billing, subscriptions: &[Subscription], invoices: &[Invoice]) -> Result<(), Error> {
    for draft in invoices.iter().filter(|it| it.status == InvoiceStatus::Draft) {
        let of = draft.subscription.as_ref().and_then(|id| subscriptions.iter().find(|it| it.id == *id));
        let Some(subscription) = of else { continue };
        let Some(period) = period_before(subscription, invoices) else { continue };
        let Some(row) = SubscriptionRow::by_id(&mut *app.conn().await?, &subscription.id).await? else { continue };
        let Some(instance) = row.instance_id else { continue };
        for charge in rated(app, instance, &row, period).await? {
            put(app, billing, draft, &charge).await?;
        }
    }
    Ok(())
}

/// The one that was paid for and ended with this renewal; a trial's usage is free.
fn period_before(subscription: &Subscription, invoices: &[Invoice]) -> Option<Period> {
    let end = subscription.period.start;
    if subscription.trial_end == Some(end) {
        return None;
    }
    let of_it = invoices.iter().filter(|it| it.subscription.as_deref() == Some(subscription.id.as_str()));
    let lines = of_it.filter(|it| it.status != InvoiceStatus::Void).flat_map(|it| &it.lines);
    let start = lines.filter(|it| it.period.end == end && !it.is_proration).map(|it| it.period.start).min()?;
    (start < end).then_some(Period { start, end })
}

/// The rows of a period are written once, and stay what they are.
async fn rated(app: &App, instance: Uuid, row: &SubscriptionRow, period: Period) -> Result<Vec<ChargeRow>, Error> {
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let before = ChargeRow::of_period(conn, &row.id, period.start).await?;
        if !before.is_empty() {
            return Ok(before);
        }
        let currency: Currency = row.currency.parse().map_err(Error::internal)?;
        let hours = hours(app, conn, instance, period, row).await?;
        let cap = cap(conn, instance, currency).await?;
        let bill = usage::bill(period, &hours, app.plans.rates(), currency, cap).map_err(Error::internal)?;
        for charge in &bill.charges {
            let row = ChargeRow {
                id: new_id(app),
                instance_id: instance,
                subscription_id: row.id.clone(),
                class: charge.class.as_str().to_owned(),
                period_start: period.start,
                period_end: period.end,
                gib_hours: i64::try_from(charge.byte_hours >> 30).unwrap_or(i64::MAX),
                currency: currency.to_string(),
                amount: charge.billed.minor,
                capped: charge.rated.minor - charge.billed.minor,
                created_at: app.now(),
                invoice_id: None,
                invoice_item_id: None,
            };
            row.insert(conn).await?;
        }
        Ok::<_, Error>(ChargeRow::of_period(conn, &row.id, period.start).await?)
    })
    .await
}

async fn put(app: &App, billing: &Billing, draft: &Invoice, charge: &ChargeRow) -> Result<(), Error> {
    if charge.amount == 0 || charge.invoice_item_id.is_some() {
        return Ok(());
    }
    let class = Class::parse(&charge.class).ok_or_else(|| Error::internal(format!("`{}` is no class of usage", charge.class)))?;
    let new = NewInvoiceItem {
        customer: draft.customer.clone(),
        subscription: charge.subscription_id.clone(),
        invoice: Some(draft.id.clone()),
        amount: Money::new(charge.amount, charge.currency.parse().map_err(Error::internal)?),
        description: described(class, charge.period_start, charge.period_end),
        period: Period { start: charge.period_start, end: charge.period_end },
    };
    let item = invoice::add_item(&billing.stripe, &new, howdah_billing::Operation::new(charge.id, "usage")).await?;
    Ok(ChargeRow::on_invoice(&mut *app.conn().await?, charge.id, &draft.id, &item).await?)
}

fn described(class: Class, start: DateTime<Utc>, end: DateTime<Utc>) -> String {
    format!("{}, {} to {}, {BEYOND}", class.label(), start.date_naive(), end.date_naive())
}
