//! What operators see of the money, and what they may do over its head.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::models::billing::{BillingEvent, EventPage, Grant as GrantRow, InvoiceRow, Reconciliation, SubscriptionRow};
use howdah_db::models::instance::{Instance, StandingColumns};
use howdah_db::models::place::Cluster;
use howdah_domain::money::{Currency, Money};
use howdah_domain::{InstanceId, Standing};
use serde_json::json;
use std::collections::BTreeMap;

use super::operation::new_id;
use super::{rows, standing};
use crate::jobs::HandleBillingEvents;
use crate::{Actor, App, Error, instances};

/// For how long back what ended is counted.
const MONTH: TimeDelta = TimeDelta::days(30);

/// What subscriptions come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneyView {
    /// One a currency.
    pub totals: Vec<Total>,
    pub by_plan: Vec<Share>,
    /// By cluster, which is the region.
    pub by_region: Vec<Share>,
    pub trialing: usize,
    pub active: usize,
    pub past_due: usize,
    pub unpaid: usize,
    /// Subscriptions that ended in the last 30 days.
    pub ended: i64,
    /// Of all that there were 30 days ago, in tenths of a percent.
    pub churn_permille: i64,
    /// How many invoices of the last 30 days are in each state.
    pub invoices: Vec<(String, i64)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// Monthly recurring revenue: all items of all that is paid, without tax and usage.
    pub mrr: Money,
    pub subscriptions: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub name: String,
    pub mrr: Money,
    pub subscriptions: usize,
}

/// # Errors
/// [`Error::Forbidden`] for all but operators; [`Error::Conflict`] where billing is off.
pub async fn money(app: &App, actor: &Actor) -> Result<MoneyView, Error> {
    actor.may_operate()?;
    app.billing()?;
    let since = app.now() - MONTH;
    let conn = app.conn().await?;
    let clusters: BTreeMap<_, _> = Cluster::all(&conn).await?.into_iter().map(|it| (it.id, it.name)).collect();
    let fleet = SubscriptionRow::of_fleet(&conn).await?;
    let ended = SubscriptionRow::ended_since(&conn, since).await?;
    let invoices = InvoiceRow::tally(&conn, since).await?;
    let count = |status: &str| fleet.iter().filter(|(it, ..)| it.status == status).count();
    let paid = || fleet.iter().filter(|(it, ..)| ["active", "past_due"].contains(&it.status.as_str()));
    let mut totals: BTreeMap<Currency, (i64, usize)> = BTreeMap::new();
    let mut plans = BTreeMap::new();
    let mut regions = BTreeMap::new();
    for (row, plan, cluster) in paid() {
        let currency: Currency = row.currency.parse().map_err(Error::internal)?;
        let monthly = rows::monthly(row);
        let region = clusters.get(cluster).cloned().unwrap_or_default();
        for sum in [
            totals.entry(currency).or_default(),
            plans.entry((plan.clone(), currency)).or_default(),
            regions.entry((region, currency)).or_default(),
        ] {
            sum.0 += monthly;
            sum.1 += 1;
        }
    }
    let there_were = i64::try_from(paid().count()).unwrap_or(i64::MAX).saturating_add(ended);
    let mut states: BTreeMap<String, i64> = BTreeMap::new();
    for it in invoices {
        *states.entry(it.status).or_default() += it.count;
    }
    Ok(MoneyView {
        totals: totals
            .into_iter()
            .map(|(currency, (sum, subscriptions))| Total { mrr: Money::new(sum, currency), subscriptions })
            .collect(),
        by_plan: shares(plans),
        by_region: shares(regions),
        trialing: count("trialing"),
        active: count("active"),
        past_due: count("past_due"),
        unpaid: count("unpaid"),
        ended,
        churn_permille: if there_were == 0 { 0 } else { ended * 1000 / there_were },
        invoices: states.into_iter().collect(),
    })
}

fn shares(of: BTreeMap<(String, Currency), (i64, usize)>) -> Vec<Share> {
    of.into_iter().map(|((name, currency), (sum, subscriptions))| Share { name, mrr: Money::new(sum, currency), subscriptions }).collect()
}

/// Something that the provider told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    pub id: String,
    pub kind: String,
    /// It was told, or found by the hourly look at what could not be delivered.
    pub was_told: bool,
    pub created_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub handled_at: Option<DateTime<Utc>>,
    /// What was done about it, or why nothing could be so far.
    pub outcome: Option<String>,
}

/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn events(app: &App, actor: &Actor, before: Option<DateTime<Utc>>, unhandled: bool, limit: i64) -> Result<Vec<EventView>, Error> {
    actor.may_operate()?;
    let page = EventPage { before, unhandled, limit: limit.clamp(1, 200) };
    let rows = BillingEvent::page(&mut *app.conn().await?, page).await?;
    let view = |it: howdah_db::models::billing::EventRow| EventView {
        id: it.id,
        kind: it.kind,
        was_told: it.source == "webhook",
        created_at: it.created_at,
        received_at: it.received_at,
        handled_at: it.handled_at,
        outcome: it.outcome,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Has an event handled once more: what it is of is read anew, and nothing happens twice.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::NotFound`].
pub async fn replay(app: &App, actor: &Actor, id: &str) -> Result<(), Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if !BillingEvent::replay(conn, id).await? {
            return Err(Error::NotFound { what: "event" });
        }
        Ok(HandleBillingEvents::default().enqueue(conn).await?)
    })
    .await
}

/// A comparison of what the provider has, what the record says, and what runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ReconciliationView {
    pub began_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Subscriptions and servers.
    pub compared: i64,
    pub differences: Vec<DifferenceView>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DifferenceView {
    pub kind: String,
    pub instance: Option<InstanceId>,
    pub subscription: Option<String>,
    pub sentence: String,
    /// What was done about it.
    pub done: String,
}

/// The newest first.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn reconciliations(app: &App, actor: &Actor) -> Result<Vec<ReconciliationView>, Error> {
    actor.may_operate()?;
    let rows = Reconciliation::newest(&mut *app.conn().await?, 30).await?;
    let view = |it: Reconciliation| {
        Ok(ReconciliationView {
            began_at: it.began_at,
            ended_at: it.ended_at,
            compared: it.compared,
            differences: serde_json::from_value(it.differences).map_err(Error::internal)?,
        })
    };
    rows.into_iter().map(view).collect()
}

#[derive(Debug, Clone)]
pub struct GrantRequest {
    pub reason: String,
    pub until: Option<DateTime<Utc>>,
}

/// Lets a server run free of charge, whatever billing says, until then or until somebody ends it.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators; [`Error::Invalid`] without a reason, or with an end that is over.
pub async fn grant(app: &App, actor: &Actor, id: InstanceId, request: &GrantRequest) -> Result<(), Error> {
    actor.may_operate()?;
    let reason = request.reason.trim();
    if !(1..=500).contains(&reason.chars().count()) {
        return Err(Error::invalid(
            "reason",
            "missing",
            "Say why, in at most 500 characters: whoever looks at this server later will ask.",
        ));
    }
    if request.until.is_some_and(|it| it <= app.now()) {
        return Err(Error::invalid("until", "over", "The end of a grant lies ahead."));
    }
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let row = instances::locked_by(conn, actor, id, None).await?;
        GrantRow::end_all(conn, row.id, app.now()).await?;
        let grant = GrantRow {
            id: new_id(app),
            instance_id: row.id,
            granted_by: actor.person.as_uuid(),
            reason: reason.to_owned(),
            until: request.until,
            created_at: app.now(),
            ended_at: None,
        };
        grant.insert(conn).await?;
        let granted = Standing::Granted { by: actor.person.to_string(), until: request.until };
        let columns = StandingColumns::from(&granted);
        let row = Instance::set_standing(conn, row.id, row.revision, &columns, app.now()).await?.ok_or(Error::PreconditionFailed)?;
        let facts = standing::facts(app, conn, &row).await?;
        let row = standing::hold_to_standing(app, conn, row, &facts, Some(app.now())).await?;
        let details = json!({"reason": reason, "until": request.until});
        instances::audit(app, conn, instances::audit_actor(actor), "billing.grant", &row, details).await
    })
    .await
}

/// The grant ends now: from now on billing decides, and nothing is counted from before.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators; [`Error::Conflict`] where none is in effect.
pub async fn end_grant(app: &App, actor: &Actor, id: InstanceId) -> Result<(), Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let row = instances::locked_by(conn, actor, id, None).await?;
        let Standing::Granted { by, .. } = row.standing()? else {
            return Err(Error::Conflict { reason: "not_granted", sentence: "No grant of this server is in effect.".to_owned() });
        };
        let ended = Standing::Granted { by, until: Some(app.now()) };
        GrantRow::end_all(conn, row.id, app.now()).await?;
        let columns = StandingColumns::from(&ended);
        let row = Instance::set_standing(conn, row.id, row.revision, &columns, app.now()).await?.ok_or(Error::PreconditionFailed)?;
        instances::audit(app, conn, instances::audit_actor(actor), "billing.grant_ended", &row, json!({})).await
    })
    .await
}
