//! The rules that the record itself keeps: names, lanes, revisions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use chrono::TimeDelta;
use howdah_db::models::account::Account;
use howdah_db::models::api_token::ApiToken;
use howdah_db::models::idempotency::{Claim, IdempotencyKey};
use howdah_db::models::instance::{DesiredColumns, Instance, Page, StandingColumns};
use howdah_db::models::move_out::MoveOut;
use howdah_db::models::name_claim::NameClaim;
use howdah_db::models::operation::{NewOperation, Operation, OperationStep};
use howdah_db::models::place::Cluster;
use howdah_db::{Conn, QueryError, QueryErrorExt, transaction};
use howdah_domain::lifecycle::{Cause, StepFact};
use howdah_domain::{Deletion, Desired, Hold, LaunchStep, OperationKind, OperationState, Standing, StepName};
use howdah_testkit::TestDatabase;
use howdah_testkit::rows::{self, Places, now};
use serde_json::json;
use uuid::Uuid;

struct Ground {
    database: TestDatabase,
    account: Account,
    places: Places,
    instance: Instance,
}

async fn ground() -> Ground {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let places = Places::insert(conn).await;
    let person = rows::person(conn, "ada@birds.example").await;
    let account = rows::account(conn, &person).await;
    let instance = rows::instance(conn, &account, &places, "birds.example").await;
    Ground { database, account, places, instance }
}

fn new_operation(instance_id: Uuid, kind: OperationKind) -> NewOperation {
    NewOperation { id: rows::id(), instance_id, kind, requested_by: None, created_at: now() }
}

#[tokio::test]
async fn one_operation_lives_in_a_lane() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let create = new_operation(ground.instance.id, OperationKind::Create);
    let row = create.insert(conn).await.unwrap();
    let second = new_operation(ground.instance.id, OperationKind::Close).insert(conn).await.unwrap_err();
    assert_eq!(second.unique_violation(), Some("operations_one_live_a_lane"));

    let cancelled = row.with_steps(&OperationStep::of(conn, row.id).await.unwrap()).unwrap().cancel(now()).unwrap();
    Operation::save(conn, row.id, row.revision, &cancelled).await.unwrap().unwrap();
    new_operation(ground.instance.id, OperationKind::Close).insert(conn).await.unwrap();
    let live = Operation::live(conn, ground.instance.id, "exclusive").await.unwrap().unwrap();
    assert_eq!(live.kind, "close");
}

/// Those that don't hold, however many they are, keep nobody else's from being looked into.
#[tokio::test]
async fn final_bundles_are_looked_into_in_turn() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let other = rows::instance(conn, &ground.account, &ground.places, "cats.example").await;
    for (server, at) in [(&ground.instance, 2), (&other, 1)] {
        MoveOut::hand_over(conn, server.id, now()).await.unwrap();
        let at = now() - TimeDelta::hours(at);
        ground.database.execute(&format!("UPDATE instances SET handed_over_at = '{at}' WHERE id = '{}'", server.id)).await;
    }
    for looked in 0..4 {
        let wanted = if looked % 2 == 0 { ground.instance.id } else { other.id };
        assert_eq!(MoveOut::to_verify(conn, now(), 1).await.unwrap(), [wanted], "after {looked}");
        MoveOut::looked(conn, wanted, now() + TimeDelta::minutes(looked)).await.unwrap();
    }
}

#[tokio::test]
async fn many_at_once_make_one_operation() {
    let ground = ground().await;
    let attempts = (0..8).map(|_| async {
        let conn = &mut ground.database.conn().await;
        new_operation(ground.instance.id, OperationKind::Create).insert(conn).await
    });
    let made = futures::future::join_all(attempts).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn an_operation_comes_back_as_it_was_saved() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let row = new_operation(ground.instance.id, OperationKind::Create).insert(conn).await.unwrap();
    let new = row.with_steps(&OperationStep::of(conn, row.id).await.unwrap()).unwrap();
    assert_eq!(new, howdah_domain::Operation::new(OperationKind::Create, now()));

    let facts = [
        (StepName::Launch(LaunchStep::Namespace), StepFact::Done),
        (StepName::Launch(LaunchStep::Schema), StepFact::Failing(Cause::new("JobFailed", Some("exit 1".to_owned())))),
    ];
    let later = now() + TimeDelta::seconds(5);
    let advanced = new.start(now()).unwrap().advance(&facts, later).unwrap();
    let saved = Operation::save(conn, row.id, row.revision, &advanced).await.unwrap().unwrap();
    assert_eq!(saved.with_steps(&OperationStep::of(conn, row.id).await.unwrap()).unwrap(), advanced);
    assert_eq!(Operation::save(conn, row.id, row.revision, &advanced).await.unwrap(), None, "the revision is stale");

    let failed = advanced.fail(StepName::Launch(LaunchStep::Schema), Cause::new("JobFailed", None), later).unwrap();
    let saved = Operation::save(conn, row.id, saved.revision, &failed).await.unwrap().unwrap();
    assert_eq!(saved.state, OperationState::Failed.as_str());
    assert_eq!(saved.with_steps(&OperationStep::of(conn, row.id).await.unwrap()).unwrap(), failed);
}

#[tokio::test]
async fn desired_and_standing_come_back_as_they_were_written() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let (id, mut revision) = (ground.instance.id, ground.instance.revision);
    let later = now() + TimeDelta::days(14);
    for desired in [
        Desired::Suspended { by: Hold::Billing },
        Desired::ReadOnly { by: Hold::Billing },
        Desired::Deleted { deletion: Deletion::Close, after: later },
        Desired::Running,
    ] {
        let changed = Instance::set_desired(conn, id, revision, &DesiredColumns::from(desired), now()).await.unwrap().unwrap();
        assert_eq!(changed.desired().unwrap(), desired);
        revision = changed.revision;
    }
    for standing in [
        Standing::Incomplete,
        Standing::Trialing { until: later },
        Standing::Current { until: later },
        Standing::PastDue { since: now() },
        Standing::Lapsed { since: now() },
        Standing::Cancelled { at: now() },
        Standing::Granted { by: "settings".to_owned(), until: None },
        Standing::Granted { by: "grace".to_owned(), until: Some(later) },
    ] {
        let changed = Instance::set_standing(conn, id, revision, &StandingColumns::from(&standing), now()).await.unwrap().unwrap();
        assert_eq!(changed.standing().unwrap(), standing);
        revision = changed.revision;
    }
    let running = DesiredColumns::from(Desired::Running);
    assert!(Instance::set_desired(conn, id, revision - 1, &running, now()).await.unwrap().is_none(), "the revision is stale");
    let nonsense = DesiredColumns { desired_hold: Some("billing".to_owned()), ..running };
    assert!(Instance::set_desired(conn, id, revision, &nonsense, now()).await.is_err(), "the schema refuses a hold on what runs");
}

#[tokio::test]
async fn a_name_has_one_holder_whatever_it_is_used_for() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let other = rows::instance(conn, &ground.account, &ground.places, "other.example").await;
    NameClaim::claim(conn, ground.instance.id, &["birds.example", "birds.example", "media.birds.example"], now()).await.unwrap();
    let taken = NameClaim::claim(conn, other.id, &["other.example", "media.birds.example"], now()).await.unwrap_err();
    assert_eq!(taken.unique_violation(), Some("name_claims_pkey"));
    assert!(!NameClaim::is_any_held(conn, &["other.example"]).await.unwrap(), "a refused claim claims nothing");
    NameClaim::release(conn, ground.instance.id).await.unwrap();
    NameClaim::claim(conn, other.id, &["other.example", "media.birds.example"], now()).await.unwrap();
}

#[tokio::test]
async fn another_accounts_server_does_not_exist() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let stranger = rows::person(conn, "mallory@cats.example").await;
    let stranger = rows::account(conn, &stranger).await;
    let operation = new_operation(ground.instance.id, OperationKind::Create).insert(conn).await.unwrap();
    assert!(Instance::of_account(conn, stranger.id, ground.instance.id).await.unwrap().is_none());
    assert!(Operation::of_account(conn, stranger.id, operation.id).await.unwrap().is_none());
    assert!(Instance::of_account(conn, ground.account.id, ground.instance.id).await.unwrap().is_some());
    assert!(Operation::of_account(conn, ground.account.id, operation.id).await.unwrap().is_some());
}

#[tokio::test]
async fn pages_go_through_everything_once() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    for number in 0..6 {
        rows::instance(conn, &ground.account, &ground.places, &format!("birds{number}.example")).await;
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = Instance::page_of_account(conn, ground.account.id, Page { before, limit: 3 }).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.iter().map(|it| it.id));
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|a, b| a > b));
    assert_eq!(Cluster::servers(conn, ground.places.real.id).await.unwrap(), 7);
}

async fn token(conn: &mut Conn, account: &Account, person_id: Uuid, digest: u8) -> ApiToken {
    let token = ApiToken {
        id: rows::id(),
        account_id: account.id,
        person_id,
        name: "ci".to_owned(),
        token_digest: vec![digest; 32],
        scopes: vec!["instances:read".to_owned()],
        created_at: now(),
        expires_at: now() + TimeDelta::days(1),
        revoked_at: None,
        last_used_at: None,
    };
    token.insert(conn).await.unwrap();
    token
}

#[tokio::test]
async fn a_token_speaks_until_it_ends_or_is_revoked() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let person = rows::person(conn, "ada@birds.example").await;
    let account = rows::account(conn, &person).await;
    let (first, second) = (token(conn, &account, person.id, 1).await, token(conn, &account, person.id, 2).await);
    let bearer = ApiToken::bearer(conn, &[1; 32], now()).await.unwrap().unwrap();
    assert_eq!((bearer.token.id, bearer.account.id, bearer.role.as_str()), (first.id, account.id, "owner"));
    assert!(ApiToken::bearer(conn, &[3; 32], now()).await.unwrap().is_none(), "unknown");
    assert!(ApiToken::bearer(conn, &[1; 32], first.expires_at).await.unwrap().is_none(), "expired");
    assert!(ApiToken::revoke(conn, second.id, now()).await.unwrap());
    assert!(!ApiToken::revoke(conn, second.id, now()).await.unwrap(), "revoked once");
    assert!(ApiToken::bearer(conn, &[2; 32], now()).await.unwrap().is_none(), "revoked");
}

const WAIT: Duration = Duration::from_secs(5);

fn key(digest: u8) -> IdempotencyKey {
    IdempotencyKey { holder_id: Uuid::nil(), key: "launch-1".to_owned(), request_digest: [digest; 32] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_requests_with_one_key_are_one_effect() {
    let ground = ground().await;
    let requests = (0..20).map(|number| {
        let (database, instance_id) = (ground.database.database().clone(), ground.instance.id);
        tokio::spawn(async move {
            let mut conn = database.conn().await.unwrap();
            transaction(&mut conn, async |conn| match key(1).claim(conn, WAIT, now()).await? {
                Claim::Fresh => {
                    new_operation(instance_id, OperationKind::Create).insert(conn).await?;
                    key(1).answer(conn, 202, &json!({ "number": number })).await?;
                    Ok((202, json!({ "number": number })))
                }
                Claim::Answered { status, body } => Ok((status, body)),
                Claim::Mismatch => Err(QueryError::NotFound),
            })
            .await
            .unwrap()
        })
    });
    let answers: Vec<_> = futures::future::join_all(requests).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|it| it == &answers[0]), "{answers:?}");
    let conn = &mut ground.database.conn().await;
    let page = Page { before: None, limit: 100 };
    assert_eq!(Operation::page_of_instance(conn, ground.instance.id, page).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_for_one_request_and_is_free_after_a_rollback() {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let undone: Result<(), QueryError> = transaction(conn, async |conn| {
        assert!(matches!(key(1).claim(conn, WAIT, now()).await?, Claim::Fresh));
        Err(QueryError::RollbackTransaction)
    })
    .await;
    assert!(undone.is_err());
    assert!(matches!(key(2).claim(conn, WAIT, now()).await.unwrap(), Claim::Fresh));
    assert!(matches!(key(1).claim(conn, WAIT, now()).await.unwrap(), Claim::Mismatch));
}

#[tokio::test]
async fn a_first_request_that_takes_long_is_not_waited_for_for_ever() {
    let database = TestDatabase::new().await;
    let (first, second) = (&mut database.conn().await, &mut database.conn().await);
    let outcome: Result<(), QueryError> = transaction(first, async |first| {
        key(1).claim(first, WAIT, now()).await?;
        let waited = transaction(second, async |second| key(1).claim(second, Duration::from_millis(50), now()).await).await;
        assert!(waited.unwrap_err().is_lock_timeout());
        Ok(())
    })
    .await;
    outcome.unwrap();
}
