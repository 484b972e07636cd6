//! Close, Remove and their undoing.

use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{self, Close};
use howdah_app::settings::{self, SettingsChange};
use howdah_app::{Actor, IdempotencyKey, Once, Role, activity, operations};
use howdah_db::models::instance::{Instance, Page};
use howdah_db::models::mail::Mail;
use howdah_domain::{Action, Deletion, Desired, InstanceId, OperationState, Phase};
use serde_json::json;

use crate::ground::{GRACE, Ground, fields, reason};

const PAGE: Page = Page { before: None, limit: 50 };

async fn close(ground: &Ground, actor: &Actor, id: InstanceId) -> Result<(), howdah_app::Error> {
    let asked = confirmed(ground, actor, id).await;
    instances::close(&ground.app, actor, id, &asked, None).await.map(drop)
}

/// With the domain typed again, as it is shown.
async fn confirmed(ground: &Ground, actor: &Actor, id: InstanceId) -> Close {
    Close { confirm: ground.view(actor, id).await.domain, ..Close::default() }
}

async fn states(ground: &Ground, actor: &Actor, id: InstanceId) -> Vec<OperationState> {
    operations::list(&ground.app, actor, id, PAGE).await.unwrap().iter().map(|it| it.state).collect()
}

#[tokio::test]
async fn a_close_cancels_the_launch_and_an_undo_takes_it_up_again() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;

    close(&ground, &ada, id).await.unwrap();
    let view = ground.view(&ada, id).await;
    assert_eq!(view.phase, Phase::Closing);
    assert_eq!(view.desired, Desired::Deleted { deletion: Deletion::Close, after: ground.now() + GRACE });
    assert!(view.leaving.is_some_and(|it| it.can_be_undone));
    assert_eq!(states(&ground, &ada, id).await, [OperationState::Cancelled]);
    assert_eq!(reason(close(&ground, &ada, id).await), "already_leaving");

    let conn = &mut ground.database.conn().await;
    let mails = Mail::waiting(conn, 10).await.unwrap();
    assert_eq!(
        mails.iter().map(|it| (it.purpose.as_str(), it.recipient.as_str())).collect::<Vec<_>>(),
        [("server_closing", "ada@birds.example.org")]
    );
    assert!(mails[0].text_body.contains("https://howdah.localhost/servers/birds\n"), "{}", mails[0].text_body);
    assert!(mails[0].text_body.contains(&format!("Reference: {id}\n")));

    ground.clock.advance(chrono::TimeDelta::seconds(1));
    instances::undo(&ground.app, &ada, id, None, None).await.unwrap();
    assert_eq!(ground.view(&ada, id).await.phase, Phase::Launching);
    assert_eq!(states(&ground, &ada, id).await, [OperationState::Queued, OperationState::Cancelled]);
    assert_eq!(reason(instances::undo(&ground.app, &ada, id, None, None).await), "not_leaving");
}

#[tokio::test]
async fn a_grace_period_is_ended_by_typing_the_domain_again() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;
    let end = async |actor: &Actor, confirm: &str| {
        let asked = Close { confirm: confirm.to_owned(), ..Close::default() };
        instances::end_grace(&ground.app, actor, id, &asked, None).await.map(drop)
    };
    let domain = "birds.fedi.localhost";
    assert_eq!(reason(end(&ada, domain).await), "not_leaving");
    close(&ground, &ada, id).await.unwrap();
    assert_eq!(fields(end(&ada, "").await), [("confirm", "mismatch")]);
    assert_eq!(reason(end(&Actor { role: Role::Technical, ..ada.clone() }, domain).await), "role");
    end(&ada, domain).await.unwrap();
    assert_eq!(ground.view(&ada, id).await.desired, Desired::Deleted { deletion: Deletion::Close, after: ground.now() });
    let told = told_of_the_end(&ground).await;
    assert_eq!(told.len(), 1, "the owner");
    assert!(told[0].contains("Ada ended") && told[0].contains("tell every server"), "{told:?}");
    assert_eq!(reason(end(&ada, domain).await), "grace_over");

    // Of a Remove it is the operators' to end.
    let operator = ground.operator().await;
    instances::remove(&ground.app, &operator, id, None).await.unwrap();
    assert_eq!(reason(end(&ada, domain).await), "operators_only");
    end(&operator, domain).await.unwrap();
    let told = told_of_the_end(&ground).await;
    assert!(told.len() == 2 && told.iter().any(|it| it.contains("An operator of this platform ended")), "{told:?}");
}

/// The bodies of mails to the owner, ada.
async fn told_of_the_end(ground: &Ground) -> Vec<String> {
    let mails = Mail::waiting(&mut *ground.database.conn().await, 10).await.unwrap();
    let of_the_end = mails.into_iter().filter(|it| it.purpose == "grace_ended" && it.recipient == "ada@birds.example.org");
    of_the_end.map(|it| it.text_body).collect()
}

#[tokio::test]
async fn an_operator_is_no_owner_of_somebody_elses_server() {
    let ground = Ground::new().await;
    let (ada, operator) = (ground.customer("ada@birds.example.org").await, ground.operator().await);
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;
    let offered = async || {
        let overview = instances::overview(&ground.app, &operator, instances::Which::Id(id)).await.unwrap();
        let of_leaving = [Action::Close, Action::EndGrace, Action::Undo, Action::Remove];
        overview.actions.into_iter().filter(|it| of_leaving.contains(it)).collect::<Vec<_>>()
    };
    assert_eq!(offered().await, [Action::Remove]);
    assert_eq!(reason(close(&ground, &operator, id).await), "owners_only");
    close(&ground, &ada, id).await.unwrap();
    assert_eq!(offered().await, []);
    let asked = confirmed(&ground, &operator, id).await;
    assert_eq!(reason(instances::end_grace(&ground.app, &operator, id, &asked, None).await), "owners_only");
    assert_eq!(reason(instances::undo(&ground.app, &operator, id, None, None).await), "owners_only");
    instances::remove(&ground.app, &operator, id, None).await.unwrap();
    assert_eq!(offered().await, [Action::Undo, Action::EndGrace]);
    instances::undo(&ground.app, &operator, id, None, None).await.unwrap();
}

#[tokio::test]
async fn after_the_first_pass_nothing_is_undone() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;
    close(&ground, &ada, id).await.unwrap();
    let conn = &mut ground.database.conn().await;
    let row = Instance::by_id(conn, id.as_uuid()).await.unwrap().unwrap();
    let row = Instance::begin_farewell(conn, row.id, row.revision, ground.now()).await.unwrap().unwrap();
    assert_eq!(reason(instances::undo(&ground.app, &ada, id, None, None).await), "farewell_began");
    let operator = ground.operator().await;
    assert_eq!(reason(instances::remove(&ground.app, &operator, id, None).await), "already_leaving");
    Instance::begin_teardown(conn, row.id, row.revision, ground.now()).await.unwrap().unwrap();
    assert_eq!(reason(instances::undo(&ground.app, &ada, id, None, None).await), "teardown_began");
    assert!(ground.view(&ada, id).await.leaving.is_some_and(|it| !it.can_be_undone));
}

#[tokio::test]
async fn undoing_is_no_way_round_an_approval() {
    let ground = Ground::with(SettingsChange {
        new_servers: "by_approval".to_owned(),
        support_address: "help@howdah.example".to_owned(),
        grant_every_launch: true,
        ..SettingsChange::default()
    })
    .await;
    let ada = ground.customer("ada@birds.example.org").await;
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;
    close(&ground, &ada, id).await.unwrap();
    instances::undo(&ground.app, &ada, id, None, None).await.unwrap();
    assert_eq!(ground.view(&ada, id).await.phase, Phase::AwaitingApproval);

    // Nor once new servers are closed altogether.
    let operator = ground.operator().await;
    let closed = SettingsChange {
        new_servers: "closed".to_owned(),
        support_address: "help@howdah.example".to_owned(),
        grant_every_launch: true,
        ..SettingsChange::default()
    };
    let revision = settings::current(&ground.app).await.unwrap().revision;
    settings::change(&ground.app, &operator, Some(revision), &closed).await.unwrap();
    close(&ground, &ada, id).await.unwrap();
    instances::undo(&ground.app, &ada, id, None, None).await.unwrap();
    assert_eq!(ground.view(&ada, id).await.phase, Phase::AwaitingApproval);
}

#[tokio::test]
async fn only_owners_close_and_only_operators_remove() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;
    let technical = Actor { role: Role::Technical, ..ada.clone() };
    assert_eq!(reason(close(&ground, &technical, id).await), "role");
    assert_eq!(reason(instances::remove(&ground.app, &ada, id, None).await), "operators_only");
    let operator = ground.operator().await;
    instances::remove(&ground.app, &operator, id, None).await.unwrap();
    assert_eq!(ground.view(&ada, id).await.phase, Phase::Removing);
    assert_eq!(reason(instances::undo(&ground.app, &ada, id, None, None).await), "operators_only");
    instances::undo(&ground.app, &operator, id, None, None).await.unwrap();
    assert_eq!(ground.view(&ada, id).await.phase, Phase::Launching);
}

#[tokio::test]
async fn a_remove_may_follow_a_close_that_has_told_nobody() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;
    close(&ground, &ada, id).await.unwrap();
    instances::remove(&ground.app, &ground.operator().await, id, None).await.unwrap();
    assert_eq!(ground.view(&ada, id).await.phase, Phase::Removing);
}

#[tokio::test]
async fn a_change_of_what_has_changed_is_refused() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;
    let revision = ground.view(&ada, id).await.revision;
    let stale = Close { if_match: Some(revision + 1), ..Close::default() };
    assert_eq!(reason(instances::close(&ground.app, &ada, id, &stale, None).await), "precondition_failed");
    for confirm in ["", "owls.fedi.localhost", "birds"] {
        let wrong = Close { confirm: confirm.to_owned(), if_match: Some(revision), ..Close::default() };
        assert_eq!(fields(instances::close(&ground.app, &ada, id, &wrong, None).await), [("confirm", "mismatch")]);
    }
    let right = Close { confirm: " Birds.fedi.localhost".to_owned(), if_match: Some(revision), ..Close::default() };
    instances::close(&ground.app, &ada, id, &right, None).await.unwrap();
    assert_eq!(reason(instances::undo(&ground.app, &ada, id, Some(revision), None).await), "precondition_failed");
}

#[tokio::test]
async fn a_close_with_a_key_is_answered_the_same_twice() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;
    let key = IdempotencyKey::new(&ada, "k", "POST", "/close", b"").unwrap();
    let render = |(): &()| (202, json!({"phase": "closing"}));
    let asked = confirmed(&ground, &ada, id).await;
    for is_first in [true, false] {
        let once = instances::close(&ground.app, &ada, id, &asked, Some(Idempotent { key: &key, render: &render })).await;
        assert_eq!(matches!(once.unwrap(), Once::Done(())), is_first);
    }
}

#[tokio::test]
async fn the_owners_link_is_there_once_the_account_is() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let id = ground.launch(&ada, "birds.fedi.localhost").await.unwrap().instance;
    assert_eq!(reason(instances::owner_link(&ground.app, &ada, id, None).await), "owner_not_ready");
    let conn = &mut ground.database.conn().await;
    howdah_db::models::owner_bootstrap::OwnerBootstrap::applied(conn, id.as_uuid(), 1, ground.now()).await.unwrap();
    let link = instances::owner_link(&ground.app, &ada, id, None).await.unwrap().done().unwrap();
    let newest = activity::of_server(&ground.app, &ada, id, None, 1).await.unwrap().remove(0);
    assert_eq!((newest.who.as_str(), newest.action.as_str()), ("Ada", "instance.show_owner_link"));
    let url = secrecy::ExposeSecret::expose_secret(&link.url).to_owned();
    assert!(url.starts_with("https://birds.fedi.localhost/auth/password/edit?reset_password_token="), "{url}");
    assert!(!format!("{link:?}").contains(&url));
    ground.clock.advance(chrono::TimeDelta::hours(6));
    assert_eq!(reason(instances::owner_link(&ground.app, &ada, id, None).await), "link_expired");
}
