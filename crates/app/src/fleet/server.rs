//! One server with all that is known of it.

use chrono::{DateTime, Utc};
use howdah_db::models::account::Membership;
use howdah_db::models::audit::About;
use howdah_db::models::instance::Page;
use howdah_db::models::observation::Observation;
use howdah_db::models::place::{DatabaseServer, ObjectStore};
use howdah_db::models::sync::InstanceSync;
use howdah_domain::lifecycle::Condition;
use howdah_domain::{AccountId, InstanceId};

use super::diverged::{self, DivergenceView};
use crate::activity::{ActivityView, entries};
use crate::instances::{AddressPage, Overview, Which, known};
use crate::observer::translate;
use crate::operations::{self, OperationView};
use crate::{Actor, App, Error, Role};

/// Operations and entries that are shown; older ones have pages of their own.
const SHOWN: i64 = 20;

#[derive(Debug, Clone)]
pub struct OperatorServer {
    pub overview: Overview,
    pub address: AddressPage,
    pub account: AccountId,
    pub account_name: String,
    pub people: Vec<PersonView>,
    /// Of its namespace, custom resource, database, role, bucket and S3 user.
    pub namespace: String,
    pub cluster: String,
    pub database_server: String,
    pub object_store: String,
    pub image: String,
    pub conditions: Vec<Condition>,
    pub observed_at: Option<DateTime<Utc>>,
    pub observed_revision: Option<i64>,
    pub sync: Option<SyncView>,
    /// The cluster's state is ahead of the record's.
    pub divergence: Option<DivergenceView>,
    pub operations: Vec<OperationView>,
    pub activity: Vec<ActivityView>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonView {
    pub name: String,
    pub email: String,
    pub role: Role,
}

/// What the last sync came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncView {
    pub revision: i64,
    /// Why it was not taken.
    pub reason: Option<String>,
    pub detail: Option<String>,
    pub tried_at: DateTime<Utc>,
}

/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::NotFound`].
pub async fn server(app: &App, actor: &Actor, which: Which<'_>) -> Result<OperatorServer, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    let known = known(&mut conn, actor, which).await?;
    let row = &known.row.instance;
    let id = InstanceId::from_uuid(row.id);
    let people = Membership::of_account(&mut conn, row.account_id).await?;
    let database_server = DatabaseServer::by_id(&mut conn, row.database_server_id).await?;
    let object_store = ObjectStore::by_id(&mut conn, row.object_store_id).await?;
    let sync = InstanceSync::of(&mut conn, row.id).await?;
    let observed = Observation::of(&mut conn, row.id).await?;
    let activity = entries(&mut conn, actor, row.account_id, About::Subject(row.id), None, SHOWN).await?;
    drop(conn);
    let observation = observed.as_ref().and_then(translate::stored);
    Ok(OperatorServer {
        overview: known.overview(app, actor)?,
        address: known.address(app, actor)?,
        account: AccountId::from_uuid(row.account_id),
        account_name: known.row.account.name.clone(),
        people: people
            .into_iter()
            .filter_map(|(membership, person)| {
                Some(PersonView { role: Role::parse(&membership.role)?, name: person.name, email: person.email })
            })
            .collect(),
        namespace: id.resource_name(),
        cluster: known.row.cluster.name.clone(),
        database_server: database_server.map(|it| it.name).unwrap_or_default(),
        object_store: object_store.map(|it| it.name).unwrap_or_default(),
        image: row.image_mastodon.clone(),
        conditions: observation.map(|it| it.conditions).unwrap_or_default(),
        observed_at: observed.as_ref().map(|it| it.observed_at),
        observed_revision: observed.and_then(|it| it.observed_revision),
        divergence: diverged::view(app, sync.as_ref(), row),
        sync: sync.map(|it| SyncView { revision: it.revision, reason: it.reason, detail: it.detail, tried_at: it.tried_at }),
        operations: operations::list(app, actor, id, Page { before: None, limit: SHOWN }).await?,
        activity,
    })
}
