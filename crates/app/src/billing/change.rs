//! A subscription is changed: what that costs is shown before, and asked for as of the same moment.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_billing::subscription::{self, Change, NewItem, Proration};
use howdah_billing::{Operation, portal as portals};
use howdah_db::Conn;
use howdah_db::models::billing::{BillingCustomer, BillingOperation, SpendingCap, SubscriptionRow};
use howdah_db::models::instance::Instance;
use howdah_db::models::observation::Glance;
use howdah_domain::billing::facts::{InvoiceLine, Sold};
use howdah_domain::money::{Currency, Money};
use howdah_domain::{Desired, InstanceId, Usage};
use serde_json::{Value, json};

use super::operation::{begin, new_id};
use super::sync::sync;
use super::{Billing, rows, usage};
use crate::observer::translate;
use crate::{Actor, App, Error, FieldError, instances};

/// How long what was shown can be agreed to.
const SHOWN_FOR: TimeDelta = TimeDelta::minutes(30);

/// What another plan costs, before anything is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanPreview {
    pub plan: String,
    /// Charged, or credited, at once: the rest of the period, both ways.
    pub now: Vec<InvoiceLine>,
    pub due_now: Money,
    /// Below zero, a credit for later invoices.
    pub total_now: Money,
    /// From the next renewal on; `None` where the subscription ends before.
    pub renewal: Option<Money>,
    pub renews_at: DateTime<Utc>,
    /// The moment that it was worked out for: agreed to, it costs exactly this.
    pub as_of: DateTime<Utc>,
}

struct Changing {
    server: Instance,
    row: SubscriptionRow,
}

/// # Errors
/// [`Error::Conflict`] for a server without a running subscription; [`Error::Invalid`] for a plan that is unknown, or too small for what the
/// server holds.
pub async fn preview_plan(app: &App, actor: &Actor, id: InstanceId, plan: &str) -> Result<PlanPreview, Error> {
    actor.may_pay()?;
    let billing = app.billing()?;
    let changing = changing(&mut *app.conn().await?, actor, id).await?;
    let as_of = app.now();
    let changes = plan_changes(app, billing, &changing, plan).await?;
    let proration = proration(&changing.row, as_of);
    let preview = subscription::preview_change(&billing.stripe, &changing.row.id, &changes, proration).await?;
    Ok(PlanPreview {
        plan: plan.to_owned(),
        now: preview.now,
        due_now: preview.due_now,
        total_now: preview.total_now,
        renewal: preview.renewal.map(|it| it.total),
        renews_at: changing.row.period_end,
        as_of,
    })
}

/// Has the server be of another plan, for what [`preview_plan`] said at `as_of`.
///
/// # Errors
/// As [`preview_plan`]; [`Error::Conflict`] also where the payment does not go through: then nothing is changed.
pub async fn change_plan(app: &App, actor: &Actor, id: InstanceId, plan: &str, as_of: DateTime<Utc>) -> Result<(), Error> {
    actor.may_pay()?;
    let billing = app.billing()?;
    if app.now() - as_of > SHOWN_FOR || as_of > app.now() {
        let sentence = "This was worked out too long ago. Look at what it costs now, and agree again.".to_owned();
        return Err(Error::Conflict { reason: "preview_over", sentence });
    }
    let changing = changing(&mut *app.conn().await?, actor, id).await?;
    let changes = plan_changes(app, billing, &changing, plan).await?;
    let operation = asked(app, &changing, "change", json!({"plan": plan, "as_of": as_of})).await?;
    let proration = proration(&changing.row, as_of);
    let step = Operation::new(operation.id, "change");
    let made = subscription::change(&billing.stripe, &changing.row.id, &changes, proration, step).await;
    ended(app, &changing, &operation, made.map(drop)).await
}

/// It ends with the period that is paid; the server runs until then.
///
/// # Errors
/// [`Error::Conflict`] for a server without a running subscription.
pub async fn cancel(app: &App, actor: &Actor, id: InstanceId) -> Result<(), Error> {
    end_or_go_on(app, actor, id, true).await
}

/// It goes on after all.
///
/// # Errors
/// As [`cancel`].
pub async fn take_back_cancel(app: &App, actor: &Actor, id: InstanceId) -> Result<(), Error> {
    end_or_go_on(app, actor, id, false).await
}

async fn end_or_go_on(app: &App, actor: &Actor, id: InstanceId, ends: bool) -> Result<(), Error> {
    actor.may_pay()?;
    let stripe = &app.billing()?.stripe;
    let changing = changing(&mut *app.conn().await?, actor, id).await?;
    let subscription = changing.row.id.as_str();
    let operation = asked(app, &changing, if ends { "cancel" } else { "take_back" }, json!({"subscription": subscription})).await?;
    let made = if ends {
        subscription::cancel_at_period_end(stripe, subscription, Operation::new(operation.id, "cancel")).await
    } else {
        subscription::take_back(stripe, subscription, Operation::new(operation.id, "take-back")).await
    };
    ended(app, &changing, &operation, made.map(drop)).await
}

/// The provider's page for cards, addresses, tax ids and invoices; good for some minutes.
///
/// # Errors
/// [`Error::Conflict`] for an account that never paid anything.
pub async fn portal(app: &App, actor: &Actor, return_to: &str) -> Result<String, Error> {
    actor.may_pay()?;
    let billing = app.billing()?;
    let customer = BillingCustomer::of_account(&mut *app.conn().await?, actor.account.as_uuid()).await?;
    let customer = customer.ok_or_else(|| Error::Conflict {
        reason: "nothing_paid",
        sentence: "There is no means of payment yet: it is asked for when a server is paid for.".to_owned(),
    })?;
    let page = format!("{}{return_to}", app.config.dashboard_url);
    Ok(portals::open(&billing.stripe, &customer.id, &page, Operation::new(new_id(app), "portal")).await?)
}

/// The most that usage beyond the plan may cost in a period; `None` lifts it.
///
/// # Errors
/// [`Error::Invalid`] for an amount below nothing.
pub async fn set_cap(app: &App, actor: &Actor, id: InstanceId, cap: Option<Money>) -> Result<(), Error> {
    actor.may_pay()?;
    if cap.is_some_and(|it| it.minor < 0) {
        return Err(Error::invalid("cap", "too_small", "The limit is an amount of nothing or more."));
    }
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let server = instances::locked_by(conn, actor, id, None).await?;
        match cap {
            Some(cap) => {
                let row = SpendingCap { instance_id: server.id, currency: cap.currency.to_string(), amount: cap.minor, set_at: app.now() };
                row.set(conn).await?;
            }
            None => SpendingCap::lift(conn, server.id).await?,
        }
        let details = json!({"cap": cap.map(|it| it.to_string())});
        instances::audit(app, conn, instances::audit_actor(actor), "billing.cap", &server, details).await
    })
    .await
}

async fn changing(conn: &mut Conn, actor: &Actor, id: InstanceId) -> Result<Changing, Error> {
    let server = instances::seen_by(conn, actor, id).await?;
    if server.account_id != actor.account.as_uuid() {
        let sentence = "What a server costs is its own account's to change.";
        return Err(Error::Forbidden { reason: "owners_only", sentence });
    }
    let conflict = |reason, sentence: &str| Err(Error::Conflict { reason, sentence: sentence.to_owned() });
    if server.tombstoned_at.is_some() || matches!(server.desired()?, Desired::Deleted { .. }) {
        return conflict("leaving", "This server is on its way out: take that back first.");
    }
    let row = SubscriptionRow::of_instance(conn, server.id).await?.into_iter().find(rows::is_live);
    match row {
        Some(row) => Ok(Changing { server, row }),
        None => conflict("not_subscribed", "This server has no running subscription. Pay for it first."),
    }
}

/// A trial is not pro-rated.
fn proration(row: &SubscriptionRow, as_of: DateTime<Utc>) -> Proration {
    if row.status == "trialing" { Proration::None } else { Proration::Now { as_of } }
}

async fn plan_changes(app: &App, billing: &Billing, changing: &Changing, plan: &str) -> Result<Vec<Change>, Error> {
    let wanted = app.plans.get(plan).ok_or_else(|| Error::Invalid { fields: vec![instances::unknown_plan(app, plan)] })?;
    if plan == changing.server.plan {
        return Err(Error::invalid("plan", "same_plan", "The server is of this plan already."));
    }
    let items = rows::items(&changing.row);
    if let (Some(allowance), Some(used)) = (usage::allowance(app, plan, Some(&changing.row)), used(app, changing).await?) {
        let reasons = wanted.fits(&allowance, &used);
        if !reasons.is_empty() {
            let fields = reasons.iter().map(|it| FieldError { field: "plan", reason: it.reason(), sentence: it.to_string() }).collect();
            return Err(Error::Invalid { fields });
        }
    }
    let currency: Currency = changing.row.currency.parse().map_err(Error::internal)?;
    let price = billing.price(&Sold::Plan(wanted.id.clone()), currency).await?;
    let to = NewItem { price: price.id, quantity: 1 };
    Ok(vec![match items.into_iter().find(|it| it.kind == "plan") {
        Some(item) => Change::Set { item: item.id, to },
        None => Change::Add(to),
    }])
}

async fn used(app: &App, changing: &Changing) -> Result<Option<Usage>, Error> {
    let seen = Glance::of_all(&*app.conn().await?, &[changing.server.id]).await?;
    Ok(seen.first().and_then(|it| translate::glance(it).usage))
}

async fn asked(app: &App, changing: &Changing, kind: &str, wanted: Value) -> Result<BillingOperation, Error> {
    let mut conn = app.conn().await?;
    let (account, server) = (changing.server.account_id, Some(changing.server.id));
    howdah_db::transaction(&mut conn, async |conn| begin(app, conn, account, server, kind, wanted).await).await
}

/// What was refused is written down as that; what may have happened is asked for again by whoever asks again, with the same key.
async fn ended(
    app: &App,
    changing: &Changing,
    operation: &BillingOperation,
    made: Result<(), howdah_billing::BillingError>,
) -> Result<(), Error> {
    let mut conn = app.conn().await?;
    match made {
        Ok(()) => BillingOperation::made(&mut conn, operation.id, &changing.row.id, app.now()).await?,
        Err(error) => {
            if !error.passes() {
                BillingOperation::failed(&mut conn, operation.id, &error.to_string(), app.now()).await?;
            }
            return Err(error.into());
        }
    }
    drop(conn);
    sync(app, &changing.row.customer_id).await.map(drop)
}
