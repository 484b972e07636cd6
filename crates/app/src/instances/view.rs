//! A server as people see it: computed on reading, from the record and what was observed.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::domain::Domain;
use howdah_db::models::instance::{Instance, Page};
use howdah_db::models::move_out::MoveOut;
use howdah_db::models::observation::Glance;
use howdah_db::models::operation::{Operation as OperationRow, WithSteps};
use howdah_db::models::place::Cluster;
use howdah_db::models::probe::Probe;
use howdah_domain::{AccountId, AddressFacts, Deletion, Desired, InstanceId, Phase, PhaseFacts, Standing, Usage, phase};
use uuid::Uuid;

use super::handover;
use super::overview::{Which, known};
use crate::observer::translate;
use crate::operations::{self, OperationView};
use crate::{Actor, App, Error, exports};

#[derive(Debug, Clone)]
pub struct InstanceView {
    pub id: InstanceId,
    pub account: AccountId,
    /// Its name in the dashboard's addresses.
    pub slug: String,
    pub domain: String,
    pub web_domain: String,
    pub plan: String,
    pub phase: Phase,
    pub desired: Desired,
    pub standing: Standing,
    /// The version that it shall have.
    pub version: String,
    /// The version whose schema and workloads are in place.
    pub running_version: Option<String>,
    pub address: AddressView,
    pub usage: Option<Usage>,
    /// Where it is: for operators only.
    pub cluster: Option<String>,
    /// The live operation, if there is one.
    pub operation: Option<OperationView>,
    /// While it is being closed or removed.
    pub leaving: Option<LeavingView>,
    /// Rises with every change of the record.
    pub revision: i64,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct LeavingView {
    pub deletion: Deletion,
    /// The end of the grace period.
    pub after: DateTime<Utc>,
    pub can_be_undone: bool,
    /// A final bundle is made of it before anything of it goes, or was.
    pub final_bundle: bool,
    /// Of a MoveOut that was handed over: when its data here goes.
    pub kept_until: Option<DateTime<Utc>>,
    /// And until when its media host leads to where its media is then.
    pub moved_out_until: Option<DateTime<Utc>>,
    /// Where that is, as an owner said it.
    pub media_redirect: Option<String>,
}

/// Where it is, and what is still to be done for people to get there.
#[derive(Debug, Clone)]
pub struct AddressView {
    pub web: String,
    pub media: String,
    /// The customer's own domain.
    pub is_own: bool,
    pub is_proven: bool,
    pub proofs: Vec<ProofView>,
    /// The records that lead to it; empty for a platform address.
    pub records: Vec<RecordView>,
    /// The last look from outside: whether it found this server, why not, and when.
    pub leads_here: Option<bool>,
    pub reason: Option<String>,
    pub probed_at: Option<DateTime<Utc>>,
    pub first_answered_at: Option<DateTime<Utc>>,
}

/// A TXT record that proves a domain to be the account's.
#[derive(Debug, Clone)]
pub struct ProofView {
    pub domain: String,
    /// `_howdah.birds.example`.
    pub name: String,
    pub value: String,
    pub proven_at: Option<DateTime<Utc>>,
    pub checked_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView {
    pub name: String,
    /// `A`, `AAAA` or `CNAME`.
    pub kind: &'static str,
    pub value: String,
}

/// # Errors
/// [`Error::NotFound`] for a server that is not the account's.
pub async fn get(app: &App, actor: &Actor, id: InstanceId) -> Result<InstanceView, Error> {
    let mut conn = app.conn().await?;
    known(&mut conn, actor, Which::Id(id)).await?.server(app, actor)
}

/// The account's servers, the newest first; everybody's for an operator who asks for `fleet`.
///
/// # Errors
/// [`Error::Forbidden`] for the fleet without being an operator.
pub async fn list(app: &App, actor: &Actor, fleet: bool, page: Page) -> Result<Vec<InstanceView>, Error> {
    actor.may_read()?;
    if fleet {
        actor.may_operate()?;
    }
    let mut conn = app.conn().await?;
    let rows = match fleet {
        true => Instance::page_of_fleet(&mut conn, page).await?,
        false => Instance::page_of_account(&mut conn, actor.account.as_uuid(), page).await?,
    };
    views(app, &conn, actor, &rows).await
}

/// What is known of servers besides their rows, read at once for as many as there are.
#[derive(Default)]
pub(super) struct Around {
    pub glances: Vec<Glance>,
    pub probes: Vec<Probe>,
    /// Of the servers' accounts.
    pub domains: Vec<Domain>,
    /// Live ones.
    pub operations: Vec<WithSteps>,
    /// For operators.
    pub clusters: Vec<Cluster>,
    pub moves_out: Vec<MoveOut>,
}

impl Around {
    /// All of it is asked for at once, and answered in one turn.
    async fn read(conn: &Conn, actor: &Actor, rows: &[Instance]) -> Result<Self, Error> {
        let ids: Vec<Uuid> = rows.iter().map(|it| it.id).collect();
        let accounts: BTreeSet<Uuid> = rows.iter().filter(|it| !it.on_platform_domain).map(|it| it.account_id).collect();
        let accounts: Vec<Uuid> = accounts.into_iter().collect();
        let domains = async { if accounts.is_empty() { Ok(Vec::new()) } else { Domain::of_accounts(conn, &accounts).await } };
        let clusters = async { if actor.operates() { Cluster::all(conn).await } else { Ok(Vec::new()) } };
        let moving: Vec<Uuid> = rows.iter().filter(|it| handover::moves_out(it)).map(|it| it.id).collect();
        let moves_out = async { if moving.is_empty() { Ok(Vec::new()) } else { MoveOut::of_all(conn, &moving).await } };
        let (glances, probes, domains, operations, clusters, moves_out) = tokio::try_join!(
            Glance::of_all(conn, &ids),
            Probe::of_all(conn, &ids),
            domains,
            OperationRow::live_of(conn, &ids),
            clusters,
            moves_out
        )?;
        Ok(Self { glances, probes, domains, operations, clusters, moves_out })
    }
}

pub(super) async fn views(app: &App, conn: &Conn, actor: &Actor, rows: &[Instance]) -> Result<Vec<InstanceView>, Error> {
    let around = Around::read(conn, actor, rows).await?;
    rows.iter().map(|row| view(app, row, &around, actor)).collect()
}

pub(super) fn view(app: &App, row: &Instance, around: &Around, actor: &Actor) -> Result<InstanceView, Error> {
    let desired = row.desired()?;
    let address = address(app, row, around);
    let observation = around.glances.iter().find(|it| it.instance_id == row.id && it.present).map(translate::glance);
    let recorded = around.operations.iter().find(|(it, _)| it.instance_id == row.id);
    let operation = recorded.map(|(it, steps)| it.with_steps(steps)).transpose()?;
    let facts = PhaseFacts {
        desired,
        is_tombstone: row.tombstoned_at.is_some(),
        was_launched: row.launched_at.is_some(),
        operation: operation.as_ref(),
        observation: observation.as_ref(),
        address: AddressFacts { is_own: address.is_own, is_proven: address.is_proven, leads_here: address.leads_here.unwrap_or_default() },
    };
    Ok(InstanceView {
        id: InstanceId::from_uuid(row.id),
        account: AccountId::from_uuid(row.account_id),
        slug: row.slug.clone(),
        domain: row.domain.clone(),
        web_domain: row.web_domain.clone(),
        plan: row.plan.clone(),
        phase: phase(&facts),
        desired,
        standing: row.standing()?,
        version: row.version.clone(),
        running_version: observation.as_ref().and_then(|it| it.version).map(|it| it.to_string()),
        address,
        usage: observation.as_ref().and_then(|it| it.usage),
        cluster: around.clusters.iter().find(|it| it.id == row.cluster_id).map(|it| it.name.clone()),
        operation: recorded.map(|(it, steps)| operations::view(it, steps, actor.operates())).transpose()?,
        leaving: match desired {
            Desired::Deleted { deletion, after } => {
                let can_be_undone = row.begun().is_none() && row.tombstoned_at.is_none();
                let final_bundle = deletion != Deletion::Remove && exports::keeps_final(app, row);
                let move_out = around.moves_out.iter().find(|it| it.instance_id == row.id && deletion == Deletion::MoveOut);
                Some(LeavingView {
                    deletion,
                    after,
                    can_be_undone,
                    final_bundle,
                    kept_until: handover::kept_until(app, row),
                    moved_out_until: move_out.and_then(|it| it.moved_out_until),
                    media_redirect: move_out.and_then(|it| it.media_redirect.clone()),
                })
            }
            Desired::Running | Desired::ReadOnly { .. } | Desired::Suspended { .. } => None,
        },
        revision: row.revision,
        created_at: row.created_at,
    })
}

impl InstanceView {
    /// Whether closing it tells other servers: one that never answered is known to none.
    #[must_use]
    pub fn says_farewell(&self) -> bool {
        self.address.first_answered_at.is_some() && self.leaving.as_ref().is_none_or(|it| it.deletion == Deletion::Close)
    }
}

fn address(app: &App, row: &Instance, around: &Around) -> AddressView {
    let proofs: Vec<ProofView> = proofs(row, &around.domains).into_iter().cloned().map(proof).collect();
    let probe = around.probes.iter().find(|it| it.instance_id == row.id);
    AddressView {
        web: format!("https://{}", row.web_domain),
        media: format!("https://{}", row.media_domain),
        is_own: !row.on_platform_domain,
        is_proven: proofs.iter().all(|it| it.proven_at.is_some()),
        records: if row.on_platform_domain { Vec::new() } else { records(app, row) },
        proofs,
        leads_here: probe.map(|it| it.leads_here),
        reason: probe.map(|it| it.reason.clone()),
        probed_at: probe.map(|it| it.probed_at),
        first_answered_at: row.first_answered_at,
    }
}

/// The proofs that a server needs, of its account's; none on a platform address.
pub(crate) fn proofs<'a>(row: &Instance, domains: &'a [Domain]) -> Vec<&'a Domain> {
    let names = domains_to_prove(row);
    domains.iter().filter(|it| it.account_id == row.account_id && names.contains(&it.name)).collect()
}

fn proof(domain: Domain) -> ProofView {
    ProofView {
        name: format!("_howdah.{}", domain.name),
        domain: domain.name,
        value: domain.proof_token,
        proven_at: domain.proven_at,
        checked_at: domain.checked_at,
    }
}

/// The same as at the launch: what the domain type says of a recorded address.
pub(crate) fn domains_to_prove(row: &Instance) -> Vec<String> {
    if row.on_platform_domain {
        return Vec::new();
    }
    let mut names = vec![row.domain.clone()];
    let is_below = row.web_domain == row.domain || row.web_domain.ends_with(&format!(".{}", row.domain));
    if !is_below {
        names.push(row.web_domain.clone());
    }
    names
}

fn records(app: &App, row: &Instance) -> Vec<RecordView> {
    let hosts = [&row.web_domain, &row.media_domain];
    let record = |name: &str, kind, value: String| RecordView { name: name.to_owned(), kind, value };
    if let Some(target) = &app.config.ingress_name {
        // A name that is a zone of its own can't be a CNAME: its provider's ALIAS does the same.
        return hosts.iter().map(|it| record(it, "CNAME", target.clone())).collect();
    }
    let of_host = |host: &&String| {
        let host = (*host).clone();
        app.config.ingress_addresses.iter().map(move |it| record(&host, if it.is_ipv4() { "A" } else { "AAAA" }, it.to_string()))
    };
    hosts.iter().flat_map(of_host).collect()
}
