//! What goes wrong: each call failing before and after its effect, a cluster that is away or refuses, an address that leads
//! elsewhere, somebody's own hand in the cluster.

use chrono::TimeDelta;
use futures::StreamExt;
use howdah_app::jobs::SyncInstance;
use howdah_crd::{ConditionType, Reason};
use howdah_domain::{Clock, InstanceId, OperationState};
use howdah_testkit::rows;

use crate::fakes::{Break, condition};
use crate::ground::{GRACE, Ground, INGRESS};

const DOMAIN: &str = "birds.fedi.localhost";

/// Launch, life and close, with the cluster failing at one call; the number of calls that it took, and which were writes.
async fn whole_life(at: Option<Break>) -> (usize, Vec<usize>) {
    let ground = Ground::new().await;
    ground.cluster.break_at(at);
    let id = ground.running(DOMAIN).await;
    ground.close(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.settle_until(id, async || ground.row(id).await.tombstoned_at.is_some()).await;
    assert_eq!(ground.operation(id).await.state, OperationState::Succeeded, "{at:?}");
    assert_eq!(ground.cluster.resources(), [], "{at:?}");
    assert_eq!(ground.cluster.secrets(), Vec::<String>::new(), "{at:?}");
    assert_eq!(ground.cluster.destroyed(), [id.to_string()], "{at:?}");
    assert_eq!(ground.cluster.identities(&format!("{}-identity", id.resource_name())), 1, "{at:?}");
    (ground.cluster.calls(), ground.cluster.written())
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_the_end_is_the_same() {
    let (calls, written) = whole_life(None).await;
    assert!(calls > 20 && written.len() > 8, "{calls} {written:?}");
    // A read whose answer is lost is a read that was not made.
    let breaks = (1..=calls).map(Break::Before).chain(written.into_iter().map(Break::After));
    let lives = futures::stream::iter(breaks).map(|at| whole_life(Some(at)));
    lives.buffer_unordered(4).for_each(async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_can_run_twice() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    ground.outside.lead(DOMAIN, INGRESS);
    *ground.outside.answers.lock().unwrap() = true;
    let twice = async || {
        for _ in 0..6 {
            for _ in 0..2 {
                ground.tick().await;
            }
            let (one, other) =
                futures::join!(SyncInstance::of(id.as_uuid()).work(&ground.worker), SyncInstance::of(id.as_uuid()).work(&ground.worker));
            // At once is what the queue prevents; even so the loser only has to come again.
            assert!(one.is_ok() || other.is_ok());
            for _ in 0..2 {
                ground.operate(id).await;
            }
        }
    };
    twice().await;
    assert_eq!(ground.operation(id).await.state, OperationState::Succeeded);
    ground.close(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    twice().await;
    assert!(ground.row(id).await.tombstoned_at.is_some());
    assert_eq!(ground.cluster.destroyed(), [id.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_waits_for_a_cluster_that_is_away_and_says_so() {
    let ground = Ground::new().await;
    *ground.cluster.away.lock().unwrap() = true;
    let id = ground.launch(DOMAIN).await;
    ground.sync(id).await;
    let create = ground.operation(id).await;
    assert_eq!(create.state, OperationState::Running);
    assert_eq!(ground.held_up(id).await.as_deref(), Some("namespace: ClusterUnavailable"));
    *ground.cluster.away.lock().unwrap() = false;
    ground.settle(id).await;
    assert_eq!(ground.operation(id).await.state, OperationState::Succeeded);
    assert_eq!(ground.held_up(id).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_back_is_found_by_asking() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    ground.sync(id).await;
    *ground.cluster.away.lock().unwrap() = true;
    ground.sync(id).await;
    assert_eq!(ground.held_up(id).await.as_deref(), Some("namespace: ClusterUnavailable"));
    ground.tick().await;
    assert!(ground.held_up(id).await.is_some());
    *ground.cluster.away.lock().unwrap() = false;
    ground.tick().await;
    assert_eq!(ground.held_up(id).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_refuses_is_said_and_goes_on_once_it_is_taken() {
    let ground = Ground::new().await;
    *ground.cluster.refusal.lock().unwrap() = Some("spec.placement: too long".to_owned());
    let id = ground.launch(DOMAIN).await;
    ground.sync(id).await;
    assert_eq!(ground.held_up(id).await.as_deref(), Some("namespace: InvalidSpec"));
    *ground.cluster.refusal.lock().unwrap() = None;
    ground.settle(id).await;
    assert_eq!(ground.operation(id).await.state, OperationState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_says_why_and_goes_on_when_the_cause_is_gone() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    ground.sync(id).await;
    ground.cluster.operate(rows::now());
    ground.cluster.edit(&id.resource_name(), |it| {
        let status = it.status.as_mut().unwrap();
        status.conditions.retain(|it| !["SchemaReady", "OwnerReady", "Configured", "WorkloadsReady"].contains(&it.type_.as_str()));
        status.conditions.push(condition(ConditionType::SchemaReady, false, Reason::JobFailed));
    });
    ground.observe(id).await;
    assert_eq!(ground.held_up(id).await.as_deref(), Some("schema: JobFailed"));
    let failure = ground.operation(id).await.failure.unwrap();
    assert!(failure.sentence.contains("db:prepare") && !failure.way_out.is_empty());
    ground.operate(id).await;
    assert_eq!(ground.operation(id).await.state, OperationState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn workloads_of_an_older_revision_are_no_success() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    ground.sync(id).await;
    ground.cluster.operate(rows::now());
    ground.cluster.edit(&id.resource_name(), |it| it.status.as_mut().unwrap().observed_revision = Some(0));
    ground.observe(id).await;
    assert_eq!(ground.operation(id).await.state, OperationState::Running);
    ground.operate(id).await;
    assert_eq!(ground.operation(id).await.state, OperationState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_farewell_stops_while_the_address_leads_elsewhere() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.outside.lead(DOMAIN, "198.51.100.7");
    ground.close(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.settle(id).await;
    assert!(ground.row(id).await.farewell_began_at.is_none(), "it does not even begin");
    assert_eq!(ground.held_up(id).await.as_deref(), Some("farewell: ServedElsewhere"));
    let sentence = ground.operation(id).await.failure.unwrap().sentence;
    assert!(sentence.starts_with("This address is served elsewhere"), "{sentence}");

    ground.outside.lead(DOMAIN, INGRESS);
    ground.tick().await;
    assert!(ground.row(id).await.farewell_began_at.is_some());
    ground.outside.lead(DOMAIN, "198.51.100.7");
    ground.tick().await;
    ground.sync(id).await;
    assert!(!is_allowed(&ground, id));
    ground.settle(id).await;
    assert_eq!(ground.held_up(id).await.as_deref(), Some("farewell: ServedElsewhere"));
    assert_eq!(ground.cluster.destroyed(), Vec::<String>::new());

    ground.outside.lead(DOMAIN, INGRESS);
    ground.tick().await;
    ground.sync(id).await;
    assert!(is_allowed(&ground, id));
    ground.settle(id).await;
    assert!(ground.row(id).await.tombstoned_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_a_cdn_answers_and_says_farewell() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    let (cdn, elsewhere) = ("104.16.0.1", "104.16.0.2");
    ground.outside.fronts.lock().unwrap().push(cdn.parse().unwrap());
    ground.outside.lead(DOMAIN, cdn);
    *ground.outside.answers.lock().unwrap() = true;
    ground.settle(id).await;
    assert!(ground.row(id).await.first_answered_at.is_some());

    // A copy of it that lives on elsewhere has its keys, its name and its nodeinfo: it must not be told to be forgotten.
    ground.outside.copies.lock().unwrap().push(elsewhere.parse().unwrap());
    ground.outside.lead(DOMAIN, elsewhere);
    ground.close(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.settle(id).await;
    assert!(ground.row(id).await.farewell_began_at.is_none());
    assert_eq!(ground.held_up(id).await.as_deref(), Some("farewell: ServedElsewhere"));

    ground.outside.lead(DOMAIN, cdn);
    ground.settle(id).await;
    let row = ground.row(id).await;
    assert!(row.farewell_began_at.is_some() && row.tombstoned_at.is_some());
}

/// What the operator reads of the guard.
fn is_allowed(ground: &Ground, id: InstanceId) -> bool {
    let until = ground.cluster.resource(&id.resource_name()).unwrap().spec.farewell_allowed_until;
    until.is_some_and(|it| it.0.as_second() > ground.clock.now().timestamp())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_farewell_goes_on_only_while_somebody_looks() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.close(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.tick().await;
    ground.sync(id).await;
    assert!(is_allowed(&ground, id));
    let revision = ground.row(id).await.revision;

    // The worker dies: what it last wrote stops the farewell by itself, and a sync without a look renews nothing.
    ground.clock.advance(TimeDelta::minutes(3));
    assert!(!is_allowed(&ground, id));
    ground.sync(id).await;
    assert!(!is_allowed(&ground, id));
    ground.operate(id).await;
    assert!(ground.row(id).await.teardown_began_at.is_none());

    // The next one looks, and it goes on.
    ground.tick().await;
    ground.sync(id).await;
    assert!(is_allowed(&ground, id) && ground.row(id).await.revision > revision);
    ground.settle(id).await;
    assert!(ground.row(id).await.tombstoned_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_deleted_by_hand_comes_back_and_no_data_goes() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.cluster.finish_deletion(&id.resource_name());
    ground.observe(id).await;
    ground.settle(id).await;
    assert!(ground.cluster.resource(&id.resource_name()).is_some());
    assert_eq!(ground.cluster.destroyed(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_deleted_by_hand_on_its_way_out_is_torn_down_all_the_same() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.close(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.tick().await;
    ground.sync(id).await;
    // Before anybody confirmed anything: its data is still there.
    ground.cluster.finish_deletion(&id.resource_name());
    ground.observe(id).await;
    assert!(ground.row(id).await.tombstoned_at.is_none());
    ground.settle(id).await;
    assert!(ground.row(id).await.tombstoned_at.is_some());
    assert_eq!(ground.cluster.destroyed(), [id.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_refuses_holds_up_the_launch_until_it_accepts() {
    let ground = Ground::new().await;
    *ground.relay.refuses.lock().unwrap() = true;
    let id = ground.launch(DOMAIN).await;
    ground.settle(id).await;
    let held_up = ground.operation(id).await;
    assert_eq!(held_up.state, OperationState::Running);
    let failure = held_up.failure.unwrap();
    assert_eq!((failure.step.as_str(), failure.reason.as_str()), ("secrets", "RelayRefused"));
    assert_eq!(held_up.steps.iter().filter(|it| it.state == howdah_domain::StepState::Succeeded).count(), 8, "the others went on");

    *ground.relay.refuses.lock().unwrap() = false;
    ground.settle(id).await;
    assert_eq!(ground.operation(id).await.state, OperationState::Succeeded);
}
