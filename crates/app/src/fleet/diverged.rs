//! A server of which the cluster has a newer revision than the record, which was restored from an older backup: an operator has
//! the record adopt what the cluster has, or overwrite it.
//!
//! Either way the record's revision rises above the cluster's, and the next sync writes the whole spec from the row. *Adopt* first
//! takes over what the row itself holds ([`super::adoption`]): version and images, the plan whose numbers these are, and what became of the
//! server. A difference that no row can hold is named, and nothing is adopted. *Overwrite* takes over nothing.

use std::collections::BTreeMap;

use howdah_crd::{MastodonInstanceSpec, PowerState};
use howdah_db::Conn;
use howdah_db::models::instance::Instance;
use howdah_db::models::sync::InstanceSync;
use howdah_domain::{InstanceId, MastodonVersion, Plans};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::adoption::Adoption;
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::instances::{audit, audit_actor, locked_by};
use crate::jobs::SyncInstance;
use crate::{Actor, App, Error};

/// The reason of a sync that stopped for it.
pub(crate) const DIVERGED: &str = "Diverged";

/// As the last sync found it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Divergence {
    /// The newest that the cluster has.
    pub revision: i64,
    /// What the record would write.
    pub record: MastodonInstanceSpec,
    pub cluster: MastodonInstanceSpec,
}

/// One value that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `resources.web.replicas`.
    pub field: String,
    /// Empty where there is none.
    pub record: String,
    pub cluster: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergenceView {
    pub record_revision: i64,
    pub cluster_revision: i64,
    pub differences: Vec<Difference>,
    /// Why the record can't adopt what the cluster has.
    pub not_adoptable: Option<String>,
    /// Why the record can't overwrite it.
    pub not_overwritable: Option<String>,
    /// What to think of before it does.
    pub warning: Option<String>,
}

/// Written anew by every sync, from what is known then.
const DERIVED: [&str; 3] = ["revision", "farewellAllowedUntil", "ownerLink"];
impl Divergence {
    pub(super) fn differences(&self) -> Vec<Difference> {
        let (record, cluster) = (leaves(&self.record), leaves(&self.cluster));
        let fields: std::collections::BTreeSet<&String> = record.keys().chain(cluster.keys()).collect();
        let value = |of: &BTreeMap<String, String>, field: &String| of.get(field).cloned().unwrap_or_default();
        fields
            .into_iter()
            .filter(|it| record.get(*it) != cluster.get(*it) && !DERIVED.contains(&root(it)))
            .map(|it| Difference { field: it.clone(), record: value(&record, it), cluster: value(&cluster, it) })
            .collect()
    }

    /// Other servers have begun to delete its accounts, and the record doesn't know.
    fn has_farewell(&self) -> bool {
        self.cluster.power_state == PowerState::SelfDestruct && self.record.power_state != PowerState::SelfDestruct
    }

    fn not_overwritable(&self) -> Option<String> {
        let sentence = "A farewell has begun: other servers delete this server's accounts, and that can't be taken back. Adopt it.";
        if self.has_farewell() {
            return Some(sentence.to_owned());
        }
        let has_moved_out = self.cluster.power_state == PowerState::MovedOut && self.record.power_state != PowerState::MovedOut;
        has_moved_out
            .then(|| "It has moved to another host: its data here is destroyed, and that can't be taken back. Adopt it.".to_owned())
    }

    fn warning(&self) -> Option<String> {
        let [record, cluster] = [&self.record.version, &self.cluster.version].map(|it| it.parse::<MastodonVersion>().ok());
        let is_older = matches!((record, cluster), (Some(record), Some(cluster)) if record < cluster);
        let of_version = is_older.then(|| {
            let (record, cluster) = (&self.record.version, &self.cluster.version);
            format!("Overwriting it runs Mastodon {record} on a database that {cluster} may have migrated: it may not start.")
        });
        let is_started = self.cluster.power_state == PowerState::Suspended && self.record.power_state != PowerState::Suspended;
        let of_start = is_started.then(|| "Overwriting it starts it again: make sure that no other host serves it already.".to_owned());
        let all: Vec<String> = of_version.into_iter().chain(of_start).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn view(&self, plans: &Plans, row: &Instance) -> DivergenceView {
        DivergenceView {
            record_revision: row.revision,
            cluster_revision: self.revision,
            differences: self.differences(),
            not_adoptable: Adoption::of(self, plans, row).err(),
            not_overwritable: self.not_overwritable(),
            warning: self.warning(),
        }
    }
}

pub(super) fn root(field: &str) -> &str {
    field.split('.').next().unwrap_or(field)
}

/// Every value by its path.
fn leaves(spec: &MastodonInstanceSpec) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    walk(&if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, inner, into);
                }
            }
            Value::Null => {}
            Value::String(text) => drop(into.insert(path.to_owned(), text.clone())),
            other => drop(into.insert(path.to_owned(), other.to_string())),
        }
    }
    let mut all = BTreeMap::new();
    walk("", &serde_json::to_value(spec).unwrap_or_default(), &mut all);
    all
}

/// `None` where no sync was stopped by one, or it has been decided on since.
fn found(sync: Option<&InstanceSync>) -> Option<Divergence> {
    serde_json::from_value(sync?.divergence.clone()?).ok()
}

pub(super) fn view(app: &App, sync: Option<&InstanceSync>, row: &Instance) -> Option<DivergenceView> {
    found(sync).map(|it| it.view(&app.plans, row))
}

/// The row takes over what the cluster has.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::NotFound`]; [`Error::Conflict`] where they don't differ, or where the
/// cluster has what no row can hold: then nothing is taken over.
pub async fn adopt(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    if_match: Option<i64>,
    idempotent: Option<Idempotent<'_, ()>>,
) -> Result<Once<()>, Error> {
    decide(app, actor, id, if_match, idempotent, true).await
}

/// The row is written over what the cluster has.
///
/// # Errors
/// As [`adopt`]; [`Error::Conflict`] where a farewell has begun.
pub async fn overwrite(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    if_match: Option<i64>,
    idempotent: Option<Idempotent<'_, ()>>,
) -> Result<Once<()>, Error> {
    decide(app, actor, id, if_match, idempotent, false).await
}

async fn decide(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    if_match: Option<i64>,
    idempotent: Option<Idempotent<'_, ()>>,
    adopts: bool,
) -> Result<Once<()>, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = locked_by(conn, actor, id, if_match).await?;
        write(app, conn, actor, &row, adopts).await?;
        keep(conn, idempotent, ()).await
    })
    .await
}

async fn write(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance, adopts: bool) -> Result<(), Error> {
    let sync = InstanceSync::of(conn, row.id).await?;
    let conflict = |reason, sentence| Error::Conflict { reason, sentence };
    let divergence = found(sync.as_ref())
        .ok_or_else(|| conflict("not_diverged", "The cluster's state of this server is not ahead of the record's.".to_owned()))?;
    let adoption = match (adopts, divergence.not_overwritable()) {
        (true, _) => Some(Adoption::of(&divergence, &app.plans, row).map_err(|it| conflict("not_adoptable", it))?),
        (false, Some(sentence)) => return Err(conflict("not_overwritable", sentence)),
        (false, None) => None,
    };
    let above_both = divergence.revision.max(row.revision) + 1;
    let raised = Instance::raise(conn, row.id, row.revision, above_both, app.now()).await?;
    let mut raised = raised.ok_or(Error::PreconditionFailed)?;
    if let Some(adoption) = &adoption {
        raised = adoption.take_over(app, conn, raised).await?;
    }
    InstanceSync::decided(conn, row.id).await?;
    SyncInstance::of(row.id).enqueue(conn).await?;
    let fields: Vec<String> = divergence.differences().into_iter().map(|it| it.field).collect();
    let details = json!({"record": row.revision, "cluster": divergence.revision, "fields": fields});
    let action = if adopts { "instance.adopt" } else { "instance.overwrite" };
    audit(app, conn, audit_actor(actor), action, &raised, details).await
}
