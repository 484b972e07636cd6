//! Servers whose standing ends: what they may do as time goes on, what their owners are told, and their end, which is a *Remove*.
//!
//! Nothing here goes by an event: the clock and the record decide, and before anything is deleted the provider is asked once more.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::billing::{BillingCustomer, InstanceBilling, Notice as NoticeRow, SubscriptionRow};
use howdah_db::models::export::Export;
use howdah_db::models::final_bundle::FinalBundle as FinalBundleRow;
use howdah_db::models::instance::{DesiredColumns, Instance};
use howdah_domain::billing::fresh::{self, Next};
use howdah_domain::billing::notices::{self, Notice, Told};
use howdah_domain::billing::removal::{self, Evidence, FinalBundle, FreshRead};
use howdah_domain::billing::timeline::{Happened, Timeline, timeline};
use howdah_domain::{Desired, InstanceId};
use serde_json::json;
use uuid::Uuid;

use super::{TERMS, standing, sync::sync};
use crate::jobs::{self, SyncInstance};
use crate::worker::{WorkError, Worker};
use crate::{App, Error, exports, instances, mails, operations};

/// Looked at together.
const PAGE: i64 = 500;
/// The final bundle is begun so long before the end that one that fails is seen.
const BUNDLE_BEFORE: TimeDelta = TimeDelta::days(14);

/// One server that fails holds up no other.
pub(crate) async fn look_after(worker: &Worker) -> Result<(), Error> {
    let mut after = Uuid::nil();
    loop {
        let page = Instance::ending(&mut *worker.app.conn().await?, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = *last;
        for id in page {
            if let Err(error) = one(worker, id).await {
                tracing::warn!(instance.id = %id, %error, "a server whose standing ends could not be looked after");
            }
        }
    }
}

/// Where a server is on its way down.
struct Ending {
    instance: Instance,
    timeline: Timeline,
    happened: Happened,
}

async fn one(worker: &Worker, id: Uuid) -> Result<(), WorkError> {
    let app = &worker.app;
    if has_to_be_read(app, id).await? {
        read_anew(app, id).await?;
    }
    let mut conn = app.conn().await?;
    let Some(ending) = howdah_db::transaction(&mut conn, async |conn| go_on(app, conn, id).await).await? else { return Ok(()) };
    drop(conn);
    let (now, Ending { instance, timeline, happened }) = (app.now(), &ending);
    let Some(suspended_at) = happened.suspended_at else { return Ok(()) };
    if instance.launched_at.is_some() && now >= timeline.remove_at - BUNDLE_BEFORE {
        begin_bundle(app, instance, suspended_at).await?;
    }
    if now >= timeline.remove_at {
        remove(worker, instance, suspended_at).await?;
    }
    Ok(())
}

/// It would be allowed less by what may be out of date.
async fn has_to_be_read(app: &App, id: Uuid) -> Result<bool, Error> {
    let mut conn = app.conn().await?;
    let Some(instance) = Instance::by_id(&mut conn, id).await? else { return Ok(false) };
    let Some(current) = standing::allowed(&instance)? else { return Ok(false) };
    let facts = standing::facts(app, &conn, &instance).await?;
    Ok(fresh::next(current, &facts, read_at(&mut conn, id).await?) == Next::Read)
}

/// Holds it to its standing, and tells what is due to be told.
async fn go_on(app: &App, conn: &mut Conn, id: Uuid) -> Result<Option<Ending>, Error> {
    let Some(instance) = Instance::lock(conn, id).await?.filter(|it| it.tombstoned_at.is_none()) else { return Ok(None) };
    let facts = standing::facts(app, conn, &instance).await?;
    let read_at = read_at(conn, id).await?;
    let instance = standing::hold_to_standing(app, conn, instance, &facts, read_at).await?;
    let happened = happened(conn, &instance, facts.stages().map(|it| it.since)).await?;
    let Some(timeline) = timeline(&facts, TERMS.export_window, happened) else { return Ok(None) };
    if instance.launched_at.is_some() {
        tell(app, conn, &instance, &timeline).await?;
    }
    Ok(Some(Ending { instance, timeline, happened }))
}

pub(super) async fn happened(conn: &mut Conn, instance: &Instance, since: Option<DateTime<Utc>>) -> Result<Happened, Error> {
    let suspended_at = InstanceBilling::of(conn, instance.id).await?.and_then(|it| it.suspended_at);
    let Some(since) = since else { return Ok(Happened { suspended_at, ..Happened::default() }) };
    let told = NoticeRow::told(conn, instance.id, since).await?;
    let at = |notice: Notice| told.iter().find(|it| it.notice == notice.as_str()).map(|it| it.told_at);
    // After days in which nothing was sent the first may have been left out; the next one warned then.
    let warned_at = [Notice::Removal30, Notice::Removal14, Notice::Removal3, Notice::Removal1].into_iter().find_map(at);
    Ok(Happened { suspended_at, warned_at, announced_at: at(Notice::Removal1) })
}

async fn tell(app: &App, conn: &mut Conn, instance: &Instance, timeline: &Timeline) -> Result<(), Error> {
    let told = NoticeRow::told(conn, instance.id, timeline.since).await?;
    let told: Vec<Told> = told.iter().filter_map(|it| Some(Told { notice: Notice::parse(&it.notice)?, of: it.since })).collect();
    let Some(notice) = notices::due(timeline, &told, app.now()) else { return Ok(()) };
    let row = NoticeRow { instance_id: instance.id, since: timeline.since, notice: notice.as_str().to_owned(), told_at: app.now() };
    if row.tell(conn).await? {
        let mail = mails::ending(&app.config, (&instance.domain, &instance.slug), notice, &instance.standing()?, timeline);
        mails::put_for_owners(app, conn, instance, &mail).await?;
    }
    Ok(())
}

/// One that has failed is begun once more.
async fn begin_bundle(app: &App, instance: &Instance, suspended_at: DateTime<Utc>) -> Result<(), Error> {
    if app.bundles.is_none() {
        return Ok(());
    }
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let Some(locked) = Instance::lock(conn, instance.id).await?.filter(|it| exports::closed(it).is_none()) else { return Ok(()) };
        let newest = FinalBundleRow::newest_of(conn, locked.id, suspended_at).await?;
        let is_there = newest.is_some_and(|(export, operation)| exports::is_there(&export) || operation.finished_at.is_none());
        if is_there || operations::has_live_export(conn, locked.id).await? {
            return Ok(());
        }
        exports::begin_unpaid(app, conn, &locked).await
    })
    .await
}

/// Its time is over: the provider is asked once more, the bundle is looked at once more, and only then our copy goes.
async fn remove(worker: &Worker, instance: &Instance, suspended_at: DateTime<Utc>) -> Result<(), WorkError> {
    let app = &worker.app;
    read_anew(app, instance.id).await?;
    let bundle = final_bundle(worker, instance, suspended_at).await?;
    let mut conn = app.conn().await?;
    let removed = howdah_db::transaction(&mut conn, async |conn| {
        let Some(row) = Instance::lock(conn, instance.id).await?.filter(|it| it.tombstoned_at.is_none()) else { return Ok(Ok(())) };
        let facts = standing::facts(app, conn, &row).await?;
        let happened = happened(conn, &row, facts.stages().map(|it| it.since)).await?;
        let read = fresh_read(app, conn, &row).await?;
        let evidence = Evidence { happened, read: read.as_ref(), bundle: bundle.as_ref().map(|(it, _)| *it), preservation: None };
        let proposal = match removal::propose(&facts, TERMS.export_window, &evidence) {
            Ok(proposal) => proposal,
            Err(not_yet) => return Ok::<_, Error>(Err(not_yet)),
        };
        let desired = row.desired()?.delete(proposal.deletion(), app.now(), row.begun())?;
        if let Some((_, Some(export))) = &bundle {
            Export::keep_until(conn, *export, app.now() + exports::FINAL_KEPT).await?;
        }
        begin_removal(app, conn, &row, desired).await.map(Ok)
    })
    .await?;
    if let Err(not_yet) = removed {
        tracing::info!(instance.id = %instance.id, reason = %not_yet, "a server that is not paid for is not removed yet");
    }
    Ok(())
}

async fn begin_removal(app: &App, conn: &mut Conn, row: &Instance, desired: Desired) -> Result<(), Error> {
    let columns = DesiredColumns::from(desired);
    let row = Instance::set_desired(conn, row.id, row.revision, &columns, app.now()).await?.ok_or(Error::PreconditionFailed)?;
    operations::cancel_live(app, conn, InstanceId::from_uuid(row.id)).await?;
    SyncInstance::of(row.id).enqueue(conn).await?;
    mails::put_for_owners(app, conn, &row, &mails::removed(&app.config, &row.domain)).await?;
    tracing::info!(instance.id = %row.id, "a server that is not paid for is removed");
    instances::audit(app, conn, AuditActor::Platform, "billing.remove", &row, json!({})).await
}

/// Nothing is taken away on an old word.
async fn read_anew(app: &App, instance: Uuid) -> Result<(), Error> {
    let customer = customer_of(&mut *app.conn().await?, instance).await?;
    match customer {
        Some(customer) => sync(app, &customer).await.map(drop),
        None => Ok(()),
    }
}

async fn customer_of(conn: &mut Conn, instance: Uuid) -> Result<Option<String>, Error> {
    let newest = SubscriptionRow::of_instance(conn, instance).await?.into_iter().next();
    Ok(newest.map(|it| it.customer_id))
}

/// When the provider was last read whole about this server.
async fn read_at(conn: &mut Conn, instance: Uuid) -> Result<Option<DateTime<Utc>>, Error> {
    match customer_of(conn, instance).await? {
        Some(customer) => Ok(BillingCustomer::by_id(conn, &customer).await?.and_then(|it| it.read_at)),
        None => Ok(None),
    }
}

/// Of a server that was never subscribed the record is the only word there is, and always fresh.
async fn fresh_read(app: &App, conn: &mut Conn, row: &Instance) -> Result<Option<FreshRead>, Error> {
    let standing = row.standing()?;
    let read_at = match customer_of(conn, row.id).await? {
        Some(_) => read_at(conn, row.id).await?,
        None => Some(app.now()),
    };
    Ok(read_at.map(|read_at| FreshRead { standing, read_at }))
}

/// With the export that it is, where there is one.
async fn final_bundle(
    worker: &Worker,
    instance: &Instance,
    suspended_at: DateTime<Utc>,
) -> Result<Option<(FinalBundle, Option<Uuid>)>, WorkError> {
    if instance.launched_at.is_none() {
        return Ok(Some((FinalBundle::NeverRan, None)));
    }
    let Some(bundles) = &worker.app.bundles else { return Ok(None) };
    let newest = FinalBundleRow::newest_of(&mut *worker.app.conn().await?, instance.id, suspended_at).await?;
    let Some((export, _)) = newest.filter(|(it, _)| exports::is_there(it)) else { return Ok(None) };
    match jobs::wrong_with_bundle(&**bundles, &export).await? {
        None => Ok(Some((FinalBundle::Verified { made_at: export.created_at }, Some(export.id)))),
        Some(wrong) => {
            tracing::error!(instance.id = %instance.id, wrong, "the final bundle of a server that is not paid for is not whole: its data stays");
            Ok(None)
        }
    }
}
