//! What comes round: holds that end, resyncs, orphans, mails.

use chrono::TimeDelta;
use howdah_app::instances;
use howdah_app::jobs::{ResyncAll, SendMails};
use howdah_app::reset;
use howdah_app::sessions::Client;
use howdah_app::sign_up::{self, SignUpRequest};
use howdah_app::worker::WorkerSettings;
use howdah_db::models::audit_anchor;
use howdah_db::models::domain::Domain;
use howdah_db::models::instance::{Instance, StandingColumns};
use howdah_db::models::mail::{Mail, NewMail};
use howdah_db::models::name_claim::NameClaim;
use howdah_db::models::orphan::Orphan;
use howdah_domain::{Clock, Deletion, Desired, OperationState, Standing};

use crate::ground::{GRACE, Ground};

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
    ground.clock.advance(TimeDelta::minutes(1));
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
    let text_body = "account \u{1a}".to_owned();
    let mail = NewMail {
        id: id.as_uuid(),
        purpose: "server_closing",
        person_id: None,
        recipient: "eve@example.org",
        subject: "closing",
        text_body: &text_body,
        html_body: None,
        link: None,
        instance_id: Some(id.as_uuid()),
        link_version: None,
        created_at: ground.row(id).await.created_at,
    };
    mail.insert(&mut *ground.conn().await).await.unwrap();
    SendMails::default().work(&ground.worker).await.unwrap();
    let sent = ground.mailer.sent.lock().unwrap().clone();
    let to_eve = sent.iter().find(|it| it.recipient == "eve@example.org").unwrap();
    assert_eq!(to_eve.text_body, text_body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_put_in_when_the_mail_is_sent_and_forgotten_then() {
    let ground = Ground::new().await;
    let client = Client { address: [192, 0, 2, 7].into(), user_agent: "" };
    reset::ask(&ground.worker.app, "operator@howdah.example", &client).await.unwrap();
    let [waiting] = &Mail::waiting(&mut *ground.conn().await, 10).await.unwrap()[..] else { panic!() };
    let link = waiting.link.clone().unwrap();
    assert!(!waiting.text_body.contains(&link) && !waiting.html_body.as_ref().unwrap().contains(&link));
    SendMails::default().work(&ground.worker).await.unwrap();
    let [sent] = &ground.mailer.sent.lock().unwrap().clone()[..] else { panic!() };
    assert_eq!(sent.text_body.matches(&link).count(), 1);
    assert_eq!(sent.html_body.as_ref().unwrap().matches(&link).count(), 2);
    assert_eq!(sent.reply_to.as_deref(), Some("help@howdah.example"));
    let kept = Mail::by_id(&mut *ground.conn().await, waiting.id).await.unwrap().unwrap();
    assert!(kept.sent_at.is_some() && kept.link.is_none() && !kept.text_body.contains("token="));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_forgotten_a_month_after_it_was_sent_or_dropped() {
    let ground = Ground::new().await;
    let client = Client { address: [192, 0, 2, 7].into(), user_agent: "" };
    let write = async || {
        reset::ask(&ground.worker.app, "operator@howdah.example", &client).await.unwrap();
        let all = Mail::waiting(&mut *ground.conn().await, 10).await.unwrap();
        all.last().unwrap().id
    };
    let dropped = write().await;
    Mail::dropped(&mut *ground.conn().await, dropped, "recipient_left", ground.clock.now()).await.unwrap();
    let sent = write().await;
    Mail::sent(&mut *ground.conn().await, sent, ground.clock.now() + TimeDelta::days(1)).await.unwrap();
    let waiting = write().await;
    let kept = async || {
        ground.tick().await;
        let conn = &mut *ground.conn().await;
        let mut kept = Vec::new();
        for id in [dropped, sent, waiting] {
            kept.push(Mail::by_id(conn, id).await.unwrap().is_some());
        }
        kept
    };
    ground.clock.advance(TimeDelta::days(30));
    assert_eq!(kept().await, [true, true, true]);
    ground.clock.advance(TimeDelta::seconds(1));
    assert_eq!(kept().await, [false, true, true]);
    ground.clock.advance(TimeDelta::days(1));
    assert_eq!(kept().await, [false, false, true], "what waits is still to be sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_anchored_once_an_hour() {
    let ground = Ground::new().await;
    let anchors = async || {
        ground.tick().await;
        audit_anchor::verify(&mut *ground.conn().await, &[]).await.unwrap()
    };
    assert_eq!(anchors().await, (1, Vec::new()));
    ground.clock.advance(TimeDelta::minutes(59));
    assert_eq!(anchors().await.0, 1);
    ground.clock.advance(TimeDelta::minutes(1));
    assert_eq!(anchors().await.0, 2);
    assert_eq!(anchors().await, (2, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_of_the_future_stops_no_anchor() {
    let ground = Ground::new().await;
    let next_year = ground.clock.now() + TimeDelta::days(400);
    let conn = &mut *ground.conn().await;
    howdah_db::transaction(conn, async |conn| audit_anchor::anchor(conn, next_year).await).await.unwrap();
    for _ in 0..2 {
        ground.tick().await;
        assert_eq!(audit_anchor::verify(conn, &[]).await.unwrap(), (2, Vec::new()), "one is made, and the next in an hour");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_forgotten_in_time() {
    let ground = Ground::new().await;
    let client = Client { address: [192, 0, 2, 7].into(), user_agent: "" };
    let request = SignUpRequest { name: "Ada".to_owned(), email: "ada@birds.example.org".to_owned(), account_name: String::new() };
    sign_up::ask(&ground.worker.app, &request, &client).await.unwrap();
    let link = Mail::waiting(&mut *ground.conn().await, 10).await.unwrap()[0].link.clone().unwrap();
    let token = link.split_once("token=").unwrap().1;
    let look = async || sign_up::look(&ground.worker.app, token).await.unwrap_err().reason();
    ground.clock.advance(chrono::TimeDelta::days(29));
    ground.tick().await;
    assert_eq!(look().await, "link_expired");
    ground.clock.advance(chrono::TimeDelta::days(2));
    ground.tick().await;
    assert_eq!(look().await, "link_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_nobody_proves_is_not_kept_for_ever() {
    let ground = Ground::new().await;
    let domain = "birds.example.org";
    let id = ground.launch(domain).await;
    ground.settle(id).await;
    ground.clock.advance(TimeDelta::days(14) - TimeDelta::seconds(1));
    ground.settle(id).await;
    assert_eq!(ground.row(id).await.desired().unwrap(), Desired::Running);

    ground.clock.advance(TimeDelta::seconds(1));
    ground.settle(id).await;
    let after = ground.clock.now() + GRACE;
    assert_eq!(ground.row(id).await.desired().unwrap(), Desired::Deleted { deletion: Deletion::Close, after });
    ground.settle(id).await;
    SendMails::default().work(&ground.worker).await.unwrap();
    let mails = ground.mailer.sent.lock().unwrap().clone();
    let told: Vec<_> = mails.iter().filter(|it| it.subject.contains("not proven")).map(|it| it.recipient.as_str()).collect();
    assert_eq!(told, ["operator@howdah.example"], "its owner, once");

    // Taken back, it has as long again.
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    ground.settle(id).await;
    assert_eq!(ground.row(id).await.desired().unwrap(), Desired::Running);
    ground.clock.advance(TimeDelta::days(14));
    ground.settle(id).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.settle(id).await;
    ground.bundle(id).await;
    ground.settle(id).await;
    let row = ground.row(id).await;
    assert!(row.tombstoned_at.is_some() && row.farewell_began_at.is_none());
    assert!(!NameClaim::is_any_held(&mut *ground.conn().await, &[domain]).await.unwrap(), "somebody else may have the name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proven_domain_stays() {
    let ground = Ground::new().await;
    let domain = "birds.example.org";
    let id = ground.launch(domain).await;
    let row = ground.row(id).await;
    let proof = Domain::of_account(&mut *ground.conn().await, row.account_id, domain).await.unwrap().unwrap();
    ground.outside.txt.lock().unwrap().insert(format!("_howdah.{domain}"), vec![proof.proof_token]);
    ground.settle(id).await;
    ground.clock.advance(TimeDelta::days(60));
    ground.settle(id).await;
    assert_eq!(ground.row(id).await.desired().unwrap(), Desired::Running);
}
