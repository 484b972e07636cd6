//! A new set-password link for a server's owner: whether Mastodon takes it by now, or nothing will come of it. Either way the next
//! sync asks for it no more.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::Conn;
use howdah_db::models::instance::Instance;
use howdah_db::models::owner_bootstrap::OwnerBootstrap;
use howdah_domain::Observation;

use crate::instances::{ACCOUNT_NOT_FOUND, LINK_VALID, TIMED_OUT, owner_link_reader};
use crate::jobs::SyncInstance;
use crate::mails::{self, To};
use crate::worker::{WorkError, Worker};

const CONDITION: &str = "OwnerLinkReady";
/// Whoever waits has long gone by then; a link that came later would only lie about.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Waits,
    /// Since when Mastodon takes it.
    Given(DateTime<Utc>),
    Failed(&'static str),
}

/// Writes it down, in the caller's transaction. False where nothing is new.
pub async fn follow(
    worker: &Worker,
    conn: &mut Conn,
    instance: &Instance,
    observation: Option<&Observation>,
    now: DateTime<Utc>,
) -> Result<bool, WorkError> {
    let Some(owner) = OwnerBootstrap::of(conn, instance.id).await?.filter(OwnerBootstrap::is_on_its_way) else {
        return Ok(false);
    };
    match fate(owner.issued_at, instance.revision, observation, now) {
        Fate::Waits => return Ok(false),
        Fate::Given(since) => {
            OwnerBootstrap::applied(conn, instance.id, owner.version, since).await?;
            send(worker, conn, instance, &owner, since).await?;
        }
        Fate::Failed(reason) => OwnerBootstrap::failed(conn, instance.id, owner.version, reason).await?,
    }
    SyncInstance::of(instance.id).enqueue(conn).await?;
    Ok(true)
}

fn fate(issued_at: DateTime<Utc>, revision: i64, observation: Option<&Observation>, now: DateTime<Utc>) -> Fate {
    let told = observation.and_then(|it| it.condition(CONDITION));
    let given = observation.and_then(|it| it.owner_link_issued);
    if given.is_some_and(|it| it.timestamp() == issued_at.timestamp()) {
        // The cluster's clock may be another one.
        let since = told.filter(|it| it.met == Some(true)).map_or(now, |it| it.since.max(issued_at));
        return Fate::Given(since.min(now));
    }
    // What is said of a spec before this one may be about an earlier link.
    let is_about_it = observation.is_some_and(|it| it.observed_revision == Some(revision));
    if is_about_it && told.is_some_and(|it| it.met == Some(false) && it.reason == ACCOUNT_NOT_FOUND) {
        return Fate::Failed(ACCOUNT_NOT_FOUND);
    }
    if now >= issued_at + PATIENCE { Fate::Failed(TIMED_OUT) } else { Fate::Waits }
}

/// To whoever asked for it: the owner's own e-mail address may be another one by now, and this one was confirmed here.
async fn send(
    worker: &Worker,
    conn: &mut Conn,
    instance: &Instance,
    owner: &OwnerBootstrap,
    since: DateTime<Utc>,
) -> Result<(), WorkError> {
    // Who was removed meanwhile is a stranger.
    let Some(person) = owner_link_reader(conn, instance.account_id, owner.asked_by).await? else { return Ok(()) };
    let mail = mails::owner_link((&instance.domain, &instance.web_domain), &owner.username, since + LINK_VALID);
    let to =
        To { email: &person.email, person: Some(person.id), server: Some(instance.id), link_version: Some(owner.version), ..To::default() };
    Ok(mails::put(&worker.app, conn, &mail, &to).await?)
}

#[cfg(test)]
mod tests {
    use howdah_domain::lifecycle::Condition;

    use super::*;

    const ISSUED: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn observed(revision: i64, issued: Option<DateTime<Utc>>, condition: Option<(bool, &str)>) -> Observation {
        let condition = condition.map(|(met, reason)| Condition {
            name: CONDITION.to_owned(),
            met: Some(met),
            reason: reason.to_owned(),
            message: String::new(),
            since: ISSUED + TimeDelta::seconds(9),
        });
        Observation {
            generation: 1,
            observed_generation: Some(1),
            observed_revision: Some(revision),
            version: None,
            endpoints: None,
            usage: None,
            farewell: None,
            loaded: None,
            owner_link_issued: issued,
            conditions: condition.into_iter().collect(),
        }
    }

    #[test]
    fn what_becomes_of_a_link() {
        let soon = ISSUED + TimeDelta::minutes(1);
        let (other, given) = (Some(ISSUED - TimeDelta::days(1)), Some(ISSUED));
        let not_found = Some((false, ACCOUNT_NOT_FOUND));
        let table = [
            (None, soon, Fate::Waits),
            (Some(observed(7, other, None)), soon, Fate::Waits),
            (Some(observed(7, None, Some((false, "JobFailed")))), soon, Fate::Waits),
            (Some(observed(7, given, Some((true, "Ready")))), soon, Fate::Given(ISSUED + TimeDelta::seconds(9))),
            (Some(observed(7, given, None)), soon, Fate::Given(soon)),
            (Some(observed(7, None, not_found)), soon, Fate::Failed(ACCOUNT_NOT_FOUND)),
            (Some(observed(6, None, not_found)), soon, Fate::Waits),
            (None, ISSUED + PATIENCE, Fate::Failed(TIMED_OUT)),
            (Some(observed(7, given, None)), ISSUED + PATIENCE, Fate::Given(ISSUED + PATIENCE)),
        ];
        for (observation, now, expected) in table {
            assert_eq!(fate(ISSUED, 7, observation.as_ref(), now), expected, "{observation:?}");
        }
    }
}
