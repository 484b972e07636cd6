//! The audit's anchors: a chain that was written anew from its first entry to its head is found by what was told elsewhere.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use chrono::TimeDelta;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use howdah_db::models::audit::{self, Actor, Record};
use howdah_db::models::audit_anchor::{self, Anchor, Torn, TornFault};
use howdah_db::{Conn, transaction};
use howdah_testkit::TestDatabase;
use howdah_testkit::rows::{id, now};
use serde_json::json;
use uuid::Uuid;

async fn record(conn: &mut Conn, chain_id: Uuid, action: &str) {
    let (actor, subject_kind) = (Actor::Platform, "instance");
    Record { chain_id, at: now(), actor, action, subject_kind, subject_id: None, details: json!({}) }.insert(conn).await.unwrap();
}

async fn anchor(conn: &mut Conn) -> (Anchor, usize) {
    transaction(conn, async |conn| audit_anchor::anchor(conn, now()).await).await.unwrap()
}

/// As the database's owner can.
async fn behind_its_back(conn: &mut Conn, sql: &str) {
    let sql = format!("SET session_replication_role = replica; {sql}; SET session_replication_role = DEFAULT");
    conn.batch_execute(&sql).await.unwrap();
}

async fn torn(conn: &mut Conn, kept: &[Anchor]) -> Vec<(i64, TornFault)> {
    let (_, torn) = audit_anchor::verify(conn, kept).await.unwrap();
    torn.into_iter().map(|Torn { number, fault }| (number, fault)).collect()
}

/// Two chains; the first moves between the anchors, the second does not.
async fn three_anchors(conn: &mut Conn) -> (Uuid, Vec<Anchor>) {
    let (busy, quiet) = (id(), id());
    record(conn, busy, "instance.create").await;
    record(conn, quiet, "instance.create").await;
    let first = anchor(conn).await;
    record(conn, busy, "instance.close").await;
    record(conn, busy, "instance.undo").await;
    let second = anchor(conn).await;
    let third = anchor(conn).await;
    assert_eq!([first.1, second.1, third.1], [2, 1, 0], "what has moved since the last one");
    let all = vec![first.0, second.0, third.0];
    assert_eq!(all.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(all[0].root != all[1].root && all[1].root != all[2].root);
    (busy, all)
}

#[tokio::test]
async fn anchors_hold_while_nobody_touches_the_chains() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    assert_eq!(audit_anchor::verify(conn, &[]).await.unwrap(), (0, Vec::new()));
    assert_eq!(audit_anchor::last_at(conn).await.unwrap(), None);
    let (busy, kept) = three_anchors(conn).await;
    record(conn, busy, "instance.close").await;
    assert_eq!(audit_anchor::verify(conn, &kept).await.unwrap(), (3, Vec::new()));
    assert_eq!(audit_anchor::last_at(conn).await.unwrap(), Some(now()));
}

/// A whole chain is forged, with hashes and head that fit, in place of the true one.
async fn forge(conn: &mut Conn, chain: Uuid) {
    let empty = format!(
        "DELETE FROM audit_details WHERE chain_id = '{chain}'; DELETE FROM audit_entries WHERE chain_id = '{chain}';
         DELETE FROM audit_heads WHERE chain_id = '{chain}'"
    );
    behind_its_back(conn, &empty).await;
    for action in ["instance.create", "instance.close", "instance.nothing"] {
        record(conn, chain, action).await;
    }
    assert_eq!(audit::verify(conn, chain).await.unwrap(), Ok(3), "the chain itself shows nothing");
}

#[tokio::test]
async fn a_chain_that_was_forged_whole_is_found() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let (busy, kept) = three_anchors(conn).await;
    forge(conn, busy).await;
    let found = torn(conn, &kept).await;
    assert_eq!(found, [(1, TornFault::Changed), (2, TornFault::Changed)], "a detail's key is random: no entry is forged alike");

    // And its anchors with it, as somebody does who knows of them.
    behind_its_back(conn, "DELETE FROM audit_anchored_heads; DELETE FROM audit_anchors").await;
    for _ in 0..3 {
        anchor(conn).await;
    }
    assert_eq!(torn(conn, &[]).await, [], "the record alone shows nothing");
    assert_eq!(torn(conn, &kept[..1]).await, [(1, TornFault::Other)], "what was told elsewhere does");
}

#[tokio::test]
async fn whatever_is_done_to_entries_and_anchors_is_found() {
    let cases = [
        (
            "UPDATE audit_entries SET hash = decode(repeat('00', 32), 'hex') WHERE chain_id = 'BUSY' AND seq = 3",
            vec![(2, TornFault::Changed)],
        ),
        ("DELETE FROM audit_entries WHERE chain_id = 'BUSY' AND seq = 1", vec![(1, TornFault::Changed)]),
        ("DELETE FROM audit_anchored_heads WHERE number = 2", vec![(2, TornFault::Changed)]),
        ("UPDATE audit_anchors SET anchored_at = anchored_at + interval '1 microsecond' WHERE number = 3", vec![(3, TornFault::Changed)]),
        ("DELETE FROM audit_anchors WHERE number = 3", vec![(3, TornFault::Missing)]),
        (
            "UPDATE audit_anchors SET root = decode(repeat('00', 32), 'hex') WHERE number = 1",
            vec![(1, TornFault::Changed), (2, TornFault::Changed), (1, TornFault::Other)],
        ),
    ];
    for (sql, expected) in cases {
        let database = TestDatabase::new().await;
        let conn = &mut database.conn().await;
        let (busy, kept) = three_anchors(conn).await;
        behind_its_back(conn, &sql.replace("BUSY", &busy.to_string())).await;
        assert_eq!(torn(conn, &kept).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn anchors_can_be_neither_changed_nor_deleted() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    three_anchors(conn).await;
    for sql in [
        "UPDATE audit_anchors SET anchored_at = anchored_at",
        "DELETE FROM audit_anchored_heads",
        "TRUNCATE audit_anchors CASCADE",
        "TRUNCATE audit_anchored_heads",
    ] {
        let refused = diesel::sql_query(sql).execute(conn).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn an_anchor_does_not_depend_on_the_time_zone_or_below_microseconds() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    record(conn, id(), "instance.create").await;
    let odd = now() + TimeDelta::nanoseconds(1_234_567);
    transaction(conn, async |conn| audit_anchor::anchor(conn, odd).await).await.unwrap();
    conn.batch_execute("SET TIME ZONE 'Asia/Kathmandu'").await.unwrap();
    assert_eq!(torn(conn, &[]).await, []);
}
