//! The proof of own domains: a TXT record `_howdah.<domain>` with the account's own token. Once it is found the domain's
//! servers are routed by their next sync.

use howdah_db::Conn;
use howdah_db::models::audit::{Actor, Record};
use howdah_db::models::domain::Domain;
use howdah_db::models::instance::Instance;
use serde_json::{Value, json};

use super::{AT_ONCE, MOST};
use crate::jobs::SyncInstance;
use crate::worker::{WorkError, Worker, in_groups};

pub async fn check(worker: &Worker) -> Result<(), WorkError> {
    let now = worker.now();
    let settings = &worker.settings;
    let mut conn = worker.app.database.conn().await?;
    let due = Domain::due(&mut conn, now - settings.unproven_domain, now - settings.proven_domain, MOST).await?;
    drop(conn);
    in_groups(due, AT_ONCE, |domain| async move {
        if let Err(error) = check_one(worker, &domain).await {
            tracing::warn!(domain.name = domain.name, %error, "a domain could not be checked");
        }
    })
    .await;
    Ok(())
}

/// Looks for the proof of one domain, whenever it was looked for last.
pub(super) async fn check_one(worker: &Worker, domain: &Domain) -> Result<(), WorkError> {
    let proof = format!("_howdah.{}", domain.name);
    let (txt, addresses) = futures::join!(worker.outside.txt(&proof), worker.outside.addresses(&domain.name));
    let is_proven = txt.as_ref().is_ok_and(|it| it.iter().any(|text| text.trim() == domain.proof_token));
    let mut errors = Vec::new();
    let mut texts = Vec::new();
    match txt {
        Ok(found) => texts = found,
        Err(error) => errors.push(error.to_string()),
    }
    let mut seen = crate::ports::Addresses::default();
    match addresses {
        Ok(found) => seen = found,
        Err(error) => errors.push(error.to_string()),
    }
    let records = json!({
        "txt": bounded(texts),
        "cname": bounded(seen.cname),
        "addresses": seen.addresses.iter().map(ToString::to_string).take(50).collect::<Vec<_>>(),
        "errors": errors,
    });
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| write(worker, conn, domain, &records, is_proven).await).await
}

/// What strangers' records say is kept in bounds.
fn bounded(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().take(50).map(|it| it.chars().filter(|it| !it.is_control()).take(255).collect()).collect()
}

async fn write(worker: &Worker, conn: &mut Conn, domain: &Domain, records: &Value, is_proven: bool) -> Result<(), WorkError> {
    let now = worker.now();
    Domain::checked(conn, domain.id, records, now).await?;
    if !(is_proven && domain.prove(conn, now).await?) {
        return Ok(());
    }
    for instance in Instance::of_account_at(conn, domain.account_id, &domain.name).await? {
        Instance::touch(conn, instance.id, now).await?;
        SyncInstance::of(instance.id).enqueue(conn).await?;
    }
    tracing::info!(domain.name = domain.name, "a domain was proven");
    Record {
        chain_id: domain.account_id,
        at: now,
        actor: Actor::Platform,
        action: "domain.proven",
        subject_kind: "domain",
        subject_id: Some(domain.id),
        details: json!({ "name": domain.name }),
    }
    .insert(conn)
    .await?;
    Ok(())
}
