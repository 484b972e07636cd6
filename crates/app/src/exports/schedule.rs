//! Exports by schedule: once a day or a week, at a time that is each server's own, the platform takes it along by itself. They are sealed as final
//! bundles are, to what the last bundle of an owner's was sealed with: without one there is no schedule, so that no key is kept here.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::export::Export;
use howdah_db::models::export_schedule::ExportSchedule;
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::Operation;
use howdah_domain::lifecycle::Cause;
use howdah_domain::{Desired, InstanceId, Lane, StepName, failure};
use serde_json::json;
use uuid::Uuid;

use super::begin::{self, New, closed};
use super::final_bundle::{LEFT_OVER, owners_seal};
use crate::instances::{self, audit, audit_actor, locked_by};
use crate::{Actor, App, Error, mails};

/// How many are kept, if nobody says so.
pub const KEPT: i16 = 3;
const MOST: i16 = 10;
/// How long one lies here that no other takes the place of: whenever one is due, the newest have so long again.
pub(crate) const VALID: TimeDelta = TimeDelta::days(90);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    Day,
    Week,
}

impl Every {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            _ => None,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    const fn minutes(self) -> i64 {
        match self {
            Self::Day => 24 * 60,
            Self::Week => 7 * 24 * 60,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleRequest {
    /// `None`: off.
    pub every: Option<Every>,
    pub keep: i16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleView {
    /// `None`: off.
    pub every: Option<Every>,
    pub keep: i16,
    pub next_at: Option<DateTime<Utc>>,
    /// Whoever owns it has taken it along before, so that there is something to seal with.
    pub can_be_set: bool,
}

/// # Errors
/// [`Error::NotFound`].
pub async fn schedule(app: &App, actor: &Actor, server: InstanceId) -> Result<ScheduleView, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let row = instances::seen_by(&mut conn, actor, server).await?;
    view(app, &mut conn, &row).await
}

/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a number that is too small or large; [`Error::Conflict`] for a server that has nothing to be taken
/// along, or was never taken along by an owner, and where this platform keeps no bundles.
pub async fn set_schedule(app: &App, actor: &Actor, server: InstanceId, asked: ScheduleRequest) -> Result<ScheduleView, Error> {
    actor.may_change()?;
    if !(1..=MOST).contains(&asked.keep) {
        return Err(Error::invalid("keep", "out_of_range", format!("Between 1 and {MOST} of them can be kept.")));
    }
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let row = locked_by(conn, actor, server, None).await?;
        match asked.every {
            None => ExportSchedule::end(conn, row.id).await?,
            Some(every) => {
                may_be_set(app, conn, &row).await?;
                let now = app.now();
                let due_at = due_after(row.id, every, now);
                let new = ExportSchedule { instance_id: row.id, every: every.as_str().to_owned(), keep: asked.keep, due_at, set_at: now };
                new.set(conn).await?;
            }
        }
        let details = json!({"every": asked.every.map(Every::as_str), "keep": asked.keep});
        audit(app, conn, audit_actor(actor), "instance.export_schedule", &row, details).await?;
        view(app, conn, &row).await
    })
    .await
}

async fn may_be_set(app: &App, conn: &mut Conn, row: &Instance) -> Result<(), Error> {
    let refuse = |reason, sentence: &str| Err(Error::Conflict { reason, sentence: sentence.to_owned() });
    if let Some((reason, sentence)) = closed(row) {
        return refuse(reason, sentence);
    }
    if app.bundles.is_none() {
        return refuse("no_place", "This platform keeps no bundles by itself: take the server along when you want one.");
    }
    if owners_seal(conn, row).await?.is_none() {
        let sentence =
            "An owner has to take the server along once before: what is made by schedule opens by the same recovery phrase or keys.";
        return refuse("no_keys", sentence);
    }
    Ok(())
}

async fn view(app: &App, conn: &mut Conn, row: &Instance) -> Result<ScheduleView, Error> {
    let can_be_set = may_be_set(app, conn, row).await.is_ok();
    Ok(match ExportSchedule::of(conn, row.id).await? {
        None => ScheduleView { every: None, keep: KEPT, next_at: None, can_be_set },
        Some(it) => ScheduleView { every: Every::parse(&it.every), keep: it.keep, next_at: Some(it.due_at), can_be_set },
    })
}

/// The next of this server's own times: spread over the day or the week, so that not all are taken along at once.
fn due_after(server: Uuid, every: Every, now: DateTime<Utc>) -> DateTime<Utc> {
    let length = every.minutes();
    // The last bits of an id are random.
    let own = i64::from((server.as_u128() & u128::from(u32::MAX)) as u32) % length;
    let minute = now.timestamp().div_euclid(60);
    let at = minute - minute.rem_euclid(length) + own;
    let next = if at > minute { at } else { at + length };
    DateTime::from_timestamp(next * 60, 0).unwrap_or(now + TimeDelta::days(1))
}

/// What is due of one server is begun, in the caller's transaction; where that can't be, its owners are told why.
///
/// # Errors
/// Where the record can't be read or written.
pub(crate) async fn begin_due(app: &App, conn: &mut Conn, server: Uuid) -> Result<(), Error> {
    let now = app.now();
    // The server's row first, as everybody locks.
    let row = Instance::lock(conn, server).await?;
    let Some(schedule) = ExportSchedule::lock(conn, server).await?.filter(|it| it.due_at <= now) else { return Ok(()) };
    let Some(row) = row.filter(|it| closed(it).is_none()) else {
        return Ok(ExportSchedule::end(conn, server).await?);
    };
    if Operation::live(conn, server, Lane::Export.as_str()).await?.is_some() {
        // It is looked at again in a minute.
        return Ok(());
    }
    let next = Every::parse(&schedule.every).map_or(now + TimeDelta::days(1), |every| due_after(server, every, now));
    ExportSchedule::next(conn, server, next).await?;
    if matches!(row.desired()?, Desired::Deleted { .. }) {
        // A final bundle is made of it; and should it stay, it goes on with the next.
        return Ok(());
    }
    retain(conn, server, schedule.keep, now).await?;
    let Some(seal) = owners_seal(conn, &row).await? else {
        let mail = mails::scheduled_export_unsealed(&app.config, (&row.domain, &row.slug));
        return Ok(mails::put_for_owners(app, conn, &row, &mail).await?);
    };
    let new = New { mode: "live", seal: &seal, bucket: None, scheduled_for: Some(schedule.due_at), requested_by: None };
    let (export, _) = begin::put(app, conn, InstanceId::from_uuid(server), new).await?;
    audit(app, conn, AuditActor::Platform, "instance.export_scheduled", &row, json!({"export": export})).await?;
    Ok(())
}

/// The newest whole ones stay, as many as are wanted; the rest goes with what was kept for its time. At least one stays, always.
pub(crate) async fn retain(conn: &mut Conn, server: Uuid, keep: i16, now: DateTime<Utc>) -> Result<(), Error> {
    let keep = usize::try_from(keep.max(1)).unwrap_or(1);
    for (at, export) in Export::scheduled(conn, server).await?.into_iter().enumerate() {
        let until = if at < keep { now + VALID } else { now };
        Export::keep_until(conn, export, until).await?;
    }
    Ok(())
}

/// One is whole: the oldest makes room for it.
pub(crate) async fn whole(conn: &mut Conn, server: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    // Where the schedule is off by now, what it made stays until its time is over.
    match ExportSchedule::of(conn, server).await? {
        Some(schedule) => retain(conn, server, schedule.keep, now).await,
        None => Ok(()),
    }
}

/// A run has failed: of one by schedule the owners are told, in the transaction that says so, and what it wrote goes.
pub(crate) async fn ended_badly(app: &App, conn: &mut Conn, export: &Export, cause: &Cause) -> Result<(), Error> {
    if export.scheduled_for.is_none() {
        return Ok(());
    }
    Export::keep_until(conn, export.id, app.now() + LEFT_OVER).await?;
    let reason = failure::explain(StepName::Bundle, cause);
    let Some(row) = Instance::by_id(conn, export.instance_id).await? else { return Ok(()) };
    let next_at = ExportSchedule::of(conn, row.id).await?.map(|it| it.due_at);
    let mail = mails::scheduled_export_failed(&app.config, (&row.domain, &row.slug), &reason.sentence, next_at);
    Ok(mails::put_for_owners(app, conn, &row, &mail).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn each_server_has_a_time_of_its_own_and_comes_once_a_day_or_week() {
        let now = at("2026-11-28T10:00:30Z");
        for every in [Every::Day, Every::Week] {
            let length = TimeDelta::minutes(every.minutes());
            let mut minutes = std::collections::BTreeSet::new();
            for id in (0..200_u128).map(|it| Uuid::from_u128(it * 7_919)) {
                let first = due_after(id, every, now);
                assert!(now < first && first <= now + length, "{first}");
                assert_eq!(due_after(id, every, first), first + length, "never twice at one time");
                assert_eq!(due_after(id, every, first - TimeDelta::seconds(1)), first);
                minutes.insert(first);
            }
            assert!(minutes.len() > 150, "they are spread: {}", minutes.len());
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for every in [Every::Day, Every::Week] {
            assert_eq!(Every::parse(every.as_str()), Some(every));
        }
        assert_eq!(Every::parse("hour"), None);
    }
}
