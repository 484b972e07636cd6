//! With 10,000 servers the lists and the overview read what they show, and not the whole table.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use howdah_db::Conn;
use howdah_db::models::listing::{Search, ServerList};
use howdah_db::models::observation::{Glance, Observation};
use howdah_db::models::overview::Overview;
use howdah_db::models::owner_bootstrap::OwnerBootstrap;
use howdah_domain::listing::{ServerFilter, ServerSort};
use howdah_testkit::{TestDatabase, rows};
use serde_json::json;
use uuid::Uuid;

const SERVERS: i64 = 10_000;

#[derive(QueryableByName)]
struct Read {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Rows of a table that were read one after the other so far.
async fn scanned_of(conn: &mut Conn, table: &str) -> i64 {
    conn.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let query = diesel::sql_query("SELECT seq_tup_read AS rows FROM pg_stat_user_tables WHERE relname = $1");
    query.bind::<Text, _>(table).get_result::<Read>(conn).await.unwrap().rows
}

async fn scanned(conn: &mut Conn) -> i64 {
    scanned_of(conn, "instances").await
}

/// As many copies of one server, each with an address of its own.
async fn fill(conn: &mut Conn, servers: i64) -> Uuid {
    let places = rows::Places::insert(conn).await;
    let person = rows::person(conn, "ada@example.org").await;
    let account = rows::account(conn, &person).await;
    let other = rows::person(conn, "bob@example.org").await;
    let other = rows::account(conn, &other).await;
    rows::instance(conn, &account, &places, "s0.example.org").await;
    conn.batch_execute(&format!(
        "CREATE TEMP TABLE copy AS SELECT * FROM instances;
         INSERT INTO instances SELECT (jsonb_populate_record(copy, jsonb_build_object(
             'id', gen_random_uuid(), 'slug', 's' || i, 'domain', 's' || i || '.example.org', 'web_domain', 's' || i || '.example.org',
             'account_id', '{}'))).* FROM copy, generate_series(1, {servers}) AS i;
         ANALYZE",
        other.id
    ))
    .await
    .unwrap();
    account.id
}

const fn everything() -> ServerList<'static> {
    ServerList {
        account_id: None,
        search: Search::Everything,
        filter: None,
        plan: None,
        version: None,
        cluster: None,
        sort: ServerSort::Newest,
        after: None,
        limit: 26,
    }
}

#[tokio::test]
async fn a_page_reads_what_it_shows() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let account_id = fill(conn, SERVERS).await;
    let all = everything();
    let sorted = |sort| ServerList { sort, after: Some(("s5000.example.org", Uuid::from_u128(u128::MAX / 2))), ..all.clone() };
    let lists = [
        all.clone(),
        ServerList { account_id: Some(account_id), ..all.clone() },
        ServerList { filter: Some(ServerFilter::Launching), ..all.clone() },
        ServerList { search: Search::Mail("ada@example"), ..all.clone() },
        ServerList { search: Search::Domain("s7777."), ..all.clone() },
        sorted(ServerSort::Newest),
        sorted(ServerSort::Oldest),
        sorted(ServerSort::Domain),
        sorted(ServerSort::DomainDown),
    ];
    for list in lists {
        let before = scanned(conn).await;
        assert!(!list.page(conn).await.unwrap().is_empty(), "{list:?}");
        assert!(scanned(conn).await - before < SERVERS, "the whole table was read for {list:?}");
    }
    let before = scanned(conn).await;
    assert!(Overview::by_slug(conn, "s7777").await.unwrap().is_some());
    assert_eq!(scanned(conn).await, before);
    let search = ServerList { search: Search::Domain("s7777."), ..all };
    assert_eq!(search.page(conn).await.unwrap().len(), 1);
}

/// In all states, some of them on another cluster and another plan.
const STATES: &str = "
    UPDATE instances SET launched_at = created_at, on_platform_domain = length(slug) = 2 WHERE slug ~ '[1-6]$';
    UPDATE instances SET desired_kind = 'suspended', desired_hold = 'approval' WHERE slug ~ '[12]$';
    UPDATE instances SET desired_kind = 'deleted', desired_deletion = 'close', desired_after = created_at WHERE slug ~ '3$';
    UPDATE instances SET tombstoned_at = created_at WHERE slug ~ '13$';
    UPDATE instances SET plan = 'large', cluster_id = (SELECT id FROM clusters WHERE name = 'fake') WHERE slug ~ '^s[12]';
    INSERT INTO probes (instance_id, leads_here, reason, probed_at)
        SELECT id, slug !~ '6$', 'test', created_at FROM instances WHERE slug ~ '[456]$' AND slug <> 's14';
    INSERT INTO operations (id, instance_id, kind, lane, state, revision, created_at)
        SELECT gen_random_uuid(), id, 'create', 'exclusive', 'running', 1, created_at FROM instances WHERE slug ~ '[789]$';
    INSERT INTO operation_steps (operation_id, position, name, state)
        SELECT operations.id, position, CASE position WHEN 0 THEN 'schema' ELSE 'owner' END, CASE WHEN slug ~ '8$' THEN 'failed' ELSE 'running' END
        FROM operations JOIN instances ON instances.id = instance_id, generate_series(0, 1) AS position";

#[tokio::test]
async fn as_many_are_counted_as_the_list_of_a_state_has() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    fill(conn, 24).await;
    conn.batch_execute(STATES).await.unwrap();
    let lists = [
        everything(),
        ServerList { plan: Some("large"), ..everything() },
        ServerList { cluster: Some("fake"), version: Some("4.5.11"), ..everything() },
        ServerList { cluster: Some("elsewhere"), ..everything() },
        ServerList { search: Search::Domain("s1"), ..everything() },
        ServerList { search: Search::Mail("bob@example"), ..everything() },
    ];
    for list in lists {
        let counts = list.counts(conn).await.unwrap();
        let mut states = Vec::new();
        for state in ServerFilter::ALL {
            let found = ServerList { filter: Some(*state), ..list.clone() }.page(conn).await.unwrap().len();
            states.push((*state, i64::try_from(found).unwrap()));
        }
        assert_eq!(counts.by_state, states, "{list:?}");
        let there = i64::try_from(list.page(conn).await.unwrap().len()).unwrap();
        assert_eq!(counts.all, there + counts.in_state(ServerFilter::Gone), "{list:?}");
    }
    let all = everything().counts(conn).await.unwrap();
    assert_eq!(all.all, 25);
    assert!(all.by_state.iter().all(|(_, count)| *count > 0), "{all:?}");
}

/// Every server's owner has had their first link; of some, another is on its way.
async fn fill_owners(conn: &mut Conn) {
    fill(conn, SERVERS).await;
    conn.batch_execute(
        "INSERT INTO owner_bootstrap (instance_id, username, email, version, sealed_token, issued_at, applied_at)
         SELECT id, 'ada', 'ada@example.org', 1, decode(repeat('00', 64), 'hex'), created_at, created_at FROM instances;
         UPDATE owner_bootstrap SET version = 2, applied_at = NULL
         WHERE instance_id IN (SELECT id FROM instances ORDER BY id LIMIT 3);
         ANALYZE owner_bootstrap",
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn links_on_their_way_are_found_without_reading_those_that_came() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    fill_owners(conn).await;
    let before = scanned_of(conn, "owner_bootstrap").await;
    // More often than a statement is planned for its values.
    for _ in 0..10 {
        assert_eq!(OwnerBootstrap::on_their_way(conn, 2000).await.unwrap().len(), 3);
    }
    assert_eq!(scanned_of(conn, "owner_bootstrap").await, before);
}

#[tokio::test]
async fn what_lists_show_of_a_status_is_derived_from_it() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let places = rows::Places::insert(conn).await;
    let person = rows::person(conn, "ada@example.org").await;
    let account = rows::account(conn, &person).await;
    let server = rows::instance(conn, &account, &places, "birds.example.org").await;
    let condition = |name: &str, status: &str| json!({"type": name, "status": status});
    let (usage, long) = (json!({"users": 3}), "1".repeat(50));
    let full = json!({
        "version": "4.5.11",
        "usage": usage.clone(),
        "conditions": [condition("Accepted", "True"), condition("RouteReady", "False"), condition("Ready", "True")],
    });
    let table = [
        (full, Some("4.5.11"), Some(usage), json!(["Accepted", "Ready"])),
        (json!({"version": &long}), Some(&long[..32]), None, json!([])),
        (json!({}), None, None, json!([])),
        (json!(null), None, None, json!([])),
    ];
    for (status, version, usage, met) in table {
        let (instance_id, observed_at) = (server.id, rows::now());
        let seen = Observation { instance_id, present: true, observed_revision: None, resource_version: None, status, observed_at };
        seen.put(conn).await.unwrap();
        let glance = Glance::of_all(conn, &[server.id]).await.unwrap().pop().unwrap();
        assert_eq!((glance.version.as_deref(), glance.usage, glance.met), (version, usage, met), "{}", seen.status);
    }
}
