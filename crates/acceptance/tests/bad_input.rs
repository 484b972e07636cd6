//! What people and programs get wrong, through the API of a running installation: refused with a reason, and nothing is made of it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use anyhow::ensure;
use futures::future::join_all;
use howdah_acceptance::admin;
use howdah_acceptance::api::{Answer, Launched, fake, wish};
use howdah_acceptance::leftovers::assert_nothing_left;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::{fresh_id, fresh_name};
use howdah_acceptance::{World, until};
use reqwest::Method;
use serde_json::{Value, json};

const INSTANCES: &str = "/api/v1/instances";

fn with(mut wish: Value, pointer: &str, value: Value) -> Value {
    *wish.pointer_mut(pointer).unwrap() = value;
    wish
}

#[tokio::test]
async fn a_launch_that_cannot_be_is_refused_field_by_field() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("refused launches");
    let customer = world.customer().unwrap();
    let before = customer.get(INSTANCES).await.unwrap().expect(200).unwrap().body["items"].as_array().unwrap().len();
    let good = wish("fine.test");
    for (asked, field, reason) in [
        (wish("admin.fedi.localhost"), "domain", "reserved"),
        (wish("adm1n.fedi.localhost"), "domain", "looks_like_reserved"),
        (wish("mastodon-fans.fedi.localhost"), "domain", "trademark"),
        (wish("mstdn.birds.test"), "domain", "trademark"),
        (wish("https://birds.test/"), "domain", "malformed"),
        (wish("birds"), "domain", "single_label"),
        (wish("192.0.2.7"), "domain", "ip_address"),
        (wish("co.uk"), "domain", "public_suffix"),
        (wish("аррӏе.com"), "domain", "looks_like_latin"),
        (with(good.clone(), "/plan", json!("enormous")), "plan", "unknown_plan"),
        (with(good.clone(), "/owner/username", json!("no spaces")), "owner.username", "malformed"),
        (with(good.clone(), "/owner/email", json!("nobody")), "owner.email", "malformed"),
    ] {
        let answer = customer.post(INSTANCES, Some(&asked)).await.unwrap();
        assert_eq!((answer.status, answer.reason()), (422, "invalid"), "{asked}: {}", answer.body);
        assert!(answer.header("content-type").starts_with("application/problem+json"));
        let error = &answer.body["errors"][0];
        assert_eq!((error["field"].as_str(), error["reason"].as_str()), (Some(field), Some(reason)), "{asked}: {}", answer.body);
        assert!(error["detail"].as_str().is_some_and(|it| it.len() > 20), "a sentence says why: {error}");
    }
    let choosy = customer.post(INSTANCES, Some(&fake("fine.test"))).await.unwrap();
    assert_eq!(choosy.status, 403, "customers choose no cluster: {}", choosy.body);
    let after = customer.get(INSTANCES).await.unwrap().body["items"].as_array().unwrap().len();
    assert_eq!(after, before, "nothing was made");
}

#[tokio::test]
async fn one_domain_and_one_key_make_one_server() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("races");
    let operator = world.operator().unwrap();

    let contested = format!("{}.test", fresh_name("contested"));
    let wish = fake(&contested);
    let answers = join_all((0..8).map(|_| operator.post(INSTANCES, Some(&wish)))).await;
    let answers: Vec<Answer> = answers.into_iter().map(Result::unwrap).collect();
    let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.status == 202);
    assert_eq!((taken.len(), refused.len()), (1, 7), "{answers:?}");
    assert!(refused.iter().all(|it| it.status == 409), "{refused:?}");
    assert_eq!(world.record().unwrap().servers_with(&contested).await.unwrap(), 1);
    let later = operator.post(INSTANCES, Some(&wish)).await.unwrap();
    assert_eq!(later.status, 409, "{}", later.body);
    let first = Launched::read(taken[0]).unwrap();
    watch.lap("one of eight");

    let keyed = format!("{}.test", fresh_name("keyed"));
    let wish = fake(&keyed);
    let key = fresh_name("key");
    let headers = [("idempotency-key", key.as_str())];
    let answers = join_all((0..20).map(|_| operator.send(Method::POST, INSTANCES, &headers, Some(&wish)))).await;
    let ids: Vec<Launched> = answers.into_iter().map(|it| Launched::read(&it.unwrap().expect(202).unwrap()).unwrap()).collect();
    assert!(ids.iter().all(|it| it.id == ids[0].id && it.operation_url == ids[0].operation_url), "{ids:?}");
    assert_eq!(world.record().unwrap().servers_with(&keyed).await.unwrap(), 1);
    let other = with(wish, "/plan", json!("large"));
    let misused = operator.send(Method::POST, INSTANCES, &headers, Some(&other)).await.unwrap();
    assert_eq!((misused.status, misused.reason()), (409, "idempotency_key_reused"), "{}", misused.body);
    watch.lap("twenty with one key");

    let gone = [first.id, ids[0].id];
    for id in gone {
        operator.remove(id).await.unwrap();
    }
    for id in gone {
        operator.wait_for_phase(id, "gone", seconds(120)).await.unwrap();
    }
    assert_nothing_left(&world, &gone).await.unwrap();
    watch.lap("removed");
}

#[tokio::test]
async fn who_may_not_see_a_server_does_not_learn_that_it_is() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let mut watch = Watch::start("tokens");
    let operator = world.operator().unwrap();
    let launched = operator.launch(&fake(&format!("{}.test", fresh_name("hidden")))).await.unwrap();
    let (id, unknown) = (launched.id, fresh_id());

    let stranger = admin::another_customer(&world, &fresh_name("stranger")).await.unwrap();
    for (method, path) in [(Method::GET, ""), (Method::GET, "/operations"), (Method::POST, "/close"), (Method::POST, "/undo")] {
        let foreign = stranger.send(method.clone(), &format!("{INSTANCES}/{id}{path}"), &[], None).await.unwrap();
        let nobodys = stranger.send(method.clone(), &format!("{INSTANCES}/{unknown}{path}"), &[], None).await.unwrap();
        assert_eq!(foreign.status, 404, "{method} {path}: {}", foreign.body);
        assert_eq!((foreign.status, &foreign.body), (nobodys.status, &nobodys.body), "{method} {path}");
    }
    let operation = stranger.get(&launched.operation_url).await.unwrap();
    let nobodys = stranger.get(&format!("/api/v1/operations/{unknown}")).await.unwrap();
    assert_eq!((operation.status, &operation.body), (404, &nobodys.body));

    let expiring = json!({"name": "short", "scopes": ["read"], "expires_at": in_two_seconds()});
    let made = stranger.post("/api/v1/tokens", Some(&expiring)).await.unwrap().expect(201).unwrap();
    let short = stranger.with_token(made.body["token"].as_str().unwrap());
    let may_read = short.get(INSTANCES).await.unwrap();
    assert_eq!(may_read.status, 200, "{}", may_read.body);
    assert_eq!(short.post(INSTANCES, Some(&wish("fine.test"))).await.unwrap().status, 403, "a token to read with");
    let expired = until("the token expires", seconds(10), async || {
        let answer = short.get(INSTANCES).await?;
        ensure!(answer.status == 401, "{}", answer.status);
        Ok(answer)
    })
    .await
    .unwrap();
    for token in ["", "howdah_nonsense", "Basic x"] {
        let answer = stranger.with_token(token).get(INSTANCES).await.unwrap();
        assert_eq!((answer.status, &answer.body), (401, &expired.body), "{token:?}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    watch.lap("refused");

    close_during_create(&world, &launched).await;
    watch.lap("closed while it was made");
}

fn in_two_seconds() -> String {
    use std::time::{Duration, SystemTime};
    let at = SystemTime::now() + Duration::from_secs(2);
    let zulu = k8s_openapi::jiff::Timestamp::try_from(at).unwrap();
    zulu.to_string()
}

/// The Create is cancelled by it; a change that was decided on an older state, and a second close, are refused.
async fn close_during_create(world: &World, launched: &Launched) {
    let operator = world.operator().unwrap();
    let id = launched.id;
    let close = format!("{INSTANCES}/{id}/close");
    let seen = operator.get(&format!("{INSTANCES}/{id}")).await.unwrap();
    let tag = seen.header("etag").to_owned();
    let stale = operator.send(Method::POST, &close, &[("if-match", "\"0\"")], None).await.unwrap();
    assert_eq!((stale.status, stale.reason()), (412, "precondition_failed"), "{}", stale.body);
    for wrong in [None, Some(json!({})), Some(json!({"confirm": "another.test"}))] {
        let unsure = operator.post(&close, wrong.as_ref()).await.unwrap();
        assert_eq!(unsure.status, 422, "{}", unsure.body);
    }
    // Should it come up within the grace period, it would leave with a final bundle, which nothing on a fake node makes.
    let mut confirm = operator.confirm(id).await.unwrap();
    confirm["decline_final_bundle"] = json!(true);
    operator.send(Method::POST, &close, &[("if-match", &tag)], Some(&confirm)).await.unwrap().expect(202).unwrap();
    let again = operator.send(Method::POST, &close, &[("if-match", &tag)], Some(&confirm)).await.unwrap();
    assert_eq!(again.status, 412, "the tag of before: {}", again.body);
    let second = operator.post(&close, Some(&confirm)).await.unwrap();
    assert_eq!((second.status, second.reason()), (409, "already_leaving"), "{}", second.body);

    let create = operator.operation(&launched.operation_url).await.unwrap();
    assert_eq!(create["state"], "cancelled", "{create}");
    operator.wait_for_phase(id, "gone", seconds(120)).await.unwrap();
    let closed = operator.last_operation(id).await.unwrap();
    assert_eq!((&closed["kind"], &closed["steps"][0]["state"]), (&json!("close"), &json!("skipped")));
    assert_nothing_left(world, &[id]).await.unwrap();
}
