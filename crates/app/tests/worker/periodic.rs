//! What comes round: holds that end, resyncs, orphans, mails.

use howdah_app::jobs::{ResyncAll, SendMails};
use howdah_app::worker::WorkerSettings;
use howdah_db::models::instance::{Instance, StandingColumns};
use howdah_db::models::mail::{Mail, NewMail};
use howdah_db::models::orphan::Orphan;
use howdah_domain::{OperationState, Standing};

use crate::ground::Ground;

const DOMAIN: &str = "birds.fedi.localhost";

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_launch_waits_and_begins_with_its_standing() {
    let ground = Ground::with(WorkerSettings::default(), false).await;
    let id = ground.launch(DOMAIN).await;
    ground.settle(id).await;
    assert_eq!(ground.operation(id).await.state, OperationState::Queued);
    assert_eq!((ground.cluster.resources().len(), ground.cluster.secrets().len()), (0, 0));
    let standing = StandingColumns::from(&Standing::Granted { by: "test".to_owned(), until: None });
    let row = ground.row(id).await;
    Instance::set_standing(&mut *ground.conn().await, row.id, row.revision, &standing, row.updated_at).await.unwrap().unwrap();
    ground.settle(id).await;
    assert_eq!(ground.operation(id).await.state, OperationState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_reported_in_both_directions_and_nothing_is_deleted() {
    let ground = Ground::new().await;
    let there = ground.running(DOMAIN).await;
    let lost = ground.launch("fish.fedi.localhost").await;
    ground.settle(lost).await;
    let mut stray = ground.cluster.resource(&lost.resource_name()).unwrap();
    ground.cluster.finish_deletion(&lost.resource_name());
    stray.metadata.name = Some("stray".to_owned());
    ground.cluster.put(stray);
    let orphans = async || {
        ResyncAll::default().work(&ground.worker).await.unwrap();
        let found = Orphan::all(&mut *ground.conn().await).await.unwrap();
        found.into_iter().map(|it| (it.kind, it.name)).collect::<Vec<_>>()
    };
    let expected = [("resource_without_row".to_owned(), "stray".to_owned()), ("row_without_resource".to_owned(), lost.resource_name())];
    assert_eq!(orphans().await, expected);
    assert_eq!(orphans().await, expected);
    assert!(ground.cluster.resource("stray").is_some() && ground.cluster.resource(&there.resource_name()).is_some());
    ground.cluster.finish_deletion("stray");
    ground.settle(lost).await;
    assert_eq!(orphans().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_refuses_is_recorded_and_tried_again() {
    let ground = Ground::new().await;
    *ground.mailer.refuses.lock().unwrap() = true;
    ground.running(DOMAIN).await;
    let send = async || SendMails::default().work(&ground.worker).await.unwrap();
    send().await;
    let waiting = Mail::waiting(&mut *ground.conn().await, 10).await.unwrap();
    let tried: Vec<_> = waiting.iter().map(|it| (it.purpose.as_str(), it.attempts, it.last_error.as_deref())).collect();
    assert_eq!(tried, [("server_ready", 1, Some("550 go away"))]);
    assert!(!waiting[0].text_body.contains("reset_password_token"), "the outbox holds no way in");
    *ground.mailer.refuses.lock().unwrap() = false;
    send().await;
    assert_eq!(ground.mailer.sent.lock().unwrap().len(), 0, "it is not due yet");
    ground.clock.advance(chrono::TimeDelta::minutes(1));
    send().await;
    send().await;
    let sent = ground.mailer.sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].recipient, "owner@example.org");
    assert!(sent[0].text_body.contains("https://birds.fedi.localhost/auth/password/edit?reset_password_token="));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_like_a_mark_in_another_mail_opens_nothing() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let text_body = format!("account {{owner-link of {id}}}");
    let mail = NewMail {
        id: id.as_uuid(),
        purpose: "server_closing",
        person_id: None,
        recipient: "eve@example.org",
        subject: "closing",
        text_body: &text_body,
        html_body: None,
        created_at: ground.row(id).await.created_at,
    };
    mail.insert(&mut *ground.conn().await).await.unwrap();
    SendMails::default().work(&ground.worker).await.unwrap();
    let sent = ground.mailer.sent.lock().unwrap().clone();
    let to_eve = sent.iter().find(|it| it.recipient == "eve@example.org").unwrap();
    assert_eq!(to_eve.text_body, text_body);
}
