//! Rows that a test needs and is not about.

use chrono::{DateTime, TimeZone, Utc};
use howdah_db::Conn;
use howdah_db::models::account::{Account, Membership, NewAccount};
use howdah_db::models::instance::{DesiredColumns, Instance, NewInstance, StandingColumns};
use howdah_db::models::person::{NewPerson, Person};
use howdah_db::models::place::{Cluster, DatabaseServer, ObjectStore};
use uuid::Uuid;

/// The tests' time, unless they move it.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).single().expect("a time that exists once")
}

/// A new id.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "any id will do for a row that a test is not about")]
pub fn id() -> Uuid {
    Uuid::now_v7()
}

/// Clusters `real` (the default) and `fake`, a database server `main` and an object store `main`.
pub struct Places {
    pub real: Cluster,
    pub fake: Cluster,
    pub database_server: DatabaseServer,
    pub object_store: ObjectStore,
}

impl Places {
    /// # Panics
    /// Where they are there already.
    pub async fn insert(conn: &mut Conn) -> Self {
        let cluster = |name: &str, is_default| Cluster {
            id: id(),
            name: name.to_owned(),
            placement: name.to_owned(),
            capacity: 1000,
            is_default,
            seen_at: None,
            unreachable_since: None,
            created_at: now(),
            retired_at: None,
        };
        let name = "main".to_owned();
        let places = Self {
            real: cluster("real", true),
            fake: cluster("fake", false),
            database_server: DatabaseServer {
                id: id(),
                name: name.clone(),
                capacity: 1000,
                is_default: true,
                created_at: now(),
                retired_at: None,
            },
            object_store: ObjectStore { id: id(), name, capacity: 1000, is_default: true, created_at: now(), retired_at: None },
        };
        places.real.insert(conn).await.expect("a new cluster");
        places.fake.insert(conn).await.expect("a new cluster");
        places.database_server.insert(conn).await.expect("a new database server");
        places.object_store.insert(conn).await.expect("a new object store");
        places
    }
}

/// A person with this address.
///
/// # Panics
/// Where somebody has the address.
pub async fn person(conn: &mut Conn, email: &str) -> Person {
    NewPerson { id: id(), email, name: "Ada", is_operator: false, password_hash: None, created_at: now() }
        .insert(conn)
        .await
        .expect("a new person")
}

/// An account with this person as its owner.
///
/// # Panics
/// Where the person does not exist.
pub async fn account(conn: &mut Conn, owner: &Person) -> Account {
    let account = NewAccount { id: id(), kind: "person", name: &owner.name, servers_allowed: None, created_at: now() }
        .insert(conn)
        .await
        .expect("a new account");
    Membership { account_id: account.id, person_id: owner.id, role: "owner".to_owned(), created_at: now() }
        .insert(conn)
        .await
        .expect("a new membership");
    account
}

/// A server of the account's that is wanted running, on the default places, at `domain`.
///
/// # Panics
/// Where a live server has that slug.
pub async fn instance(conn: &mut Conn, account: &Account, places: &Places, domain: &str) -> Instance {
    let media_domain = format!("media.{domain}");
    let slug = domain.replace('.', "-");
    NewInstance {
        id: id(),
        account_id: account.id,
        slug: &slug,
        domain,
        web_domain: domain,
        media_domain: &media_domain,
        on_platform_domain: false,
        plan: "small",
        version: "4.5.11",
        image_mastodon: "mastodon:4.5.11",
        image_streaming: "mastodon-streaming:4.5.11",
        desired: DesiredColumns { desired_kind: "running".to_owned(), desired_hold: None, desired_deletion: None, desired_after: None },
        standing: StandingColumns {
            standing_kind: "granted".to_owned(),
            standing_until: None,
            standing_since: None,
            standing_by: Some("test".to_owned()),
        },
        revision: 1,
        cluster_id: places.real.id,
        database_server_id: places.database_server.id,
        object_store_id: places.object_store.id,
        created_at: now(),
        updated_at: now(),
    }
    .insert(conn)
    .await
    .expect("a new server")
}
