//! New links for a server's owner: made, given, mailed, and given up.

use chrono::TimeDelta;
use howdah_app::idempotency::{IdempotencyKey, Idempotent};
use howdah_app::instances::{self, OwnerLinkState, Which};
use howdah_app::jobs::SendMails;
use howdah_app::{Error, Once};
use howdah_crd::secrets::owner;
use howdah_db::models::mail::Mail;
use howdah_domain::{Action, InstanceId};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::fakes::Break;
use crate::ground::Ground;

const DOMAIN: &str = "birds.fedi.localhost";

impl Ground {
    async fn send_link(&self, id: InstanceId) -> Result<(), Error> {
        instances::send_owner_link(&self.worker.app, &self.operator, id, None).await.map(drop)
    }

    async fn link(&self, id: InstanceId) -> OwnerLinkState {
        instances::overview(&self.worker.app, &self.operator, Which::Id(id)).await.unwrap().owner_link
    }

    fn owner_secret(&self, id: InstanceId) -> Option<std::collections::BTreeMap<String, String>> {
        self.cluster.owner_secret(&id.resource_name())
    }

    async fn shown(&self, id: InstanceId) -> String {
        instances::owner_link(&self.worker.app, &self.operator, id, None).await.unwrap().done().unwrap().url.expose_secret().to_owned()
    }
}

fn reason(result: Result<(), Error>) -> &'static str {
    result.unwrap_err().reason()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_is_sent_down_given_mailed_and_nothing_stays_in_the_cluster() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.settle(id).await;
    let first = ground.shown(id).await;
    assert_eq!(ground.owner_secret(id), None);
    let revision = ground.row(id).await.revision;
    ground.clock.advance(TimeDelta::hours(1));

    ground.send_link(id).await.unwrap();
    assert!(matches!(ground.link(id).await, OwnerLinkState::OnItsWay { .. }));
    assert_eq!(reason(ground.send_link(id).await), "link_on_its_way");
    assert_eq!(reason(instances::owner_link(&ground.worker.app, &ground.operator, id, None).await.map(drop)), "link_on_its_way");
    ground.sync(id).await;
    let sent = ground.owner_secret(id).expect("a Secret");
    assert!(sent.contains_key(owner::RESET_PASSWORD_TOKEN) && !sent.contains_key(owner::EMAIL), "{:?}", sent.keys());
    let spec = ground.cluster.resource(&id.resource_name()).unwrap().spec;
    assert_ne!(
        spec.owner_link.unwrap().secret_ref.name,
        format!("{}-owner", id.resource_name()),
        "whoever sees the old spec takes it for done with"
    );
    assert!(spec.revision > revision);
    let writes = ground.cluster.writes();
    ground.sync(id).await;
    assert_eq!(ground.cluster.writes(), writes, "the second time writes nothing");

    ground.operate(id).await;
    let OwnerLinkState::Ready { was_shown, .. } = ground.link(id).await else { panic!("{:?}", ground.link(id).await) };
    assert!(!was_shown);
    let second = ground.shown(id).await;
    assert!(second != first && second.ends_with(&sent[owner::RESET_PASSWORD_TOKEN]));
    ground.sync(id).await;
    ground.operate(id).await;
    assert_eq!(ground.owner_secret(id), None);
    assert_eq!(ground.cluster.resource(&id.resource_name()).unwrap().spec.owner_link, None);
    assert_eq!(ground.cluster.identities(&format!("{}-identity", id.resource_name())), 1);

    let waiting = Mail::waiting(&mut *ground.conn().await, 10).await.unwrap();
    let mail = waiting.iter().find(|it| it.purpose == "owner_link").expect("a mail");
    assert!(!mail.text_body.contains("reset_password_token"), "the outbox holds no way in");
    SendMails::default().work(&ground.worker).await.unwrap();
    let mails = ground.mailer.sent.lock().unwrap().clone();
    let mails: Vec<_> = mails.iter().filter(|it| it.text_body.contains(&second)).map(|it| it.recipient.as_str()).collect();
    assert!(mails.contains(&"operator@howdah.example"), "to whoever asked: {mails:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_of_a_new_link_fails_it_is_given_once() {
    let life = async |at: Option<Break>| {
        let ground = Ground::new().await;
        let id = ground.running(DOMAIN).await;
        ground.settle(id).await;
        ground.clock.advance(TimeDelta::hours(1));
        ground.send_link(id).await.unwrap();
        ground.cluster.break_at(at);
        for _ in 0..4 {
            ground.round(id).await;
        }
        assert!(matches!(ground.link(id).await, OwnerLinkState::Ready { .. }), "{at:?}");
        assert_eq!(ground.owner_secret(id), None, "{at:?}");
        assert_eq!(ground.cluster.resource(&id.resource_name()).unwrap().spec.owner_link, None, "{at:?}");
        let mails = Mail::waiting(&mut *ground.conn().await, 10).await.unwrap();
        assert_eq!(mails.iter().filter(|it| it.purpose == "owner_link").count(), 1, "{at:?}");
        (ground.cluster.calls(), ground.cluster.written())
    };
    let (calls, written) = life(None).await;
    assert!(written.len() >= 4, "{calls} {written:?}");
    // What comes after the last write has nothing left to break.
    let last = *written.last().unwrap();
    for at in (1..=last).map(Break::Before).chain(written.into_iter().map(Break::After)) {
        life(Some(at)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_nobody_can_be_given_is_given_up_and_says_why() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.clock.advance(TimeDelta::hours(7));
    assert_eq!(ground.link(id).await, OwnerLinkState::Expired);
    *ground.cluster.owner_is_gone.lock().unwrap() = true;
    ground.send_link(id).await.unwrap();
    ground.settle(id).await;
    let OwnerLinkState::Failed { sentence } = ground.link(id).await else { panic!("it failed") };
    assert!(sentence.contains("no longer there"), "{sentence}");
    assert_eq!(ground.owner_secret(id), None);

    // The cluster is away for long: whoever waited has gone.
    *ground.cluster.owner_is_gone.lock().unwrap() = false;
    *ground.cluster.away.lock().unwrap() = true;
    ground.clock.advance(TimeDelta::minutes(5));
    ground.send_link(id).await.unwrap();
    ground.sync(id).await;
    ground.clock.advance(TimeDelta::minutes(61));
    ground.tick().await;
    let OwnerLinkState::Failed { sentence } = ground.link(id).await else { panic!("it failed") };
    assert!(sentence.contains("within an hour"), "{sentence}");
    *ground.cluster.away.lock().unwrap() = false;
    ground.settle(id).await;
    assert!(matches!(ground.link(id).await, OwnerLinkState::Failed { .. }));

    ground.send_link(id).await.unwrap();
    ground.settle(id).await;
    assert!(matches!(ground.link(id).await, OwnerLinkState::Ready { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_an_hour_and_only_while_it_runs() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    assert_eq!(reason(ground.send_link(id).await), "owner_not_ready");
    ground.outside.lead(DOMAIN, crate::ground::INGRESS);
    *ground.outside.answers.lock().unwrap() = true;
    ground.settle(id).await;
    let overview = instances::overview(&ground.worker.app, &ground.operator, Which::Id(id)).await.unwrap();
    assert!(overview.actions.contains(&Action::SendOwnerLink), "{:?}", overview.actions);
    for _ in 0..3 {
        ground.send_link(id).await.unwrap();
        ground.settle(id).await;
    }
    assert_eq!(reason(ground.send_link(id).await), "rate_limited");
    ground.clock.advance(TimeDelta::minutes(61));
    let key = IdempotencyKey::new(&ground.operator, "k", "POST", "/new", b"").unwrap();
    let render = |(): &()| (202, json!({}));
    for is_first in [true, false] {
        let idempotent = Some(Idempotent { key: &key, render: &render });
        let once = instances::send_owner_link(&ground.worker.app, &ground.operator, id, idempotent).await.unwrap();
        assert_eq!(matches!(once, Once::Done(())), is_first);
    }
    ground.settle(id).await;
    ground.close(id).await;
    assert_eq!(reason(ground.send_link(id).await), "not_running");
}
