//! The audit's chain: whatever is deleted or changed behind its back is found, and a person can still be erased.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use howdah_db::models::audit::{Actor, Broken, Entry, Fault, Record, erase_person, verify};
use howdah_db::{Conn, QueryError, transaction};
use howdah_testkit::TestDatabase;
use howdah_testkit::rows::{id, now};
use serde_json::json;
use uuid::Uuid;

async fn record(conn: &mut Conn, chain_id: Uuid, subject_id: Uuid) {
    let actor = Actor::Person(subject_id);
    Record {
        chain_id,
        at: now(),
        actor,
        action: "instance.create",
        subject_kind: "instance",
        subject_id: Some(subject_id),
        details: json!({ "owner": "ada@birds.example" }),
    }
    .insert(conn)
    .await
    .unwrap();
}

async fn chain_of_five(conn: &mut Conn) -> Uuid {
    let chain = id();
    for _ in 0..5 {
        record(conn, chain, id()).await;
    }
    assert_eq!(verify(conn, chain).await.unwrap(), Ok(5));
    chain
}

#[tokio::test]
async fn entries_can_be_neither_changed_nor_deleted() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    chain_of_five(conn).await;
    for sql in [
        "UPDATE audit_entries SET action = 'x'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries CASCADE",
        "UPDATE audit_details SET details = '{}'",
        "DELETE FROM audit_heads",
    ] {
        let refused = diesel::sql_query(sql).execute(conn).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn whoever_gets_round_the_trigger_is_found_out() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let cases = [
        ("DELETE FROM audit_entries WHERE seq = 3", 3, Fault::Missing),
        ("DELETE FROM audit_entries WHERE seq = 5", 5, Fault::Missing),
        ("DELETE FROM audit_entries", 1, Fault::Missing),
        ("UPDATE audit_entries SET action = 'instance.close' WHERE seq = 2", 2, Fault::Changed),
        ("UPDATE audit_entries SET at = at + interval '1 microsecond' WHERE seq = 4", 4, Fault::Changed),
        ("UPDATE audit_details SET details = '{\"owner\":\"eve\"}' WHERE seq = 2", 2, Fault::DetailsChanged),
        ("UPDATE audit_heads SET hash = decode(repeat('00', 32), 'hex')", 5, Fault::Head),
        ("UPDATE audit_heads SET seq = 4", 5, Fault::Head),
    ];
    for (sql, seq, fault) in cases {
        let chain_id = chain_of_five(conn).await;
        let behind_its_back = format!(
            "SET session_replication_role = replica; {} {} chain_id = '{chain_id}'; SET session_replication_role = DEFAULT",
            sql,
            if sql.contains("WHERE") { "AND" } else { "WHERE" }
        );
        conn.batch_execute(&behind_its_back).await.unwrap();
        assert_eq!(verify(conn, chain_id).await.unwrap(), Err(Broken { chain_id, seq, fault }), "{sql}");
    }
}

#[tokio::test]
async fn erasing_a_person_leaves_the_chain_whole() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let (chain, person) = (id(), id());
    record(conn, chain, person).await;
    record(conn, chain, id()).await;
    // Where _ stands for itself.
    assert_eq!(erase_person(conn, person, "a_a@birds.example").await.unwrap(), 1);
    assert_eq!(verify(conn, chain).await.unwrap(), Ok(2));
    let about = Entry::about(conn, person, 10).await.unwrap();
    assert_eq!(about.len(), 1);
    assert_eq!(about[0].1, None);
    assert_eq!(erase_person(conn, id(), "ada@birds.example").await.unwrap(), 1, "the other entry names it");
    assert_eq!(verify(conn, chain).await.unwrap(), Ok(2));
}

#[tokio::test]
async fn an_entry_is_written_with_what_it_describes_or_not_at_all() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let chain = id();
    record(conn, chain, id()).await;
    let undone: Result<(), QueryError> = transaction(conn, async |conn| {
        record(conn, chain, id()).await;
        Err(QueryError::RollbackTransaction)
    })
    .await;
    assert!(undone.is_err());
    assert_eq!(verify(conn, chain).await.unwrap(), Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_make_one_chain() {
    let database = TestDatabase::new().await;
    let chain = id();
    let writers = (0..30).map(|_| {
        let database = database.database().clone();
        tokio::spawn(async move {
            let mut conn = database.conn().await.unwrap();
            let done: Result<(), QueryError> = transaction(&mut conn, async |conn| {
                record(conn, chain, id()).await;
                Ok(())
            })
            .await;
            done.unwrap();
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let conn = &mut database.conn().await;
    assert_eq!(verify(conn, chain).await.unwrap(), Ok(30));
}
