//! The records of own domains, looked at from outside and kept, so that pages only read; and the mails about waiting for them.
//!
//! What is waited for is looked at often, and less often the longer it takes; what is well only now and then.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use howdah_crd::MARK_PATH;
use howdah_db::Conn;
use howdah_db::models::address_look::{AddressLook, OldLooks};
use howdah_db::models::domain::Domain;
use howdah_db::models::instance::Instance;
use howdah_db::models::owner_bootstrap::OwnerBootstrap;
use howdah_db::models::probe::Probe;
use howdah_domain::InstanceId;
use howdah_domain::records::{Caa, Host, Looked, PassOnPath, PassedOn, PathSeen, Purpose, Seen, diagnose, is_well, keep, records};
use serde::Deserialize;
use url::Url;

use super::{AT_ONCE, MOST, domains};
use crate::identity;
use crate::instances::AddressLookPage;
use crate::mails;
use crate::ports::outside::{Answer, OutsideError};
use crate::worker::{WorkError, Worker, in_groups};

/// After that much waiting a mail says what is still missing, and after that much once more.
const REMIND_AFTER: [TimeDelta; 2] = [TimeDelta::hours(24), TimeDelta::hours(72)];
/// Addresses of one name that are asked for the server's mark.
const MOST_ASKED: usize = 4;
/// Names above a name that are asked for CAA records: a customer's name servers answer each as slowly as they like.
const MOST_CLIMBED: usize = 6;
/// For all that is asked of one server's records, so that nobody's name servers hold up the looks at everybody's.
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn look(worker: &Worker) -> Result<(), WorkError> {
    let now = worker.now();
    let settings = &worker.settings;
    let old = OldLooks { waiting: now - settings.unproven_domain, well: now - settings.look };
    let mut conn = worker.app.database.conn().await?;
    let due = AddressLook::due(&mut conn, old, MOST).await?;
    drop(conn);
    let due = due.into_iter().filter(|(_, before)| before.as_ref().is_none_or(|it| is_its_turn(it, settings.look, now))).collect();
    in_groups(due, AT_ONCE, |(instance, before): (Instance, Option<AddressLook>)| async move {
        if let Err(error) = look_at(worker, &instance, before.as_ref()).await {
            tracing::warn!(instance.id = %instance.id, %error, "an address's records could not be looked at");
        }
    })
    .await;
    Ok(())
}

/// What has been waited for long is looked at as rarely as what is well.
fn is_its_turn(before: &AddressLook, pause: TimeDelta, now: DateTime<Utc>) -> bool {
    let is_asked = before.asked_at.is_some_and(|it| it > before.looked_at);
    let waits_long = before.waiting_since.is_some_and(|it| now - it > REMIND_AFTER[1] * 2);
    is_asked || !waits_long || now - before.looked_at >= pause
}

async fn look_at(worker: &Worker, instance: &Instance, before: Option<&AddressLook>) -> Result<(), WorkError> {
    if before.is_some_and(|it| it.asked_at.is_some_and(|asked_at| asked_at > it.looked_at)) {
        prove(worker, instance).await?;
    }
    let Ok(looked) = tokio::time::timeout(PATIENCE, see(worker, instance)).await else {
        tracing::warn!(instance.id = %instance.id, "an address's records were not told in time");
        return Ok(());
    };
    let looked = looked?;
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| write(worker, conn, instance.id, looked).await).await
}

/// The proofs that are missing, whenever they were looked for last.
async fn prove(worker: &Worker, instance: &Instance) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let names = [instance.domain.as_str(), instance.web_domain.as_str()];
    let missing = Domain::of_account_named(&mut conn, instance.account_id, &names).await?;
    drop(conn);
    for domain in missing.iter().filter(|it| it.proven_at.is_none()) {
        domains::check_one(worker, domain).await?;
    }
    Ok(())
}

async fn see(worker: &Worker, instance: &Instance) -> Result<Looked, WorkError> {
    let mut looked = Looked::nothing(&instance.domain, &instance.web_domain, &instance.media_domain);
    let hosts = join_all(looked.hosts.iter().map(async |host| see_host(worker, instance, host).await)).await;
    for (host, seen) in looked.hosts.iter_mut().zip(hosts) {
        host.seen = Some(seen);
    }
    if !looked.passed_on.is_empty() {
        let mut conn = worker.app.database.conn().await?;
        let owner = OwnerBootstrap::of(&mut conn, instance.id).await?.map_or_else(|| "owner".to_owned(), |it| it.username);
        drop(conn);
        looked.passed_on = see_site(worker, instance, &owner).await;
    }
    Ok(looked)
}

async fn see_host(worker: &Worker, instance: &Instance, host: &Host) -> Seen {
    let (records, caa) = futures::join!(worker.outside.records(&host.name), caa_of(worker, &host.name));
    let records = match records {
        Ok(records) => records,
        Err(error) => return Seen { error: Some(bounded(&error.to_string())), ..Seen::default() },
    };
    let all = records.v4.iter().copied().map(IpAddr::V4).chain(records.v6.iter().copied().map(IpAddr::V6));
    let others = all.filter(|it| !worker.app.config.ingress_addresses.contains(it)).take(MOST_ASKED);
    let asked = join_all(others.map(async |it| shows_us(worker, instance, host, it).await.then_some(it))).await;
    Seen {
        exists: records.exists,
        cname: records.cname.iter().map(|it| bounded(it)).collect(),
        v4: records.v4,
        v6: records.v6,
        ttl: records.ttl,
        // Where nobody says anything of it, everybody may.
        caa: caa.unwrap_or_default(),
        shows_us: asked.into_iter().flatten().collect(),
        error: None,
    }
}

/// The set that counts: the name's own, or that of the nearest name above it that has one (RFC 8659, 3).
async fn caa_of(worker: &Worker, name: &str) -> Result<Option<Caa>, OutsideError> {
    let mut at = name;
    for _ in 0..MOST_CLIMBED {
        if !at.contains('.') {
            break;
        }
        if let Some(issuers) = worker.outside.caa(at).await? {
            return Ok(Some(Caa { at: at.to_owned(), issuers: issuers.iter().map(|it| bounded(it)).collect() }));
        }
        at = at.split_once('.').map_or("", |(_, above)| above);
    }
    Ok(None)
}

/// A stranger's address, behind which this very server is: it stands before ours.
async fn shows_us(worker: &Worker, instance: &Instance, host: &Host, address: IpAddr) -> bool {
    let path = format!("{MARK_PATH}?{}", identity::new_token(worker.app.randomness.as_ref()));
    let Ok(answer) = worker.outside.get(address, &host.name, &path).await else { return false };
    match host.purpose {
        // The media host has no mark. That the name's certificate is there, and neither an error of the proxy's nor a redirect
        // comes, has to do.
        Purpose::Media => answer.status < 300 || (400..500).contains(&answer.status),
        _ => answer.status == 200 && answer.body.trim_ascii() == InstanceId::from_uuid(instance.id).resource_name().as_bytes(),
    }
}

/// What the customer's own site answers to what others ask of handles.
async fn see_site(worker: &Worker, instance: &Instance, owner: &str) -> Vec<PassedOn> {
    let address = match worker.outside.addresses(&instance.domain).await {
        Ok(found) => found.addresses.first().copied().ok_or_else(|| "the name has no address".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let ask = async |path: PassOnPath| {
        let query = match path {
            PassOnPath::Webfinger => format!("?resource=acct:{owner}@{}", instance.domain),
            PassOnPath::HostMeta | PassOnPath::NodeInfo => String::new(),
        };
        let asked = format!("{}{query}", path.path());
        let seen = match &address {
            Ok(address) => match worker.outside.get(*address, &instance.domain, &asked).await {
                Ok(answer) => passed_on(path, &asked, instance, &answer),
                Err(error) => PathSeen::Unreachable { why: bounded(&error.to_string()) },
            },
            Err(why) => PathSeen::Unreachable { why: bounded(why) },
        };
        PassedOn { path, seen: Some(seen) }
    };
    join_all(PassOnPath::ALL.iter().copied().map(ask)).await
}

#[derive(Deserialize)]
struct Finger {
    subject: String,
}

fn passed_on(path: PassOnPath, asked: &str, instance: &Instance, answer: &Answer) -> PathSeen {
    match answer.status {
        301 | 302 | 303 | 307 | 308 => {
            let base = format!("https://{}/", instance.domain).parse::<Url>().ok();
            let to = answer.location.as_deref().and_then(|it| base.as_ref()?.join(it).ok());
            let Some(to) = to else { return PathSeen::Answered { status: answer.status } };
            let wanted: Option<Url> = format!("https://{}{asked}", instance.web_domain).parse().ok();
            match wanted.is_some_and(|it| is_same(&it, &to)) {
                true => PathSeen::PassedOn,
                false => PathSeen::Elsewhere { to: bounded(to.as_str()) },
            }
        }
        // Answered in the server's name, by a proxy.
        200 if path == PassOnPath::Webfinger => {
            let subject = serde_json::from_slice::<Finger>(&answer.body).map(|it| it.subject).unwrap_or_default();
            let is_theirs = subject.starts_with("acct:") && subject.ends_with(&format!("@{}", instance.domain));
            if is_theirs { PathSeen::PassedOn } else { PathSeen::Answered { status: 200 } }
        }
        200 if String::from_utf8_lossy(&answer.body).contains(&format!("https://{}/", instance.web_domain)) => PathSeen::PassedOn,
        status => PathSeen::Answered { status },
    }
}

/// With the whole question, however its signs are written.
fn is_same(wanted: &Url, to: &Url) -> bool {
    let pairs = |url: &Url| url.query_pairs().into_owned().collect::<Vec<_>>();
    to.scheme() == "https" && wanted.host_str() == to.host_str() && wanted.path() == to.path() && pairs(wanted) == pairs(to)
}

async fn write(worker: &Worker, conn: &mut Conn, id: uuid::Uuid, looked: Looked) -> Result<(), WorkError> {
    let now = worker.now();
    let Some(instance) = Instance::lock(conn, id).await?.filter(|it| it.tombstoned_at.is_none()) else {
        return Ok(());
    };
    let before = AddressLook::of(conn, id).await?;
    let domains = Domain::of_accounts(conn, &[instance.account_id]).await?;
    let leads_here = Probe::of(conn, id).await?.is_some_and(|it| it.leads_here);
    let page = AddressLookPage::of(&worker.app, &instance, &domains, before.as_ref()).seen(looked);
    let look = page.look();
    let is_well = is_well(&look);
    let mut row = AddressLook {
        instance_id: id,
        looked: serde_json::to_value(page.looked()).unwrap_or_default(),
        kept: serde_json::to_value(keep(page.kept(), &records(&look), now)).unwrap_or_default(),
        looked_at: now,
        asked_at: before.as_ref().and_then(|it| it.asked_at),
        waiting_since: (!is_well).then(|| before.as_ref().and_then(|it| it.waiting_since).unwrap_or(now)),
        well_since: is_well.then(|| before.as_ref().and_then(|it| it.well_since).unwrap_or(now)),
        first_well_at: before.as_ref().and_then(|it| it.first_well_at),
        reminders: before.as_ref().map_or(0, |it| it.reminders),
    };
    let is_leaving = instance.desired.desired_kind == "deleted";
    if is_well && leads_here {
        // Told once it does answer there, and only to those who waited for it.
        if row.first_well_at.is_none() || row.reminders > 0 {
            mails::address_works(worker, conn, &instance).await?;
        }
        row.first_well_at = row.first_well_at.or(Some(now));
        row.reminders = 0;
    } else if let Some(waited) = row.waiting_since.map(|it| now - it).filter(|_| !is_leaving) {
        let due = REMIND_AFTER.iter().filter(|it| waited >= **it).count();
        let due = i16::try_from(due).unwrap_or(i16::MAX);
        if due > row.reminders {
            mails::records_missing(worker, conn, &instance, waited, &diagnose(&look)).await?;
            row.reminders = due;
        }
    }
    row.put(conn).await?;
    Ok(())
}

/// What strangers say is kept in bounds.
fn bounded(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(255).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_carries_the_whole_question() {
        let url = |text: &str| text.parse::<Url>().unwrap();
        let wanted = url("https://social.birds.org/.well-known/webfinger?resource=acct:ana@birds.org");
        let table = [
            ("https://social.birds.org/.well-known/webfinger?resource=acct:ana@birds.org", true),
            ("https://social.birds.org/.well-known/webfinger?resource=acct%3Aana%40birds.org", true),
            ("https://social.birds.org/.well-known/webfinger", false),
            ("https://social.birds.org/", false),
            ("https://www.birds.org/.well-known/webfinger?resource=acct:ana@birds.org", false),
            ("http://social.birds.org/.well-known/webfinger?resource=acct:ana@birds.org", false),
        ];
        for (to, expected) in table {
            assert_eq!(is_same(&wanted, &url(to)), expected, "{to}");
        }
    }
}
