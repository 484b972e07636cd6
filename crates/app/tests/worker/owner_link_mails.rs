//! The mail about a link for a server's owner: of the link that it was written for, to who may have it when it goes, or to nobody.

use chrono::TimeDelta;
use howdah_app::jobs::SendMails;
use howdah_app::ports::mailer::Envelope;
use howdah_app::{Actor, Role, instances, members};
use howdah_db::models::account::Membership;
use howdah_db::models::mail::Mail;
use howdah_db::models::owner_bootstrap::OwnerBootstrap;
use howdah_db::models::person::Person;
use howdah_domain::InstanceId;
use howdah_testkit::rows;
use secrecy::ExposeSecret;

use crate::ground::Ground;

const DOMAIN: &str = "birds.fedi.localhost";
const EVE: &str = "eve@birds.example.org";

impl Ground {
    /// Another owner of the operator's account.
    async fn another_owner(&self, is_operator: bool) -> Actor {
        let conn = &mut self.conn().await;
        let eve = rows::person(conn, EVE).await;
        if is_operator {
            self.database.execute("UPDATE people SET is_operator = true").await;
        }
        let account_id = self.operator.account.as_uuid();
        let role = Role::Owner.as_str().to_owned();
        Membership { account_id, person_id: eve.id, role, created_at: rows::now() }.insert(conn).await.unwrap();
        Actor { person: howdah_domain::PersonId::from_uuid(eve.id), is_operator, ..self.operator.clone() }
    }

    /// Asked for by somebody, and taken by Mastodon; its mail waits.
    async fn give_link(&self, by: &Actor, id: InstanceId) {
        self.clock.advance(TimeDelta::minutes(1));
        instances::send_owner_link(&self.worker.app, by, id, None).await.unwrap();
        self.settle(id).await;
    }

    async fn present_link(&self, id: InstanceId) -> String {
        instances::owner_link(&self.worker.app, &self.operator, id, None).await.unwrap().done().unwrap().url.expose_secret().to_owned()
    }

    /// The mails about links that wait, by whom they are for, the oldest first.
    async fn waiting_links(&self) -> Vec<String> {
        let waiting = Mail::waiting(&mut *self.conn().await, 10).await.unwrap();
        waiting.into_iter().filter(|it| it.purpose == "owner_link").map(|it| it.recipient).collect()
    }

    /// Sends what waits, of which nothing is left then; of the mails about links those that went, and why the others didn't.
    async fn send_links(&self) -> (Vec<Envelope>, Vec<String>) {
        self.mailer.sent.lock().unwrap().clear();
        let conn = &mut self.conn().await;
        let waiting = Mail::waiting(conn, 10).await.unwrap();
        SendMails::default().work(&self.worker).await.unwrap();
        assert_eq!(Mail::waiting(conn, 10).await.unwrap().len(), 0, "sent or dropped");
        let mut dropped = Vec::new();
        for mail in waiting {
            dropped.extend(Mail::by_id(conn, mail.id).await.unwrap().unwrap().dropped_reason);
        }
        let sent = self.mailer.sent.lock().unwrap().clone();
        (sent.into_iter().filter(|it| it.subject.starts_with("A new link")).collect(), dropped)
    }

    /// Of one mail that waits.
    async fn is_dropped_as(&self, reason: &str) {
        assert_eq!(self.waiting_links().await.len(), 1);
        assert_eq!(self.send_links().await, (vec![], vec![reason.to_owned()]));
    }

    async fn running_and_told(&self) -> InstanceId {
        let id = self.running(DOMAIN).await;
        self.settle(id).await;
        assert_eq!(self.send_links().await, (vec![], vec![]));
        id
    }
}

fn holds_a_way_in(mail: &Envelope) -> bool {
    mail.text_body.contains("reset_password_token") || mail.html_body.iter().any(|it| it.contains("reset_password_token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_waited_carries_no_later_link_than_its_own() {
    let ground = Ground::new().await;
    let id = ground.running_and_told().await;
    let eve = ground.another_owner(false).await;
    ground.give_link(&eve, id).await;
    let first = ground.present_link(id).await;
    ground.give_link(&ground.operator, id).await;
    let second = ground.present_link(id).await;
    assert_ne!(first, second);
    assert_eq!(ground.waiting_links().await, [EVE, "operator@howdah.example"]);

    let (sent, dropped) = ground.send_links().await;
    assert_eq!(dropped, ["link_replaced"]);
    let [mail] = &sent[..] else { panic!("one of two") };
    assert_eq!(mail.recipient, "operator@howdah.example");
    assert!(mail.text_body.contains(&second) && !mail.text_body.contains(&first), "{}", mail.text_body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_link_is_being_replaced_or_is_over_is_not_sent() {
    let ground = Ground::new().await;
    let id = ground.running_and_told().await;
    ground.give_link(&ground.operator, id).await;
    ground.clock.advance(TimeDelta::minutes(1));
    instances::send_owner_link(&ground.worker.app, &ground.operator, id, None).await.unwrap();
    ground.is_dropped_as("link_replaced").await;
    ground.settle(id).await;
    ground.clock.advance(TimeDelta::hours(6));
    ground.is_dropped_as("link_expired").await;

    ground.give_link(&ground.operator, id).await;
    OwnerBootstrap::erase(&mut *ground.conn().await, id.as_uuid()).await.unwrap();
    ground.is_dropped_as("server_gone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_before_the_link_was_given_gets_none() {
    for is_operator in [false, true] {
        let ground = Ground::new().await;
        let id = ground.running_and_told().await;
        let eve = ground.another_owner(is_operator).await;
        ground.clock.advance(TimeDelta::minutes(1));
        instances::send_owner_link(&ground.worker.app, &eve, id, None).await.unwrap();
        members::remove(&ground.worker.app, &ground.operator, eve.person).await.unwrap();
        ground.settle(id).await;
        assert_eq!(ground.waiting_links().await, [""; 0], "an operator: {is_operator}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_have_the_link_any_more_when_the_mail_goes_gets_none() {
    let ground = Ground::new().await;
    let id = ground.running_and_told().await;
    let eve = ground.another_owner(false).await;
    let app = &ground.worker.app;

    ground.give_link(&eve, id).await;
    members::change_role(app, &ground.operator, eve.person, Role::Technical).await.unwrap();
    ground.is_dropped_as("recipient_left").await;
    members::change_role(app, &ground.operator, eve.person, Role::Owner).await.unwrap();

    ground.give_link(&eve, id).await;
    Person::set_email(&mut *ground.conn().await, eve.person.as_uuid(), "eve@elsewhere.example.org").await.unwrap();
    ground.is_dropped_as("recipient_left").await;

    ground.give_link(&eve, id).await;
    members::remove(app, &ground.operator, eve.person).await.unwrap();
    ground.is_dropped_as("recipient_left").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_about_a_server_that_is_ready_goes_without_a_link_that_is_over() {
    let late = async |replaces: bool| {
        let ground = Ground::new().await;
        let id = ground.running(DOMAIN).await;
        if replaces {
            ground.give_link(&ground.operator, id).await;
        } else {
            ground.clock.advance(TimeDelta::hours(6));
        }
        ground.send_links().await;
        let sent = ground.mailer.sent.lock().unwrap().clone();
        sent.into_iter().find(|it| it.recipient == "owner@example.org").expect("the owner is told nevertheless")
    };
    for replaces in [false, true] {
        let mail = late(replaces).await;
        assert!(!holds_a_way_in(&mail), "{}", mail.text_body);
        assert!(mail.text_body.contains("Set your password:\nhttps://birds.fedi.localhost/auth/password/new\n"), "{}", mail.text_body);
    }
}
