//! What an own domain's records have to be, what was found from outside, and what is wrong: read from the last look.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::models::address_look::AddressLook;
use howdah_db::models::domain::Domain;
use howdah_db::models::instance::Instance;
use howdah_domain::records::{Diagnosis, Kept, Look, Looked, Proof, Record, Target, diagnose, is_well, records, with_times};
use howdah_domain::{InstanceId, Phase};
use serde::Deserialize;
use serde_json::Value;

use super::overview::{Which, known};
use super::seen_by;
use super::view::{domains_to_prove, proofs};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::jobs::LookOutside;
use crate::{Actor, App, Error, Excess};

/// Between two looks that somebody asks for.
const PAUSE: TimeDelta = TimeDelta::seconds(20);

#[derive(Debug, Clone)]
pub struct AddressPage {
    pub server: InstanceId,
    pub slug: String,
    /// In people's handles.
    pub domain: String,
    pub web_domain: String,
    pub media_domain: String,
    /// The customer's own: else there are no records to set.
    pub is_own: bool,
    /// Its old server serves the address, and has to be found there until the cut-over: only the proof is to be set.
    pub is_rehearsing: bool,
    pub records: Vec<Record>,
    /// Faults first.
    pub diagnoses: Vec<Diagnosis>,
    /// Every record that is needed is right, and nothing else is in the way.
    pub is_well: bool,
    /// The last look found this server answering there.
    pub leads_here: Option<bool>,
    pub looked_at: Option<DateTime<Utc>>,
    pub waiting_since: Option<DateTime<Utc>>,
    pub well_since: Option<DateTime<Utc>>,
    /// [`look_again`] is refused before.
    pub may_look_again_at: Option<DateTime<Utc>>,
}

/// # Errors
/// [`Error::NotFound`] for a server that is not the account's.
pub async fn address(app: &App, actor: &Actor, which: Which<'_>) -> Result<AddressPage, Error> {
    let mut conn = app.conn().await?;
    known(&mut conn, actor, which).await?.address(app, actor)
}

/// Has the worker look within seconds.
///
/// # Errors
/// [`Error::NotFound`] for a server that is not the account's; [`Error::RateLimited`].
pub async fn look_again(app: &App, actor: &Actor, id: InstanceId, idempotent: Option<Idempotent<'_, ()>>) -> Result<Once<()>, Error> {
    actor.may_change()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = seen_by(conn, actor, id).await?;
        let asked_at = AddressLook::of(conn, row.id).await?.and_then(|it| it.asked_at);
        if let Some(left) = asked_at.map(|it| it + PAUSE - app.now()).filter(|it| *it > TimeDelta::zero()) {
            let retry_after = Duration::from_secs(left.num_seconds().unsigned_abs() + 1);
            return Err(Error::RateLimited { excess: Excess::Looks, retry_after });
        }
        AddressLook::ask(conn, row.id, app.now()).await?;
        LookOutside::default().enqueue(conn).await?;
        keep(conn, idempotent, ()).await
    })
    .await
}

/// What the record has of a server's address.
pub(crate) struct Page {
    domain: String,
    web_domain: String,
    proofs: Vec<Proof>,
    looked: Looked,
    kept: Vec<Kept>,
    target: OwnedTarget,
    row: Option<AddressLook>,
}

struct OwnedTarget {
    name: Option<String>,
    addresses: Vec<std::net::IpAddr>,
    authority: String,
}

impl Page {
    pub(crate) fn of(app: &App, row: &Instance, domains: &[Domain], look: Option<&AddressLook>) -> Self {
        let nothing = || Looked::nothing(&row.domain, &row.web_domain, &row.media_domain);
        let looked = match look {
            // What another version wrote, or nobody: as if nobody had looked.
            Some(it) => Looked::deserialize(&it.looked).unwrap_or_else(|_| nothing()),
            None => nothing(),
        };
        Self {
            domain: row.domain.clone(),
            web_domain: row.web_domain.clone(),
            proofs: domains_to_prove(row).iter().filter_map(|name| proof(name, &proofs(row, domains))).collect(),
            looked,
            kept: look.and_then(|it| Vec::deserialize(&it.kept).ok()).unwrap_or_default(),
            target: OwnedTarget {
                name: app.config.ingress_name.clone(),
                addresses: app.config.ingress_addresses.clone(),
                authority: app.config.certificate_authority.clone(),
            },
            row: look.cloned(),
        }
    }

    /// With what was seen just now in place of what was kept.
    pub(crate) fn seen(self, looked: Looked) -> Self {
        Self { looked, ..self }
    }

    pub(crate) fn looked(&self) -> &Looked {
        &self.looked
    }

    pub(crate) fn kept(&self) -> &[Kept] {
        &self.kept
    }

    pub(crate) fn looked_at(&self) -> Option<DateTime<Utc>> {
        self.row.as_ref().map(|it| it.looked_at)
    }

    pub(crate) fn look(&self) -> Look<'_> {
        let OwnedTarget { name, addresses, authority } = &self.target;
        let target = Target { name: name.as_deref(), addresses, authority: Some(authority) };
        Look { domain: &self.domain, web_domain: &self.web_domain, proofs: &self.proofs, looked: &self.looked, target }
    }

    pub(crate) fn view(&self, app: &App, row: &Instance, leads_here: Option<bool>, phase: Phase) -> AddressPage {
        let is_own = !row.on_platform_domain;
        let look = self.look();
        let asked_at = self.row.as_ref().and_then(|it| it.asked_at);
        AddressPage {
            server: InstanceId::from_uuid(row.id),
            slug: row.slug.clone(),
            domain: row.domain.clone(),
            web_domain: row.web_domain.clone(),
            media_domain: row.media_domain.clone(),
            is_own,
            is_rehearsing: phase == Phase::Rehearsing,
            records: if is_own { with_times(records(&look), &self.kept) } else { Vec::new() },
            diagnoses: if is_own { diagnose(&look) } else { Vec::new() },
            is_well: !is_own || is_well(&look),
            leads_here,
            looked_at: self.looked_at(),
            waiting_since: self.row.as_ref().and_then(|it| it.waiting_since),
            well_since: self.row.as_ref().and_then(|it| it.well_since),
            may_look_again_at: asked_at.map(|it| it + PAUSE).filter(|it| *it > app.now()),
        }
    }
}

/// The proof of a name, from the row that asks for it.
fn proof(name: &str, domains: &[&Domain]) -> Option<Proof> {
    let row = domains.iter().find(|it| it.name == name)?;
    let texts = row.last_records.get("txt").and_then(Value::as_array);
    let found = texts.into_iter().flatten().filter_map(Value::as_str).map(|it| it.trim().to_owned()).collect();
    let has_answer = row.last_records.get("errors").and_then(Value::as_array).is_none_or(|it| !it.iter().any(is_of_txt));
    Some(Proof {
        domain: row.name.clone(),
        wanted: row.proof_token.clone(),
        found,
        is_proven: row.proven_at.is_some(),
        is_looked: row.checked_at.is_some() && has_answer,
    })
}

/// What name servers failed to say of the proof; what they failed to say of addresses is another matter.
fn is_of_txt(error: &Value) -> bool {
    error.as_str().is_some_and(|it| it.starts_with("TXT "))
}
