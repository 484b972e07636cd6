//! A server from its launch to its tombstone, by an address of the platform's and by one of its own.

use chrono::TimeDelta;
use howdah_app::Error;
use howdah_app::instances::{self, LaunchRequest};
use howdah_crd::{PowerState, TeardownKind};
use howdah_db::models::domain::Domain;
use howdah_db::models::name_claim::NameClaim;
use howdah_domain::{OperationKind, OperationState, Phase, StepState};

use crate::ground::{GRACE, Ground, INGRESS};

const DOMAIN: &str = "birds.fedi.localhost";

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_sends_secrets_and_the_whole_resource_and_succeeds_by_what_is_seen() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    ground.sync(id).await;
    let name = id.resource_name();
    assert_eq!(ground.cluster.secrets(), ["identity", "owner", "smtp"].map(|it| format!("{name}-{it}")));
    let resource = ground.cluster.resource(&name).unwrap();
    assert_eq!((resource.spec.revision, resource.spec.routing.enabled), (1, true));
    let create = ground.operation(id).await;
    assert_eq!((create.state, create.steps[0].state), (OperationState::Running, StepState::Running));

    ground.operate(id).await;
    let create = ground.operation(id).await;
    assert_eq!((create.kind, create.state), (OperationKind::Create, OperationState::Succeeded));
    ground.sync(id).await;
    assert_eq!(ground.cluster.secrets().len(), 2, "the owner's Secret has done its work");
    let writes = ground.cluster.writes();
    ground.settle(id).await;
    assert_eq!(ground.cluster.writes(), writes, "nothing to do is nothing written");
    let mails = ground.mailer.sent.lock().unwrap().clone();
    assert_eq!(mails.len(), 0, "mails go by their own job");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_says_farewell_and_leaves_a_tombstone() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    assert!(ground.row(id).await.first_answered_at.is_some());
    ground.close(id).await;
    ground.settle(id).await;
    assert_eq!(ground.operation(id).await.kind, OperationKind::Create, "a grace period is no operation");
    assert_eq!(instances::get(&ground.worker.app, &ground.operator, id).await.unwrap().phase, Phase::Closing);

    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.tick().await;
    assert!(ground.row(id).await.farewell_began_at.is_some());
    ground.sync(id).await;
    let spec = ground.cluster.resource(&id.resource_name()).unwrap().spec;
    assert_eq!((spec.power_state, spec.farewell_allowed_until.is_some(), spec.teardown), (PowerState::SelfDestruct, true, None));
    ground.operate(id).await;
    assert!(ground.row(id).await.teardown_began_at.is_some(), "the farewell is complete");
    ground.sync(id).await;
    let teardown = ground.cluster.resource(&id.resource_name()).unwrap().spec.teardown.unwrap();
    assert_eq!((teardown.kind, teardown.confirm), (TeardownKind::Close, id.to_string()));

    ground.settle(id).await;
    assert_gone(&ground, id).await;
    let close = ground.operation(id).await;
    assert_eq!((close.kind, close.state), (OperationKind::Close, OperationState::Succeeded));
    let states: Vec<_> = close.steps.iter().map(|it| it.state).collect();
    assert_eq!(states, [StepState::Skipped, StepState::Succeeded, StepState::Succeeded]);
    let is_held = NameClaim::is_any_held(&mut *ground.conn().await, &[DOMAIN]).await.unwrap();
    assert!(is_held, "a name of the platform's that was served is never issued again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grace_period_that_is_ended_early_is_followed_by_the_farewell() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.close(id).await;
    ground.settle(id).await;
    assert!(ground.row(id).await.farewell_began_at.is_none());
    let asked = instances::Close { confirm: DOMAIN.to_owned(), ..Default::default() };
    instances::end_grace(&ground.worker.app, &ground.operator, id, &asked, None).await.unwrap();
    // By the next look from outside.
    ground.settle_until(id, async || ground.row(id).await.farewell_began_at.is_some()).await;
    assert!(instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.is_err());
    ground.settle(id).await;
    assert_gone(&ground, id).await;
}

/// By who closed it, and by anybody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_domain_comes_back_after_a_farewell_only_to_who_knows_of_its_remnants() {
    const OWN: &str = "birds.test";
    let ground = Ground::new().await;
    let request = |remnants_known| LaunchRequest {
        domain: OWN.to_owned(),
        plan: "small".to_owned(),
        owner_username: "ada".to_owned(),
        owner_email: "owner@example.org".to_owned(),
        remnants_known,
        ..LaunchRequest::default()
    };
    let launch = async |remnants_known| instances::launch(&ground.worker.app, &ground.operator, &request(remnants_known), None).await;
    let noted = async || {
        let check = instances::check_address(&ground.worker.app, &ground.operator, OWN, None).await.unwrap();
        check.notes.iter().any(|it| it.as_str() == "remnants")
    };
    let id = ground.launch(OWN).await;
    ground.prove(id, OWN).await;
    ground.outside.lead(OWN, INGRESS);
    *ground.outside.answers.lock().unwrap() = true;
    ground.settle_until(id, async || ground.row(id).await.first_answered_at.is_some()).await;
    ground.close(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.tick().await;
    assert!(ground.row(id).await.farewell_began_at.is_some());
    assert_eq!(launch(true).await.unwrap_err().reason(), "name_taken", "it is not gone yet");
    assert!(!noted().await);
    ground.settle(id).await;
    assert_gone(&ground, id).await;

    let refused = launch(false).await.unwrap_err();
    let Error::Invalid { fields } = &refused else { panic!("{refused:?}") };
    assert_eq!((fields[0].field, fields[0].reason), ("remnants_known", "remnants"));
    assert!(refused.to_string().contains("gone for ever") && noted().await, "{refused}");
    assert!(launch(true).await.is_ok());
}

async fn assert_gone(ground: &Ground, id: howdah_domain::InstanceId) {
    assert!(ground.row(id).await.tombstoned_at.is_some());
    assert_eq!(ground.cluster.resources(), []);
    assert_eq!(ground.cluster.secrets(), Vec::<String>::new());
    assert_eq!(ground.cluster.destroyed(), [id.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_answered_has_nobody_to_say_farewell_to() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    ground.settle(id).await;
    ground.close(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.settle(id).await;
    assert_gone(&ground, id).await;
    assert!(ground.row(id).await.farewell_began_at.is_none());
    let states: Vec<_> = ground.operation(id).await.steps.iter().map(|it| it.state).collect();
    assert_eq!(states, [StepState::Skipped, StepState::Skipped, StepState::Succeeded]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remove_announces_nothing() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    instances::remove(&ground.worker.app, &ground.operator, id, None).await.unwrap();
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.settle(id).await;
    assert_gone(&ground, id).await;
    assert!(ground.row(id).await.farewell_began_at.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_that_is_undone_leaves_everything_as_it_was() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.close(id).await;
    ground.settle(id).await;
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    ground.clock.advance(GRACE * 2);
    ground.settle(id).await;
    let row = ground.row(id).await;
    assert!(row.farewell_began_at.is_none() && row.teardown_began_at.is_none());
    let spec = ground.cluster.resource(&id.resource_name()).unwrap().spec;
    assert_eq!((spec.power_state, spec.teardown), (PowerState::Running, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_during_a_launch_ends_it_and_undoing_takes_it_up_again() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    ground.sync(id).await;
    ground.close(id).await;
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    ground.settle(id).await;
    let create = ground.operation(id).await;
    assert_eq!((create.kind, create.state), (OperationKind::Create, OperationState::Succeeded));
    assert_eq!(ground.cluster.identities(&format!("{}-identity", id.resource_name())), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_domain_is_routed_by_its_proof() {
    let ground = Ground::new().await;
    let domain = "birds.example.org";
    let id = ground.launch(domain).await;
    ground.settle(id).await;
    let is_routed = || ground.cluster.resource(&id.resource_name()).unwrap().spec.routing.enabled;
    assert!(!is_routed());
    assert_eq!(ground.operation(id).await.state, OperationState::Succeeded, "waiting for DNS blocks no step");
    assert_eq!(instances::get(&ground.worker.app, &ground.operator, id).await.unwrap().phase, Phase::WaitingForAddress);

    let row = ground.row(id).await;
    let proof = Domain::of_account(&mut *ground.conn().await, row.account_id, domain).await.unwrap().unwrap();
    let wrong = vec!["howdah-proof=somebody-else's".to_owned()];
    ground.outside.txt.lock().unwrap().insert(format!("_howdah.{domain}"), wrong);
    ground.clock.advance(TimeDelta::minutes(1));
    ground.settle(id).await;
    assert!(!is_routed());

    ground.outside.txt.lock().unwrap().insert(format!("_howdah.{domain}"), vec![proof.proof_token]);
    ground.outside.lead(domain, INGRESS);
    *ground.outside.answers.lock().unwrap() = true;
    ground.clock.advance(TimeDelta::minutes(1));
    ground.settle(id).await;
    assert!(is_routed());
    assert_eq!(instances::get(&ground.worker.app, &ground.operator, id).await.unwrap().phase, Phase::Running);
}
