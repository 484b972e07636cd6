//! Sessions: who comes in, for how long, and how one is ended from elsewhere.

use std::cell::Cell;
use std::sync::Once;

use chrono::TimeDelta;
use howdah_app::members::{self, Acceptance};
use howdah_app::sessions::{self, RECENT};
use howdah_app::tokens::{self, TokenRequest};
use howdah_app::{Role, Scope};
use secrecy::ExposeSecret;

use super::{ADA, PASSWORD, actions, is_alive, mailed_token, operator, session, somebody, try_password};
use crate::ground::{Ground, fields, reason};

#[tokio::test]
async fn a_session_is_new_each_time_and_ends_by_being_revoked() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    let (here, there) = (session(&ground, ADA).await, session(&ground, ADA).await);
    assert_ne!(here.token.expose_secret(), there.token.expose_secret());
    let all = sessions::list(&ground.app, &here.signed_in).await.unwrap();
    assert_eq!((all.len(), all.iter().filter(|it| it.is_this).count()), (3, 1));
    assert_eq!((all[0].address.as_deref(), all[0].user_agent.as_deref()), (Some("192.0.2.7"), Some("Browser/1.0")));

    sessions::revoke(&ground.app, &here.signed_in, there.signed_in.session).await.unwrap();
    assert!(is_alive(&ground, &here).await && !is_alive(&ground, &there).await);
    assert_eq!(reason(sessions::revoke(&ground.app, &here.signed_in, there.signed_in.session).await), "not_found");
    assert_eq!(sessions::revoke_others(&ground.app, &here.signed_in).await.unwrap(), 1);
    assert_eq!(sessions::list(&ground.app, &here.signed_in).await.unwrap().len(), 1);
    for _ in 0..2 {
        sessions::sign_out(&ground.app, &here.signed_in).await.unwrap();
    }
    assert!(!is_alive(&ground, &here).await);
    assert_eq!(actions(&ground, here.signed_in.session.as_uuid()).await, ["session.begin", "session.end"]);
    for unknown in ["", "x", &"x".repeat(300)] {
        assert_eq!(reason(sessions::authenticate(&ground.app, unknown).await), "unauthenticated");
    }
}

#[tokio::test]
async fn nobody_ends_anothers_session() {
    let ground = Ground::new().await;
    let (ada, eve) = (somebody(&ground, ADA).await, somebody(&ground, "eve@cats.example.org").await);
    assert_eq!(reason(sessions::revoke(&ground.app, &eve, ada.session).await), "not_found");
    assert_eq!(sessions::list(&ground.app, &ada).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_ends_when_idle_and_in_any_case() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    let (idle, busy) = (session(&ground, ADA).await, session(&ground, ADA).await);
    for _ in 0..6 {
        ground.clock.advance(TimeDelta::days(2));
        assert!(is_alive(&ground, &busy).await);
    }
    assert!(!is_alive(&ground, &idle).await);
    ground.clock.advance(TimeDelta::days(2));
    assert!(!is_alive(&ground, &busy).await, "two weeks are the most");
}

#[tokio::test]
async fn who_signs_in_is_who_they_are() {
    let ground = Ground::new().await;
    let operator = operator(&ground).await;
    assert!(operator.actor.operates());
    assert_eq!(operator.actor.scopes, Scope::ALL);
    let ada = somebody(&ground, ADA).await;
    assert_eq!(ada.actor.scopes, [Scope::Read, Scope::Write]);
    assert_eq!(ada.actor.credential, ada.session.as_uuid());
}

#[tokio::test]
async fn the_password_is_asked_for_again_after_a_while() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    let ada = session(&ground, ADA).await;
    let now = async || sessions::authenticate(&ground.app, ada.token.expose_secret()).await.unwrap();
    sessions::require_recent(&ground.app, &now().await).unwrap();
    ground.clock.advance(RECENT);
    assert_eq!(reason(sessions::require_recent(&ground.app, &now().await)), "confirm_password");
    let wrong = sessions::confirm_password(&ground.app, &now().await, "not this sentence".into(), "").await;
    assert_eq!(fields(wrong), [("password", "wrong")]);
    sessions::confirm_password(&ground.app, &now().await, PASSWORD.into(), "").await.unwrap();
    sessions::require_recent(&ground.app, &now().await).unwrap();
}

#[tokio::test]
async fn a_token_outlives_the_session_only_with_the_password_just_given() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    let ada = session(&ground, ADA).await;
    let make = async || {
        let actor = sessions::authenticate(&ground.app, ada.token.expose_secret()).await.unwrap().actor;
        let expires_at = Some(ground.now() + TimeDelta::days(90));
        let request = TokenRequest { name: "ci".to_owned(), scopes: vec!["read".to_owned()], expires_at };
        tokens::create(&ground.app, &actor, &request, None).await
    };
    assert!(make().await.is_ok());
    ground.clock.advance(RECENT);
    assert_eq!(fields(make().await), [("expires_at", "outlives_yours")]);
}

#[tokio::test]
async fn a_session_changes_between_the_persons_accounts() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    somebody(&ground, "bob@cats.example.org").await;
    members::invite(&ground.app, &ada.actor, "bob@cats.example.org", Role::Billing, None).await.unwrap();
    let bob = session(&ground, "bob@cats.example.org").await;
    let token = mailed_token(&ground, "bob@cats.example.org").await;
    ground.clock.advance(TimeDelta::seconds(1));
    members::accept(&ground.app, &token, Acceptance::Known(&bob.signed_in)).await.unwrap();

    let choices = sessions::accounts(&ground.app, &bob.signed_in).await.unwrap();
    let roles: Vec<_> = choices.iter().map(|it| (it.role, it.is_in_use)).collect();
    assert_eq!(roles, [(Role::Owner, true), (Role::Billing, false)]);
    sessions::use_account(&ground.app, &bob.signed_in, ada.actor.account).await.unwrap();
    let now = sessions::authenticate(&ground.app, bob.token.expose_secret()).await.unwrap();
    assert_eq!((now.actor.account, now.actor.role), (ada.actor.account, Role::Billing));
    assert_eq!(reason(sessions::use_account(&ground.app, &ada, bob.signed_in.actor.account).await), "not_found");

    members::remove(&ground.app, &ada.actor, now.actor.person).await.unwrap();
    assert!(!is_alive(&ground, &bob).await, "who leaves an account leaves the sessions in it");
    assert!(try_password(&ground, "bob@cats.example.org", PASSWORD).await.is_ok());
}

thread_local! {
    static WORKED_ON: Cell<usize> = const { Cell::new(0) };
}

/// Counts the passwords that each thread has worked on. There is one for the process: what is said where nobody listens yet, tracing
/// may not hear later either.
struct Counter;

impl tracing::Subscriber for Counter {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "howdah_app::passwords"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        WORKED_ON.set(WORKED_ON.get() + 1);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

async fn passwords_worked_on(work: impl Future) -> usize {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| tracing::subscriber::set_global_default(Counter).unwrap());
    let before = WORKED_ON.get();
    work.await;
    WORKED_ON.get() - before
}

#[tokio::test]
async fn an_unknown_address_is_the_same_answer_and_the_same_work() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    ground.customer("token-only@birds.example.org").await;
    let mut answers = Vec::new();
    for (email, password) in
        [(ADA, "not this sentence"), ("nobody@birds.example.org", PASSWORD), ("token-only@birds.example.org", PASSWORD)]
    {
        let worked_on = passwords_worked_on(async {
            let refused = try_password(&ground, email, password).await.unwrap_err();
            answers.push((refused.reason(), refused.to_string()));
        });
        assert_eq!(worked_on.await, 1, "{email}");
    }
    answers.dedup();
    assert_eq!(answers, [("wrong_credentials", "The e-mail address or the password is wrong.".to_owned())]);

    for email in [ADA, "new@birds.example.org"] {
        let asked = async { howdah_app::sign_up::ask(&ground.app, &super::sign_up_request(email), &super::client()).await.unwrap() };
        assert_eq!(passwords_worked_on(asked).await, 0, "{email}: the password is chosen later");
    }
}
