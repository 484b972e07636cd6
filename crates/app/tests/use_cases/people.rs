//! Accounts, tokens, settings, and what is done on the machine itself.

use chrono::TimeDelta;
use howdah_app::admin::{self, PersonRequest};
use howdah_app::settings::{self, SettingsChange};
use howdah_app::tokens::{self, TokenRequest};
use howdah_app::{Actor, Once, Scope, sessions};
use secrecy::ExposeSecret;

use crate::accounts::{mails, somebody};
use crate::ground::{Ground, fields, reason};

async fn token(ground: &Ground, actor: &Actor, scopes: &[&str]) -> Result<tokens::NewToken, howdah_app::Error> {
    let request = TokenRequest { name: "ci".to_owned(), scopes: scopes.iter().map(ToString::to_string).collect(), expires_at: None };
    match tokens::create(&ground.app, actor, &request, None).await? {
        Once::Done(new) => Ok(new),
        Once::Again { .. } => panic!("no key was given"),
    }
}

#[tokio::test]
async fn a_token_is_good_until_it_ends_or_is_revoked() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let new = token(&ground, &ada, &["read"]).await.unwrap();
    let secret = new.token.expose_secret();
    let actor = tokens::authenticate(&ground.app, secret).await.unwrap();
    assert_eq!((actor.account, actor.person, actor.scopes.as_slice()), (ada.account, ada.person, &[Scope::Read][..]));
    assert_eq!(reason(tokens::revoke(&ground.app, &actor, new.view.id).await), "scope_missing");

    assert_eq!(tokens::list(&ground.app, &ada, None, 10).await.unwrap().len(), 2);
    tokens::revoke(&ground.app, &ada, new.view.id).await.unwrap();
    assert_eq!(reason(tokens::authenticate(&ground.app, secret).await), "unauthenticated");
    assert_eq!(reason(tokens::revoke(&ground.app, &ada, new.view.id).await), "not_found");

    let second = token(&ground, &ada, &["read"]).await.unwrap();
    ground.clock.advance(TimeDelta::days(90));
    assert_eq!(reason(tokens::authenticate(&ground.app, second.token.expose_secret()).await), "unauthenticated");
    for unknown in ["", "howdah_", "howdah_x", "Bearer", secret.trim_start_matches("howdah_")] {
        assert_eq!(reason(tokens::authenticate(&ground.app, unknown).await), "unauthenticated");
    }
}

/// A request that began before that has the actor as they were.
#[tokio::test]
async fn what_has_ended_makes_no_token() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let new = token(&ground, &ada, &["read", "write"]).await.unwrap();
    let revoked = tokens::authenticate(&ground.app, new.token.expose_secret()).await.unwrap();
    token(&ground, &revoked, &["read"]).await.unwrap();
    tokens::revoke(&ground.app, &ada, new.view.id).await.unwrap();
    assert_eq!(reason(token(&ground, &revoked, &["read"]).await), "unauthenticated");

    let bob = somebody(&ground, "bob@birds.example.org").await;
    token(&ground, &bob.actor, &["read"]).await.unwrap();
    sessions::sign_out(&ground.app, &bob).await.unwrap();
    assert_eq!(reason(token(&ground, &bob.actor, &["read"]).await), "unauthenticated");
}

#[tokio::test]
async fn whose_token_was_made_is_told() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let told = async || mails(&ground).await.into_iter().filter(|(kind, to)| kind == "token_made" && to == "ada@birds.example.org").count();
    token(&ground, &ada, &["read"]).await.unwrap();
    assert_eq!(told().await, 1);
    token(&ground, &ada, &["everything"]).await.unwrap_err();
    assert_eq!(told().await, 1);
}

#[tokio::test]
async fn a_token_does_not_outlive_its_maker() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    let unsaid = token(&ground, &ada, &["read"]).await.unwrap();
    assert_eq!(unsaid.view.expires_at, ada.expires_at);
    let expires_at = Some(ada.expires_at + TimeDelta::seconds(1));
    let later = TokenRequest { name: "ci".to_owned(), scopes: vec!["read".to_owned()], expires_at };
    assert_eq!(fields(tokens::create(&ground.app, &ada, &later, None).await), [("expires_at", "outlives_yours")]);
}

#[tokio::test]
async fn a_token_gives_no_more_than_its_maker_has() {
    let ground = Ground::new().await;
    let ada = ground.customer("ada@birds.example.org").await;
    assert_eq!(fields(token(&ground, &ada, &["operate"]).await), [("scopes", "not_yours")]);
    assert_eq!(fields(token(&ground, &ada, &["everything"]).await), [("scopes", "unknown")]);
    assert_eq!(fields(token(&ground, &ada, &[]).await), [("scopes", "missing")]);
    let operator = ground.operator().await;
    assert!(token(&ground, &operator, &["operate"]).await.is_ok());
    let bob = ground.customer("bob@birds.example.org").await;
    let adas = token(&ground, &ada, &["read"]).await.unwrap();
    assert_eq!(reason(tokens::revoke(&ground.app, &bob, adas.view.id).await), "not_found");
    let made = admin::add_token(&ground.app, "ada@birds.example.org", "x", &[Scope::Operate], TimeDelta::days(1)).await;
    assert_eq!(reason(made), "operators_only");
}

#[tokio::test]
async fn a_person_is_added_once() {
    let ground = Ground::new().await;
    let request = |is_operator, password: Option<&str>| PersonRequest {
        email: "Ada@Birds.example.org".to_owned(),
        name: "Ada".to_owned(),
        is_operator,
        password: password.map(Into::into),
        servers_allowed: Some(3),
    };
    let first = admin::add_person(&ground.app, &request(false, Some("correct horse"))).await.unwrap();
    let again = admin::add_person(&ground.app, &request(false, None)).await.unwrap();
    assert!(first.is_new && !again.is_new);
    assert_eq!((first.person, first.account), (again.person, again.account));
    assert_eq!(reason(admin::add_person(&ground.app, &request(true, None)).await), "known_otherwise");
    assert_eq!(fields(admin::add_person(&ground.app, &request(false, Some("short"))).await), [("password", "too_short")]);
    let conn = &mut ground.database.conn().await;
    let person = howdah_db::models::person::Person::by_email(conn, "ada@birds.example.org").await.unwrap().unwrap();
    assert!(person.password_hash.unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[tokio::test]
async fn settings_change_by_operators_from_what_they_know() {
    let ground = Ground::new().await;
    let without_support = SettingsChange::default();
    assert!(!settings::found(&ground.app, &without_support).await.unwrap(), "what is there stays");
    let ada = ground.customer("ada@birds.example.org").await;
    let operator = ground.operator().await;
    let change =
        SettingsChange { new_servers: "closed".to_owned(), support_address: "help@howdah.example".to_owned(), ..without_support.clone() };
    let known = settings::current(&ground.app).await.unwrap().revision;
    assert_eq!(reason(settings::change(&ground.app, &ada, Some(known), &change).await), "operators_only");
    assert_eq!(reason(settings::change(&ground.app, &operator, Some(known + 1), &change).await), "precondition_failed");
    let wrong = SettingsChange { new_servers: "maybe".to_owned(), servers_per_account: -1, ..without_support };
    let refused = fields(settings::change(&ground.app, &operator, Some(known), &wrong).await);
    assert_eq!(refused, [("new_servers", "unknown"), ("servers_per_account", "too_small"), ("support_address", "missing")]);
    let changed = settings::change(&ground.app, &operator, Some(known), &change).await.unwrap();
    assert_eq!((changed.revision, changed.new_servers.as_str()), (known + 1, "closed"));
}
