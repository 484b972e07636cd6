use howdah_stripe_simulator::{Failure, Fault, Fields, Form, Outcome, Rules, Settings, Simulator, Verb};
use serde_json::Value;

use crate::support::{Account, DAY};

fn fault(failure: Failure) -> Fault {
    Fault { path: "/v1/customers".to_owned(), method: Some("POST".to_owned()), failure, times: 1, after: 0 }
}

async fn post_with_key(account: &Account, form: &str, key: &str) -> Option<(u16, bool, Value)> {
    let request = account.http.post(account.url("/v1/customers")).header("Idempotency-Key", key).body(form.to_owned());
    let response = request.bearer_auth("sk_test_simulator").send().await.ok()?;
    let replayed = response.headers().get("Idempotent-Replayed").is_some_and(|it| it == "true");
    Some((response.status().as_u16(), replayed, response.json().await.ok()?))
}

async fn customers(account: &Account) -> usize {
    account.get("/v1/customers").await.list("data").len()
}

#[tokio::test]
async fn a_request_that_is_sent_again_with_its_key_is_done_once() {
    let account = Account::open().await;
    let (_, first_replayed, first) = post_with_key(&account, "email=a@example.org", "k1").await.expect("an answer");
    let (_, again_replayed, again) = post_with_key(&account, "email=a@example.org", "k1").await.expect("an answer");
    assert_eq!((first_replayed, again_replayed, first == again), (false, true, true));
    let (status, _, refused) = post_with_key(&account, "email=b@example.org", "k1").await.expect("an answer");
    assert_eq!((status, refused.text("error.type")), (400, "idempotency_error"));
    account.running.advance(DAY).await;
    post_with_key(&account, "email=b@example.org", "k1").await.expect("keys are kept for a day");
    assert_eq!(customers(&account).await, 2);
}

#[tokio::test]
async fn a_connection_that_is_lost_after_the_act_is_found_by_its_key() {
    let account = Account::open().await;
    account.running.fail_next(fault(Failure::DropAfter));
    assert!(post_with_key(&account, "email=a@example.org", "k").await.is_none(), "no answer comes");
    assert_eq!(customers(&account).await, 1);
    let (status, replayed, _) = post_with_key(&account, "email=a@example.org", "k").await.expect("an answer");
    assert_eq!((status, replayed, customers(&account).await), (200, true, 1));
}

#[tokio::test]
async fn a_connection_that_is_lost_before_the_act_leaves_nothing() {
    let account = Account::open().await;
    account.running.fail_next(fault(Failure::DropBefore));
    assert!(post_with_key(&account, "email=a@example.org", "k").await.is_none());
    assert_eq!(customers(&account).await, 0);
    let (status, replayed, _) = post_with_key(&account, "email=a@example.org", "k").await.expect("an answer");
    assert_eq!((status, replayed, customers(&account).await), (200, false, 1));
}

#[tokio::test]
async fn a_kept_500_is_replayed_whether_it_was_done_or_not() {
    for (failure, done) in [(Failure::ErrorBefore, 0), (Failure::ErrorAfter, 1)] {
        let account = Account::open().await;
        account.running.fail_next(fault(failure));
        let (status, replayed, _) = post_with_key(&account, "email=a@example.org", "k").await.expect("an answer");
        assert_eq!((status, replayed), (500, false));
        let (status, replayed, _) = post_with_key(&account, "email=a@example.org", "k").await.expect("an answer");
        assert_eq!((status, replayed, customers(&account).await), (500, true, done), "{failure:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_in_use_is_refused_until_its_answer_is_out() {
    let account = Account::open().await;
    account.running.fail_next(fault(Failure::Held));
    let first = post_with_key(&account, "email=a@example.org", "k");
    let second = async {
        while customers(&account).await == 0 {
            tokio::task::yield_now().await;
        }
        let (status, _, refused) = post_with_key(&account, "email=a@example.org", "k").await.expect("an answer");
        account.running.release();
        (status, refused.text("error.code").to_owned())
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(second, (409, "idempotency_key_in_use".to_owned()));
    assert_eq!(first.map(|(status, ..)| status), Some(200));
    let (_, replayed, _) = post_with_key(&account, "email=a@example.org", "k").await.expect("an answer");
    assert_eq!((replayed, customers(&account).await), (true, 1));
}

#[tokio::test]
async fn a_simulator_without_a_port_is_called_and_asked_for_its_webhooks() {
    let simulator = Simulator::new(Settings::default());
    let call = |path: &str, form: &str| match simulator.call(Verb::Post, path, &Form::parse(form).expect("a form"), None) {
        Outcome::Reply { reply, .. } => reply,
        _ => panic!("no answer"),
    };
    call("/v1/webhook_endpoints", "url=http://127.0.0.1/hook&enabled_events[]=*");
    assert_eq!(call("/v1/customers", "email=a@example.org").status, 200);
    let parcels = simulator.due_parcels();
    assert_eq!(parcels.len(), 1);
    simulator.advance(DAY).await;
    simulator.note(parcels[0].number, Some(200));
    assert!(simulator.due_parcels().is_empty());
}

#[tokio::test]
async fn while_stripe_is_down_nothing_answers_and_nothing_is_delivered() {
    let account = Account::open().await;
    let endpoint = account.hear("enabled_events[]=*").await;
    account.post("/v1/customers", "email=a@example.org").await;
    account.running.down(true);
    assert_eq!(account.try_get("/v1/customers").await.0, 503);
    let page = account.http.get(account.url("/invoice/in_1")).send().await.expect("an answer");
    assert_eq!(page.status(), 503);
    account.running.advance(DAY).await;
    assert!(endpoint.heard().is_empty());
    account.running.down(false);
    account.running.deliver_pending().await;
    assert_eq!((customers(&account).await, endpoint.heard().len()), (1, 1));
}

#[tokio::test]
async fn too_many_requests_are_turned_away() {
    // No request is free of the limit, so that no second of the machine's decides.
    let account = Account::with(Rules::default()).await;
    account.running.fail_next(fault(Failure::TooMany));
    let (status, refused) = account.try_post("/v1/customers", "email=a@example.org").await;
    assert_eq!((status, refused.text("error.code"), customers(&account).await), (429, "rate_limit", 0));
}

#[tokio::test]
async fn another_process_has_the_same_controls() {
    let account = Account::open().await;
    let control = |path: &str, body: Value| account.send(account.http.post(account.url(&format!("/_simulator/{path}"))).json(&body));
    let before = account.get("/_simulator/state").await.int("now");
    let (_, state) = control("advance", serde_json::json!({"seconds": DAY})).await;
    assert_eq!(state.int("now"), before + DAY);
    control("fail", serde_json::json!({"path": "/v1/products", "failure": "error_before"})).await;
    assert_eq!(account.try_get("/v1/products").await.0, 500);
    assert_eq!(account.try_get("/v1/products").await.0, 200);
    control("down", serde_json::json!({"down": true})).await;
    assert_eq!(account.try_get("/v1/products").await.0, 503);
}
