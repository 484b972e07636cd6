//! What a launch records, and what it refuses.

use std::time::Duration;

use futures::future::join_all;
use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{self, LaunchRequest, Launched};
use howdah_app::sealed::{self, Kind};
use howdah_app::settings::SettingsChange;
use howdah_app::{Error, IdempotencyKey, Once, operations};
use howdah_db::models::instance::{Instance, Page};
use howdah_domain::{Desired, Hold, InstanceId, OperationKind, OperationState, Phase, StepState};
use howdah_testkit::wait::wait_for;
use serde_json::json;

use crate::ground::{Ground, fields, reason, request};

const PAGE: Page = Page { before: None, limit: 50 };

#[tokio::test]
async fn a_launch_records_all_that_it_needs() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let launched = ground.launch(&ada, "Birds.fedi.localhost").await.unwrap();

    let view = ground.view(&ada, launched.instance).await;
    assert_eq!((view.domain.as_str(), view.slug.as_str()), ("birds.fedi.localhost", "birds"));
    assert_eq!((view.phase, view.desired), (Phase::Launching, Desired::Running));
    assert_eq!(view.address.media, "https://media.birds.fedi.localhost");
    assert!(view.address.is_proven && view.address.proofs.is_empty() && view.address.records.is_empty());
    assert_eq!(view.cluster, None, "where it is, is the operator's to know");

    let operation = operations::get(&ground.app, &ada, launched.operation).await.unwrap();
    assert_eq!((operation.kind, operation.state), (OperationKind::Create, OperationState::Queued));
    assert_eq!(operation.steps.len(), 9);
    assert!(operation.steps.iter().all(|it| it.state == StepState::Waiting && it.failure.is_none()));
    assert_eq!(operations::list(&ground.app, &ada, launched.instance, PAGE).await.unwrap(), [operation]);

    let conn = &mut ground.database.conn().await;
    let id = launched.instance.as_uuid();
    let row = Instance::by_id(conn, id).await.unwrap().unwrap();
    assert_eq!(row.image_mastodon, format!("stand-in:{}", row.version));
    let identity = sealed::open(conn, &ground.app.keys, id, Kind::Identity).await.unwrap().unwrap();
    assert!(howdah_crd::secrets::identity::REQUIRED.iter().all(|it| identity.contains_key(*it)));
    let relay = sealed::open(conn, &ground.app.keys, id, Kind::Smtp).await.unwrap().unwrap();
    assert_eq!(relay["SMTP_LOGIN"], launched.instance.resource_name());
    assert_eq!(relay["SMTP_ENABLE_STARTTLS"], "always");
}

#[tokio::test]
async fn an_own_domain_has_a_proof_and_records_to_be_set() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let split = LaunchRequest { web_domain: Some("social.birds.test".to_owned()), ..request("birds.test") };
    let Once::Done(launched) = instances::launch(&ground.app, &ada, &split, None).await.unwrap() else { panic!() };
    let address = ground.view(&ada, launched.instance).await.address;
    assert!(address.is_own && !address.is_proven);
    let [proof] = &address.proofs[..] else { panic!("{:?}", address.proofs) };
    assert_eq!(proof.name, "_howdah.birds.test");
    assert!(proof.value.starts_with("howdah-proof=") && proof.proven_at.is_none());
    let records: Vec<String> = address.records.iter().map(|it| format!("{} {} {}", it.name, it.kind, it.value)).collect();
    assert_eq!(
        records,
        [
            "social.birds.test A 192.0.2.1",
            "social.birds.test AAAA 2001:db8::1",
            "media.social.birds.test A 192.0.2.1",
            "media.social.birds.test AAAA 2001:db8::1",
        ]
    );
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let wrong = LaunchRequest {
        domain: "admin.fedi.localhost".to_owned(),
        plan: "huge".to_owned(),
        owner_username: "admin".to_owned(),
        owner_email: "nobody".to_owned(),
        ..LaunchRequest::default()
    };
    let refused = instances::launch(&ground.app, &ada, &wrong, None).await;
    let expected = [("domain", "reserved"), ("plan", "unknown_plan"), ("owner.username", "reserved"), ("owner.email", "malformed")];
    assert_eq!(fields(refused), expected);
    let table = [
        ("", "missing"),
        ("birds", "single_label"),
        ("10.0.0.1", "ip_address"),
        ("co.uk", "public_suffix"),
        ("birds.example", "reserved_tld"),
        ("mastodon.fedi.localhost", "trademark"),
        ("mastodon-birds.test", "trademark"),
    ];
    for (domain, reason) in table {
        assert_eq!(fields(ground.launch(&ada, domain).await), [("domain", reason)], "{domain}");
    }
    let allowed = LaunchRequest { trademark_permission: true, ..request("mastodon-birds.test") };
    assert!(instances::launch(&ground.app, &ada, &allowed, None).await.is_ok());
}

#[tokio::test]
async fn of_two_launches_of_one_domain_at_once_one_wins() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let bob = ground.customer("bob@birds.example.org").await;
    let (one, two) = tokio::join!(ground.launch(&ada, "birds.test"), ground.launch(&bob, "birds.test"));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "{one:?} {two:?}");
    assert_eq!(reason(if one.is_ok() { two } else { one }), "name_taken");
    // The media host of a server is a name that it holds, too.
    let carol = ground.customer("carol@birds.example.org").await;
    assert_eq!(reason(ground.launch(&carol, "media.birds.test").await), "name_taken");
}

#[tokio::test]
async fn the_same_key_twenty_times_at_once_launches_once() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let key = IdempotencyKey::new(&ada, "k-1", "POST", "/api/v1/instances", b"body").unwrap();
    let render = |it: &Launched| (202, json!({"id": it.instance.to_string()}));
    let request = request("birds.fedi.localhost");
    let once = async |_| {
        let ask = async || match instances::launch(&ground.app, &ada, &request, Some(Idempotent { key: &key, render: &render })).await {
            // The pool is smaller than the crowd: whoever is sent away comes again, as a client does.
            Err(Error::Unavailable { .. }) => None,
            answer => Some(answer),
        };
        wait_for("an answer", Duration::from_secs(60), ask).await
    };
    let answers = join_all((0..20).map(once)).await;
    let ids: Vec<String> = answers
        .into_iter()
        .map(|answer| match answer.unwrap() {
            Once::Done(launched) => launched.instance.to_string(),
            Once::Again { status, body } => {
                assert_eq!(status, 202);
                body["id"].as_str().unwrap().to_owned()
            }
        })
        .collect();
    assert!(ids.iter().all(|it| *it == ids[0]));
    assert_eq!(instances::list(&ground.app, &ada, false, PAGE).await.unwrap().len(), 1);

    let other = IdempotencyKey::new(&ada, "k-1", "POST", "/api/v1/instances", b"other body").unwrap();
    let reused = instances::launch(&ground.app, &ada, &request, Some(Idempotent { key: &other, render: &render })).await;
    assert_eq!(reason(reused), "idempotency_key_reused");
}

#[tokio::test]
async fn a_refused_launch_leaves_its_key_free() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let bob = ground.customer("bob@birds.example.org").await;
    ground.launch(&bob, "birds.fedi.localhost").await.unwrap();
    let key = IdempotencyKey::new(&ada, "k-1", "POST", "/api/v1/instances", b"body").unwrap();
    let render = |_: &Launched| (202, json!({}));
    let with_key = Idempotent { key: &key, render: &render };
    assert_eq!(reason(instances::launch(&ground.app, &ada, &request("birds.fedi.localhost"), Some(with_key)).await), "name_taken");
    let second = instances::launch(&ground.app, &ada, &request("owls.fedi.localhost"), Some(with_key)).await.unwrap();
    assert!(matches!(second, Once::Done(_)));
}

#[tokio::test]
async fn an_account_has_the_servers_it_may_have() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let (one, two) = tokio::join!(ground.launch(&ada, "birds.fedi.localhost"), ground.launch(&ada, "owls.fedi.localhost"));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "two at once count each other");
    assert_eq!(reason(if one.is_ok() { two } else { one }), "limit_reached");
    howdah_app::upkeep::allow_servers(&ground.app, "ada@birds.example.org", Some(2)).await.unwrap();
    ground.launch(&ada, "swans.fedi.localhost").await.unwrap();
    let view = howdah_app::account::get(&ground.app, &ada).await.unwrap();
    assert_eq!((view.servers, view.servers_allowed), (2, 2));
}

fn settings(new_servers: &str, grant_every_launch: bool) -> SettingsChange {
    SettingsChange {
        new_servers: new_servers.to_owned(),
        new_servers_sentence: "We are full until May.".to_owned(),
        support_address: "help@howdah.example".to_owned(),
        grant_every_launch,
        ..SettingsChange::default()
    }
}

#[tokio::test]
async fn a_closed_platform_says_why() {
    let ground = Ground::with(settings("closed", true)).await;
    let ada = ground.customer("ada@birds.example.org").await;
    let refused = ground.launch(&ada, "birds.fedi.localhost").await.unwrap_err();
    assert!(matches!(&refused, Error::Closed { sentence } if sentence == "We are full until May."), "{refused:?}");
    let operator = ground.operator().await;
    assert!(ground.launch(&operator, "birds.fedi.localhost").await.is_ok());
}

#[tokio::test]
async fn a_launch_by_approval_waits_for_an_operator() {
    let ground = Ground::with(settings("by_approval", true)).await;
    let ada = ground.customer("ada@birds.example.org").await;
    let launched = ground.launch(&ada, "birds.fedi.localhost").await.unwrap();
    let view = ground.view(&ada, launched.instance).await;
    assert_eq!((view.phase, view.desired), (Phase::AwaitingApproval, Desired::Suspended { by: Hold::Approval }));
    assert_eq!(reason(instances::approve(&ground.app, &ada, launched.instance, None, None).await), "operators_only");
    let operator = ground.operator().await;
    instances::approve(&ground.app, &operator, launched.instance, Some(view.revision), None).await.unwrap();
    assert_eq!(ground.view(&ada, launched.instance).await.phase, Phase::Launching);
    assert_eq!(reason(instances::approve(&ground.app, &operator, launched.instance, None, None).await), "not_held");
}

#[tokio::test]
async fn what_nobody_paid_or_granted_waits() {
    let ground = Ground::with(settings("open", false)).await;
    let ada = ground.customer("ada@birds.example.org").await;
    let launched = ground.launch(&ada, "birds.fedi.localhost").await.unwrap();
    assert_eq!(ground.view(&ada, launched.instance).await.phase, Phase::AwaitingPayment);
    let operator = ground.operator().await;
    instances::approve(&ground.app, &operator, launched.instance, None, None).await.unwrap();
    assert_eq!(ground.view(&ada, launched.instance).await.phase, Phase::Launching);
}

#[tokio::test]
async fn only_operators_choose_the_cluster() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let on = |cluster: &str| LaunchRequest { cluster: Some(cluster.to_owned()), ..request("birds.fedi.localhost") };
    assert_eq!(reason(instances::launch(&ground.app, &ada, &on("fake"), None).await), "operators_only");
    let operator = ground.operator().await;
    assert_eq!(fields(instances::launch(&ground.app, &operator, &on("moon"), None).await), [("cluster", "unknown_cluster")]);
    let Once::Done(launched) = instances::launch(&ground.app, &operator, &on("fake"), None).await.unwrap() else { panic!() };
    assert_eq!(ground.view(&operator, launched.instance).await.cluster.as_deref(), Some("fake"));
}

#[tokio::test]
async fn anothers_server_is_as_one_that_never_was() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let bob = ground.customer("bob@birds.example.org").await;
    let launched = ground.launch(&ada, "birds.fedi.localhost").await.unwrap();
    let unknown = InstanceId::generate(ground.now(), &howdah_app::OsRandomness);
    for id in [launched.instance, unknown] {
        let told = [
            instances::get(&ground.app, &bob, id).await.map(drop),
            operations::list(&ground.app, &bob, id, PAGE).await.map(drop),
            instances::close(&ground.app, &bob, id, &instances::Close::default(), None).await.map(drop),
            instances::undo(&ground.app, &bob, id, None, None).await.map(drop),
            instances::remove(&ground.app, &bob, id, None).await,
            instances::owner_link(&ground.app, &bob, id, None).await.map(drop),
        ];
        for told in told {
            assert_eq!(told.unwrap_err().to_string(), "There is no such server.");
        }
    }
    assert_eq!(reason(operations::get(&ground.app, &bob, launched.operation).await), "not_found");
    assert!(instances::list(&ground.app, &bob, false, PAGE).await.unwrap().is_empty());
    assert_eq!(reason(instances::list(&ground.app, &bob, true, PAGE).await), "operators_only");
    let operator = ground.operator().await;
    assert_eq!(instances::list(&ground.app, &operator, true, PAGE).await.unwrap().len(), 1);
}
