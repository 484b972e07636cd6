//! What the record keeps of billing, whatever is done twice.

use chrono::TimeDelta;
use howdah_db::models::account::Account;
use howdah_db::models::billing::{BillingCustomer, BillingEvent, BillingOperation, Checkout, LedgerEntry, Notice, Run};
use howdah_db::models::instance::Instance;
use howdah_db::{Conn, QueryErrorExt};
use howdah_testkit::TestDatabase;
use howdah_testkit::rows::{self, Places, now};
use serde_json::json;

struct Ground {
    database: TestDatabase,
    account: Account,
    instance: Instance,
}

async fn ground() -> Ground {
    let database = TestDatabase::new().await;
    let conn = &mut database.conn().await;
    let places = Places::insert(conn).await;
    let person = rows::person(conn, "ada@birds.example").await;
    let account = rows::account(conn, &person).await;
    let instance = rows::instance(conn, &account, &places, "birds.example").await;
    Ground { database, account, instance }
}

fn event(id: &str) -> BillingEvent {
    BillingEvent {
        id: id.to_owned(),
        kind: "invoice.paid".to_owned(),
        source: "webhook".to_owned(),
        created_at: now(),
        received_at: now(),
        payload: "{}".to_owned(),
        handled_at: None,
        outcome: None,
    }
}

#[tokio::test]
async fn what_is_told_twice_is_stored_once_and_replayed_when_asked_for() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    assert_eq!(BillingEvent::insert_all(conn, &[event("evt_1"), event("evt_2")]).await.unwrap(), 2);
    assert_eq!(BillingEvent::insert_all(conn, &[event("evt_2"), event("evt_3")]).await.unwrap(), 1);
    BillingEvent::handled(conn, &["evt_1".to_owned(), "evt_2".to_owned()], "read anew", now()).await.unwrap();
    let ids = |events: Vec<BillingEvent>| events.into_iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(BillingEvent::unhandled(conn, 10).await.unwrap()), ["evt_3"]);
    assert!(BillingEvent::replay(conn, "evt_1").await.unwrap());
    assert!(!BillingEvent::replay(conn, "evt_9").await.unwrap());
    assert_eq!(ids(BillingEvent::unhandled(conn, 10).await.unwrap()), ["evt_1", "evt_3"]);
}

#[tokio::test]
async fn the_ledger_is_only_added_to_and_posts_once() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let entry = |account: &str, amount| LedgerEntry {
        object: "in_1".to_owned(),
        happened: "finalized".to_owned(),
        account: account.to_owned(),
        currency: "EUR".to_owned(),
        amount,
        customer_id: "cus_1".to_owned(),
        instance_id: Some(ground.instance.id),
        at: now(),
    };
    let both = [entry("receivable", 900), entry("revenue", -900)];
    assert_eq!(LedgerEntry::post(conn, &both).await.unwrap(), 2);
    assert_eq!(LedgerEntry::post(conn, &both).await.unwrap(), 0);
    for sql in ["UPDATE ledger_entries SET amount = 1", "DELETE FROM ledger_entries", "TRUNCATE ledger_entries"] {
        let refused = raw(conn, sql).await.unwrap_err();
        assert!(refused.contains("only added to"), "{sql}: {refused}");
    }
    assert_eq!(LedgerEntry::of_object(conn, "in_1").await.unwrap().len(), 2);
}

async fn raw(conn: &mut Conn, sql: &str) -> Result<usize, String> {
    use diesel_async::RunQueryDsl;
    diesel::sql_query(sql).execute(conn).await.map_err(|it| it.to_string())
}

#[tokio::test]
async fn a_notice_is_told_once_in_each_winding_down() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let notice = |since| Notice { instance_id: ground.instance.id, since, notice: "read_only".to_owned(), told_at: now() };
    assert!(notice(now()).tell(conn).await.unwrap());
    assert!(!notice(now()).tell(conn).await.unwrap());
    assert!(notice(now() + TimeDelta::days(90)).tell(conn).await.unwrap());
    let told = Notice::told(conn, ground.instance.id, now()).await.unwrap();
    assert_eq!(told.iter().map(|it| it.notice.as_str()).collect::<Vec<_>>(), ["read_only"]);
}

#[tokio::test]
async fn a_server_has_one_page_to_pay_at_and_is_abandoned_when_that_expired() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let (account_id, id) = (ground.account.id, ground.instance.id);
    let sql = format!(
        "UPDATE instances SET desired_kind = 'suspended', desired_hold = 'billing', standing_kind = 'incomplete', standing_until = NULL, standing_by = NULL, standing_since = NULL WHERE id = '{id}'"
    );
    ground.database.execute(&sql).await;
    let operation = BillingOperation {
        id: rows::id(),
        account_id,
        instance_id: Some(id),
        kind: "checkout".to_owned(),
        wanted: json!({"plan": "small"}),
        created_at: now(),
        ended_at: None,
        made: None,
        failed: None,
    };
    operation.insert(conn).await.unwrap();
    assert_eq!(BillingOperation::open(conn, account_id, Some(id), "checkout").await.unwrap().unwrap().id, operation.id);
    let none_tried = async |launched_before| {
        let mut conn = ground.database.conn().await;
        Checkout::abandoned(&mut conn, now(), launched_before, 10).await.unwrap()
    };
    assert!(none_tried(now() - TimeDelta::days(3)).await.is_empty(), "it was launched just now");
    assert_eq!(none_tried(now() + TimeDelta::days(3)).await, [id]);
    let checkout = |name: &str| Checkout {
        id: name.to_owned(),
        instance_id: id,
        operation_id: operation.id,
        url: "https://checkout.example/1".to_owned(),
        expires_at: now() + TimeDelta::hours(24),
        ended_at: None,
        outcome: None,
    };
    checkout("cs_1").insert(conn).await.unwrap();
    checkout("cs_1").insert(conn).await.unwrap();
    assert_eq!(checkout("cs_2").insert(conn).await.unwrap_err().unique_violation(), Some("billing_checkouts_open"));
    let later = now() + TimeDelta::hours(25);
    assert!(Checkout::abandoned(conn, later, now() - TimeDelta::days(1), 10).await.unwrap().is_empty(), "the page is open");
    assert_eq!(Checkout::overdue(conn, later, 10).await.unwrap().len(), 1);
    Checkout::end(conn, "cs_1", "expired", now() + TimeDelta::hours(24)).await.unwrap();
    assert!(Checkout::abandoned(conn, now(), now() - TimeDelta::days(1), 10).await.unwrap().is_empty(), "it ended only after that");
    assert_eq!(Checkout::abandoned(conn, later, now() - TimeDelta::days(1), 10).await.unwrap(), [id]);
    checkout("cs_3").insert(conn).await.unwrap();
    assert!(Checkout::abandoned(conn, later, now() - TimeDelta::days(1), 10).await.unwrap().is_empty(), "somebody tries again");
}

#[tokio::test]
async fn an_account_has_one_customer_at_a_time() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let customer = |id: &str| BillingCustomer {
        id: id.to_owned(),
        account_id: ground.account.id,
        currency: None,
        created_at: now(),
        read_at: None,
        reads_begun: 0,
        read_folded: 0,
        replaced_at: None,
    };
    customer("cus_1").insert(conn).await.unwrap();
    assert!(customer("cus_2").insert(conn).await.unwrap_err().unique_violation().is_some());
    assert_eq!(BillingCustomer::begin_read(conn, "cus_1").await.unwrap(), Some(1));
    assert_eq!(BillingCustomer::begin_read(conn, "cus_1").await.unwrap(), Some(2));
    assert_eq!(BillingCustomer::begin_read(conn, "cus_9").await.unwrap(), None);
    BillingCustomer::folded(conn, "cus_1", 1, Some("EUR"), now()).await.unwrap();
    BillingCustomer::folded(conn, "cus_1", 2, None, now()).await.unwrap();
    assert_eq!(BillingCustomer::of_account(conn, ground.account.id).await.unwrap().unwrap().currency.as_deref(), Some("EUR"));
    assert_eq!(BillingCustomer::page(conn, "", 10).await.unwrap(), ["cus_1"]);
    assert!(BillingCustomer::page(conn, "cus_1", 10).await.unwrap().is_empty());
    BillingCustomer::replace(conn, "cus_1", now()).await.unwrap();
    customer("cus_2").insert(conn).await.unwrap();
    assert_eq!(BillingCustomer::of_account(conn, ground.account.id).await.unwrap().unwrap().id, "cus_2");
}

#[tokio::test]
async fn what_is_due_is_taken_by_one() {
    let ground = ground().await;
    let conn = &mut ground.database.conn().await;
    let (hour, at) = (TimeDelta::hours(1), now());
    assert!(Run::take(conn, "sweep", at - hour, at).await.unwrap());
    assert!(!Run::take(conn, "sweep", at - hour, at).await.unwrap());
    assert!(Run::take(conn, "usage", at - hour, at).await.unwrap());
    assert!(Run::take(conn, "sweep", at, at + hour).await.unwrap());
    assert!(!Run::take(conn, "sweep", at, at + hour).await.unwrap());
    Run::give_back(conn, "sweep").await.unwrap();
    assert!(Run::take(conn, "sweep", at, at + hour).await.unwrap());
}
