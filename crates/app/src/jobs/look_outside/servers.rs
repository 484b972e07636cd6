//! The look from outside: do DNS and `/.well-known/nodeinfo` of a server's web domain lead to us?
//!
//! It is the guard of every farewell, made anew at each tick: a server whose name is served elsewhere must not tell the world
//! to forget its accounts. It also finds out when a server was first reached, without which it has nobody to say farewell to.

use std::net::IpAddr;

use howdah_db::Conn;
use howdah_db::models::instance::Instance;
use howdah_db::models::probe::Probe;
use howdah_domain::lifecycle::Cause;
use serde::Deserialize;
use url::Url;

use super::{AT_ONCE, MOST};
use crate::jobs::SyncInstance;
use crate::ports::outside::{Addresses, Answer, OutsideError};
use crate::progress;
use crate::worker::{WorkError, Worker, in_groups};

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
    let ours = &worker.app.config.ingress_addresses;
    let addresses = worker.outside.addresses(&instance.web_domain).await;
    let seen = match where_it_leads(ours, addresses) {
        Ok(()) => who_answers(&instance.web_domain, worker.outside.nodeinfo(&instance.web_domain).await),
        Err(cause) => Err(cause),
    };
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| write(worker, conn, instance.id, seen).await).await
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
    if changed && instance.farewell_began_at.is_some() && instance.teardown_began_at.is_none() {
        // Its Sidekiq stops, or goes on.
        Instance::touch(conn, id, now).await?;
        SyncInstance::of(id).enqueue(conn).await?;
        tracing::warn!(instance.id = %id, probe.leads_here = leads_here, "a farewell's guard changed its mind");
    }
    if changed {
        progress::advance(worker, conn, id).await?;
    }
    Ok(())
}

const ELSEWHERE: &str = "ServedElsewhere";
const UNREACHABLE: &str = "AddressUnreachable";

fn cause(reason: &str, detail: impl Into<String>) -> Cause {
    Cause::new(reason, Some(detail.into()))
}

/// Every address has to be ours: one that isn't gets a part of the world's deliveries.
fn where_it_leads(ours: &[IpAddr], addresses: Result<Addresses, OutsideError>) -> Result<(), Cause> {
    let found = addresses.map_err(|error| cause(UNREACHABLE, error.to_string()))?.addresses;
    if found.is_empty() {
        return Err(cause(UNREACHABLE, "the name has no address"));
    }
    let foreign: Vec<String> = found.iter().filter(|it| !ours.contains(it)).map(ToString::to_string).collect();
    if foreign.is_empty() { Ok(()) } else { Err(cause(ELSEWHERE, format!("the name leads to {}", foreign.join(", ")))) }
}

#[derive(Deserialize)]
struct NodeInfo {
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

/// At our own ingress, with our certificate: the server behind it has to speak of itself.
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

    const OURS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

    fn reason(seen: Result<(), Cause>) -> String {
        seen.map_or_else(|it| it.reason, |()| "ours".to_owned())
    }

    #[test]
    fn where_a_name_leads() {
        let leads = |addresses: Vec<IpAddr>| Ok(Addresses { cname: vec![], addresses });
        let table = [
            (leads(vec![OURS]), "ours"),
            (leads(vec![OTHER]), ELSEWHERE),
            (leads(vec![OURS, OTHER]), ELSEWHERE),
            (leads(vec![]), UNREACHABLE),
            (Err(OutsideError("timed out".to_owned())), UNREACHABLE),
        ];
        for (addresses, expected) in table {
            assert_eq!(reason(where_it_leads(&[OURS], addresses.clone())), expected, "{addresses:?}");
        }
    }

    #[test]
    fn who_answers_at_our_ingress() {
        let answer = |status, location: Option<&str>, body: &str| {
            Ok(Answer { status, location: location.map(str::to_owned), body: body.as_bytes().to_vec() })
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
