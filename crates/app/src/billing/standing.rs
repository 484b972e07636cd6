//! A server's standing, and what it may do by it.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::billing::{Grant as GrantRow, InstanceBilling};
use howdah_db::models::instance::{DesiredColumns, Instance, StandingColumns};
use howdah_domain::billing::facts::{Sold, Subscription};
use howdah_domain::billing::fold::Folded;
use howdah_domain::billing::fresh::{self, Next};
use howdah_domain::billing::grant::Grant;
use howdah_domain::billing::{Access, BillingFacts};
use howdah_domain::{Desired, Hold, Standing};
use serde_json::json;

use super::{TERMS, rows};
use crate::jobs::SyncInstance;
use crate::{App, Error, instances};

/// By what is in the record.
pub(crate) async fn facts(app: &App, conn: &Conn, instance: &Instance) -> Result<BillingFacts, Error> {
    let standing = instance.standing()?;
    // Of all others it makes no difference.
    let collection = match standing {
        Standing::PastDue { .. } | Standing::Lapsed { .. } => InstanceBilling::of(conn, instance.id).await?,
        _ => None,
    };
    Ok(TERMS.facts(standing, collection.map(|it| rows::collection(it.days_until_due)), app.now()))
}

/// What an operator has granted; a standing of before there were rows of grants is one, too.
pub(super) async fn grant(conn: &mut Conn, instance: &Instance) -> Result<Option<Grant>, Error> {
    if let Some(row) = GrantRow::of(conn, instance.id).await? {
        return Ok(Some(Grant { by: row.granted_by.to_string(), reason: row.reason, until: row.until }));
    }
    Ok(match instance.standing()? {
        Standing::Granted { by, until } => Some(Grant { by, reason: String::new(), until }),
        _ => None,
    })
}

/// Writes what was folded: the standing, the plan that is paid for, and what the server may do from now on. The row is locked.
pub(super) async fn apply(
    app: &App,
    conn: &mut Conn,
    instance: Instance,
    folded: &Folded,
    chosen: Option<&Subscription>,
) -> Result<Instance, Error> {
    let before = instance.standing()?;
    let mut row = instance;
    if before != folded.standing {
        let columns = StandingColumns::from(&folded.standing);
        row = Instance::set_standing(conn, row.id, row.revision, &columns, app.now()).await?.ok_or(Error::PreconditionFailed)?;
        // Every renewal moves the end of what is paid for, which is nobody's news.
        if before.as_str() != folded.standing.as_str() {
            let details = json!({"from": before.as_str(), "to": folded.standing.as_str(), "subscription": folded.subscription});
            instances::audit(app, conn, AuditActor::Platform, "billing.standing", &row, details).await?;
        }
    }
    if let Some(plan) = chosen.and_then(|it| paid_plan(app, it)).filter(|it| *it != row.plan) {
        let details = json!({"from": row.plan, "to": plan});
        row = Instance::set_plan(conn, row.id, row.revision, &plan, app.now()).await?.ok_or(Error::PreconditionFailed)?;
        instances::audit(app, conn, AuditActor::Platform, "billing.plan", &row, details).await?;
        SyncInstance::of(row.id).enqueue(conn).await?;
    }
    put_folded(app, conn, &row, folded).await?;
    let facts = TERMS.facts(row.standing()?, folded.collection, app.now());
    hold_to_standing(app, conn, row, &facts, Some(app.now())).await
}

/// The plan that is paid for, while it is; one that is no longer in the catalogue changes nothing.
fn paid_plan(app: &App, subscription: &Subscription) -> Option<String> {
    subscription.items.iter().rev().find_map(|it| match &it.sold {
        Sold::Plan(plan) => app.plans.get(plan).map(|it| it.id.clone()),
        Sold::AddOn(_) | Sold::Unknown => None,
    })
}

async fn put_folded(app: &App, conn: &mut Conn, instance: &Instance, folded: &Folded) -> Result<(), Error> {
    let suspended_at = InstanceBilling::of(conn, instance.id).await?.and_then(|it| it.suspended_at);
    let row = InstanceBilling {
        instance_id: instance.id,
        subscription_id: folded.subscription.clone(),
        days_until_due: folded.collection.and_then(rows::days_until_due),
        cancels_at: folded.cancels_at,
        suspended_at,
        folded_at: app.now(),
    };
    Ok(row.put(conn).await?)
}

/// What billing lets the server do now; `None` where somebody else holds it back, or it leaves.
pub(super) fn allowed(instance: &Instance) -> Result<Option<Access>, Error> {
    Ok(match instance.desired()? {
        Desired::Running => Some(Access::Run),
        Desired::ReadOnly { by: Hold::Billing } => Some(Access::ReadOnly),
        Desired::Suspended { by: Hold::Billing } => Some(Access::Suspend(Hold::Billing)),
        Desired::ReadOnly { .. } | Desired::Suspended { .. } | Desired::Deleted { .. } => None,
    })
}

/// Has the server run, be read or stand still, as policy says now. What an operator holds back, and what leaves, stays as it is; and
/// nothing is taken from it by a word of the provider's that is old.
pub(super) async fn hold_to_standing(
    app: &App,
    conn: &mut Conn,
    instance: Instance,
    facts: &BillingFacts,
    read_at: Option<DateTime<Utc>>,
) -> Result<Instance, Error> {
    let Some(current) = allowed(&instance)? else { return Ok(instance) };
    let Next::To(verdict) = fresh::next(current, facts, read_at) else { return Ok(instance) };
    let desired = instance.desired()?;
    let wanted = desired.hold_to(verdict.access)?;
    note_suspension(app, conn, &instance, verdict.access).await?;
    let columns = DesiredColumns::from(wanted);
    let row = Instance::set_desired(conn, instance.id, instance.revision, &columns, app.now()).await?.ok_or(Error::PreconditionFailed)?;
    SyncInstance::of(row.id).enqueue(conn).await?;
    let details = json!({"from": desired.as_str(), "to": wanted.as_str(), "reason": verdict.reason});
    instances::audit(app, conn, AuditActor::Platform, "billing.access", &row, details).await?;
    Ok(row)
}

/// The time in which it can be taken along counts from when it really stood still.
async fn note_suspension(app: &App, conn: &mut Conn, instance: &Instance, access: Access) -> Result<(), Error> {
    let Some(before) = InstanceBilling::of(conn, instance.id).await? else {
        if instance.launched_at.is_some() && matches!(access, Access::Suspend(_)) {
            let (subscription_id, days_until_due, cancels_at) = (None, None, None);
            let suspended_at = Some(app.now());
            let row = InstanceBilling {
                instance_id: instance.id,
                subscription_id,
                days_until_due,
                cancels_at,
                suspended_at,
                folded_at: app.now(),
            };
            row.put(conn).await?;
        }
        return Ok(());
    };
    let suspended_at = match access {
        Access::Suspend(_) => before.suspended_at.or(Some(app.now())),
        Access::Run | Access::ReadOnly => None,
    };
    if suspended_at != before.suspended_at {
        InstanceBilling { suspended_at, ..before }.put(conn).await?;
    }
    Ok(())
}
