//! The look from outside: do DNS and `/.well-known/nodeinfo` of a server's web domain lead to us?
//!
//! It is the guard of every farewell, made anew at each tick: a server whose name is served elsewhere must not tell the world
//! to forget its accounts. It also finds out when a server was first reached, without which it has nobody to say farewell to.
//!
//! A server is known by its mark ([`MARK_PATH`]), never by the address: a CDN's is as good as our ingress', as long as the
//! server behind it is ours. Every address has to show the mark, since one that doesn't gets a part of the world's deliveries.

use std::net::IpAddr;

use futures::future::join_all;
use howdah_crd::MARK_PATH;
use howdah_db::Conn;
use howdah_db::models::instance::Instance;
use howdah_db::models::probe::Probe;
use howdah_domain::lifecycle::Cause;
use howdah_domain::{Deletion, InstanceId};
use serde::Deserialize;
use url::Url;

use super::{AT_ONCE, MOST};
use crate::jobs::SyncInstance;
use crate::ports::outside::{Answer, OutsideError};
use crate::worker::{WorkError, Worker, in_groups};
use crate::{identity, progress};

pub async fn look(worker: &Worker) -> Result<(), WorkError> {
    let now = worker.now();
    let mut conn = worker.app.database.conn().await?;
    let due = Instance::to_look_at(&mut conn, now - worker.settings.look, now, MOST).await?;
    drop(conn);
    let (leaving, others): (Vec<_>, Vec<_>) = due.into_iter().partition(|it| it.desired.desired_kind == "deleted");
    for group in [leaving, others] {
        in_groups(group, AT_ONCE, |instance| async move {
            if let Err(error) = look_at(worker, &instance).await {
                tracing::warn!(instance.id = %instance.id, %error, "a look from outside could not be recorded");
            }
        })
        .await;
    }
    Ok(())
}

async fn look_at(worker: &Worker, instance: &Instance) -> Result<(), WorkError> {
    let seen = look_closely(worker, instance).await;
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| write(worker, conn, instance.id, seen).await).await
}

async fn look_closely(worker: &Worker, instance: &Instance) -> Result<(), Cause> {
    let (outside, host) = (&worker.outside, &instance.web_domain);
    let unreachable = |error: OutsideError| cause(UNREACHABLE, error.to_string());
    let found = outside.addresses(host).await.map_err(unreachable)?.addresses;
    if found.is_empty() {
        return Err(cause(UNREACHABLE, "the name has no address"));
    }
    if found.len() > MOST_ADDRESSES {
        return Err(cause(UNREACHABLE, format!("the name has {} addresses: more than are looked at", found.len())));
    }
    // Another query each time: a cache on the way has no answer to it.
    let path = format!("{MARK_PATH}?{}", identity::new_token(worker.app.randomness.as_ref()));
    let asking = found.iter().map(async |it| (*it, outside.get(*it, host, &path).await));
    let answers: Vec<_> = join_all(asking).await;
    let mark = InstanceId::from_uuid(instance.id).resource_name();
    let seen = who_shows(&mark, &answers, &worker.app.config.ingress_addresses);
    if let Err(away) = &seen
        && away.reason == ELSEWHERE
        && moves_out(instance)
        && is_with_another_host(worker, host, &found).await
    {
        return Err(Cause::new(ANOTHER_HOST, away.detail.clone()));
    }
    let address = seen?;
    who_answers(host, outside.get(address, host, NODEINFO).await)
}

/// Who moves out is waited for at the new host: every address has to be another's, and the server there has to speak of this name.
async fn is_with_another_host(worker: &Worker, host: &str, addresses: &[IpAddr]) -> bool {
    if addresses.iter().any(|it| worker.app.config.ingress_addresses.contains(it)) {
        return false;
    }
    let asking = addresses.iter().map(async |it| who_answers(host, worker.outside.get(*it, host, NODEINFO).await).is_ok());
    join_all(asking).await.into_iter().all(|it| it)
}

async fn write(worker: &Worker, conn: &mut Conn, id: uuid::Uuid, seen: Result<(), Cause>) -> Result<(), WorkError> {
    let now = worker.now();
    let Some(instance) = Instance::lock(conn, id).await?.filter(|it| it.tombstoned_at.is_none()) else {
        return Ok(());
    };
    let before = Probe::of(conn, id).await?;
    let (leads_here, reason, detail) = match seen {
        Ok(()) => (true, "Answered".to_owned(), None),
        Err(cause) => (false, cause.reason, cause.detail.map(|it| it.chars().take(2000).collect())),
    };
    let changed = before.is_none_or(|it| it.leads_here != leads_here);
    Probe { instance_id: id, leads_here, reason, detail, probed_at: now }.put(conn).await?;
    if leads_here {
        Instance::answered(conn, id, now).await?;
    }
    let says_farewell = instance.farewell_began_at.is_some() && instance.teardown_began_at.is_none();
    if says_farewell && (leads_here || changed) {
        // It may go on for as long as this look is fresh, or stops at once.
        Instance::touch(conn, id, now).await?;
        SyncInstance::of(id).enqueue(conn).await?;
    }
    if says_farewell && changed {
        tracing::warn!(instance.id = %id, probe.leads_here = leads_here, "a farewell's guard changed its mind");
    }
    if changed {
        progress::advance(worker, conn, id).await?;
    }
    Ok(())
}

/// Of one name: CDNs have some, and nobody has many.
const MOST_ADDRESSES: usize = 16;
const NODEINFO: &str = "/.well-known/nodeinfo";
const ELSEWHERE: &str = "ServedElsewhere";
const UNREACHABLE: &str = "AddressUnreachable";

/// Of who moves out: another server answers at the address, as this one.
pub(crate) const ANOTHER_HOST: &str = "ServedByAnotherHost";

fn moves_out(instance: &Instance) -> bool {
    instance.desired.desired_deletion.as_deref() == Some(Deletion::MoveOut.as_str())
}

fn cause(reason: &str, detail: impl Into<String>) -> Cause {
    Cause::new(reason, Some(detail.into()))
}

/// An address that shows the mark, where all do. One of IPv6 that doesn't answer is passed over where one of IPv4 shows it:
/// this machine may have no way to it.
fn who_shows(mark: &str, answers: &[(IpAddr, Result<Answer, OutsideError>)], ingress: &[IpAddr]) -> Result<IpAddr, Cause> {
    let shown = |answer: &Result<Answer, OutsideError>| {
        answer.as_ref().is_ok_and(|it| it.status == 200 && !it.is_cached && it.body.trim_ascii() == mark.as_bytes())
    };
    let by_v4 = answers.iter().find(|(address, answer)| address.is_ipv4() && shown(answer));
    for (address, answer) in answers {
        let is_passed_over = by_v4.is_some() && address.is_ipv6() && answer.is_err();
        if !shown(answer) && !is_passed_over {
            return Err(no_mark(*address, answer, ingress.contains(address)));
        }
    }
    let first = by_v4.or_else(|| answers.first());
    first.map(|(address, _)| *address).ok_or_else(|| cause(UNREACHABLE, "the name has no address"))
}

fn no_mark(address: IpAddr, answer: &Result<Answer, OutsideError>, is_ingress: bool) -> Cause {
    let (is_away, what) = match answer {
        Err(error) => (false, format!("does not answer: {error}")),
        Ok(it) if it.is_cached => (true, "answered from a cache, which says nothing about now".to_owned()),
        Ok(it) if it.status >= 500 => (true, format!("answered {}", it.status)),
        Ok(it) => (false, format!("answered {}, and not as this server", it.status)),
    };
    let reason = if is_away || is_ingress { UNREACHABLE } else { ELSEWHERE };
    cause(reason, format!("the name leads to {address}, which {what}"))
}

#[derive(Deserialize)]
struct NodeInfo {
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

/// The server has to speak of itself.
fn who_answers(web_domain: &str, answer: Result<Answer, OutsideError>) -> Result<(), Cause> {
    let answer = answer.map_err(|error| cause(UNREACHABLE, error.to_string()))?;
    let host = |url: &str| url.parse::<Url>().ok().and_then(|it| it.host_str().map(str::to_owned));
    let is_ours = |host: &str| host.eq_ignore_ascii_case(web_domain);
    if (300..400).contains(&answer.status) {
        return Err(match answer.location.as_deref().and_then(host) {
            Some(other) if !is_ours(&other) => cause(ELSEWHERE, format!("it redirects to {other}")),
            _ => cause(UNREACHABLE, format!("it answered {}", answer.status)),
        });
    }
    if answer.status != 200 {
        return Err(cause(UNREACHABLE, format!("it answered {}", answer.status)));
    }
    let Ok(NodeInfo { links }) = serde_json::from_slice(&answer.body) else {
        return Err(cause(UNREACHABLE, "what it answered is no nodeinfo document"));
    };
    if links.is_empty() {
        return Err(cause(UNREACHABLE, "its nodeinfo document is empty"));
    }
    let spoken_of = links.into_iter().map(|it| host(&it.href).unwrap_or(it.href));
    match spoken_of.into_iter().find(|it| !is_ours(it)) {
        Some(other) => Err(cause(ELSEWHERE, format!("its nodeinfo speaks of {other}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "192.0.2.1";
    const CDN: &str = "104.16.0.1";
    const CDN_V6: &str = "2606:4700::1";

    fn reason(seen: Result<(), Cause>) -> String {
        seen.map_or_else(|it| it.reason, |()| "ours".to_owned())
    }

    fn answer(status: u16, is_cached: bool, body: &str) -> Result<Answer, OutsideError> {
        Ok(Answer { status, location: None, is_cached, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn who_is_known_by_the_mark() {
        let mark = || answer(200, false, "mi-birds\n");
        let other = || answer(404, false, "<h1>404</h1>");
        let away = || Err(OutsideError("connection refused".to_owned()));
        let table = [
            (vec![(OURS, mark())], OURS),
            (vec![(CDN, mark())], CDN),
            (vec![(CDN, mark()), (CDN_V6, mark())], CDN),
            (vec![(CDN_V6, away()), (CDN, mark())], CDN),
            (vec![(CDN_V6, mark())], CDN_V6),
            (vec![(CDN_V6, away())], ELSEWHERE),
            (vec![(CDN_V6, other()), (CDN, mark())], ELSEWHERE),
            (vec![(OURS, mark()), (CDN, away())], ELSEWHERE),
            (vec![(OURS, mark()), (CDN, other())], ELSEWHERE),
            (vec![(CDN, answer(200, false, "mi-owls"))], ELSEWHERE),
            (vec![(CDN, answer(200, true, "mi-birds"))], UNREACHABLE),
            (vec![(CDN, answer(502, false, ""))], UNREACHABLE),
            (vec![(OURS, other())], UNREACHABLE),
            (vec![(OURS, away())], UNREACHABLE),
            (vec![], UNREACHABLE),
        ];
        for (answers, expected) in table {
            let answers: Vec<(IpAddr, _)> = answers.into_iter().map(|(address, answer)| (address.parse().unwrap(), answer)).collect();
            let found = who_shows("mi-birds", &answers, &[OURS.parse().unwrap()]);
            assert_eq!(found.map_or_else(|it| it.reason, |it| it.to_string()), expected, "{answers:?}");
        }
    }

    #[test]
    fn who_answers_at_the_address() {
        let answer = |status, location: Option<&str>, body: &str| {
            Ok(Answer { status, location: location.map(str::to_owned), is_cached: false, body: body.as_bytes().to_vec() })
        };
        let document = |host: &str| {
            format!(r#"{{"links":[{{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://{host}/nodeinfo/2.0"}}]}}"#)
        };
        let table = [
            (answer(200, None, &document("birds.org")), "ours"),
            (answer(200, None, &document("BIRDS.org")), "ours"),
            (answer(200, None, &document("birds.social")), ELSEWHERE),
            (answer(200, None, r#"{"links":[]}"#), UNREACHABLE),
            (answer(200, None, "<html>"), UNREACHABLE),
            (answer(301, Some("https://birds.social/"), ""), ELSEWHERE),
            (answer(301, Some("https://birds.org/x"), ""), UNREACHABLE),
            (answer(302, Some("/x"), ""), UNREACHABLE),
            (answer(404, None, ""), UNREACHABLE),
            (answer(503, None, ""), UNREACHABLE),
            (Err(OutsideError("connection refused".to_owned())), UNREACHABLE),
        ];
        for (answer, expected) in table {
            assert_eq!(reason(who_answers("birds.org", answer.clone())), expected, "{answer:?}");
        }
    }
}
