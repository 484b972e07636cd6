//! A new password by a link.

use chrono::TimeDelta;
use howdah_app::admin::{self, PersonRequest};
use howdah_app::tokens::{self, TokenRequest};
use howdah_app::{Error, Once, reset};
use secrecy::ExposeSecret;

use super::{ADA, PASSWORD, actions, client, expected, is_alive, mailed_token, mails, session, somebody, try_password};
use crate::ground::{Ground, fields, reason};

const NEW: &str = "another sentence of words";

async fn set(ground: &Ground, token: &str, password: &str) -> Result<(), Error> {
    reset::set(&ground.app, token, password.into(), &client()).await
}

#[tokio::test]
async fn a_link_sets_a_password_once_and_ends_every_session_and_token() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let open = session(&ground, ADA).await;
    reset::ask(&ground.app, ADA, &client()).await.unwrap();
    let earlier = mailed_token(&ground, ADA).await;
    reset::ask(&ground.app, ADA, &client()).await.unwrap();
    let token = mailed_token(&ground, ADA).await;
    assert_eq!(reset::look(&ground.app, &token).await.unwrap().email, ADA);
    assert!(is_alive(&ground, &open).await, "to ask changes nothing");
    let request = TokenRequest { name: "ci".to_owned(), scopes: vec!["read".to_owned()], expires_at: None };
    let Once::Done(made) = tokens::create(&ground.app, &ada.actor, &request, None).await.unwrap() else { panic!() };
    let api_token = made.token.expose_secret();
    assert!(tokens::authenticate(&ground.app, api_token).await.is_ok());
    assert_eq!(fields(set(&ground, &token, "short").await), [("password", "too_short")]);

    set(&ground, &token, NEW).await.unwrap();
    assert!(!is_alive(&ground, &open).await);
    assert_eq!(reason(tokens::authenticate(&ground.app, api_token).await), "unauthenticated");
    assert_eq!(reason(try_password(&ground, ADA, PASSWORD).await), "wrong_credentials");
    assert!(try_password(&ground, ADA, NEW).await.is_ok());
    assert_eq!(mails(&ground).await.last(), expected(&[("password_changed", ADA)]).last());
    assert_eq!(actions(&ground, ada.actor.person.as_uuid()).await, ["account.open", "password.reset"]);
    for used in [&token, &earlier] {
        assert_eq!(reason(set(&ground, used, PASSWORD).await), "link_used");
    }
    assert_eq!(reason(set(&ground, "nothing", PASSWORD).await), "link_unknown");
}

#[tokio::test]
async fn a_password_that_is_set_on_the_machine_ends_what_was_open() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let open = session(&ground, ADA).await;
    let request = TokenRequest { name: "ci".to_owned(), scopes: vec!["read".to_owned()], expires_at: None };
    let Once::Done(made) = tokens::create(&ground.app, &ada.actor, &request, None).await.unwrap() else { panic!() };
    reset::ask(&ground.app, ADA, &client()).await.unwrap();
    let link = mailed_token(&ground, ADA).await;
    let request = |password: Option<&str>| PersonRequest {
        email: ADA.to_owned(),
        name: String::new(),
        is_operator: false,
        password: password.map(Into::into),
        servers_allowed: Some(7),
    };
    admin::add_person(&ground.app, &request(None)).await.unwrap();
    assert!(is_alive(&ground, &open).await, "without a password nothing ends");
    let account = ada.actor.account.as_uuid();
    assert_eq!(actions(&ground, account).await.last().map(String::as_str), Some("account.servers_allowed"));

    admin::add_person(&ground.app, &request(Some(NEW))).await.unwrap();
    assert!(!is_alive(&ground, &open).await);
    assert_eq!(reason(tokens::authenticate(&ground.app, made.token.expose_secret()).await), "unauthenticated");
    assert_eq!(reason(set(&ground, &link, PASSWORD).await), "link_used");
    assert!(try_password(&ground, ADA, NEW).await.is_ok());
    assert_eq!(mails(&ground).await.last(), expected(&[("password_changed", ADA)]).last());
    assert_eq!(actions(&ground, ada.actor.person.as_uuid()).await.last().map(String::as_str), Some("password.set"));
}

#[tokio::test]
async fn a_link_is_good_for_an_hour() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    reset::ask(&ground.app, ADA, &client()).await.unwrap();
    let token = mailed_token(&ground, ADA).await;
    ground.clock.advance(TimeDelta::hours(1));
    assert_eq!(reason(reset::look(&ground.app, &token).await), "link_expired");
    assert_eq!(reason(set(&ground, &token, NEW).await), "link_expired");
}

#[tokio::test]
async fn an_unknown_address_gets_the_same_answer_and_no_link() {
    let ground = Ground::new().await;
    reset::ask(&ground.app, ADA, &client()).await.unwrap();
    assert_eq!(mails(&ground).await, expected(&[("no_account", ADA)]));
    let mail = howdah_db::models::mail::Mail::waiting(&mut *ground.database.conn().await, 1).await.unwrap().remove(0);
    assert_eq!(mail.link, None);
}

#[tokio::test]
async fn who_is_added_on_the_machine_sets_a_first_password_by_a_link() {
    let ground = Ground::new().await;
    let request = |password: Option<&str>| PersonRequest {
        email: "operator@howdah.example".to_owned(),
        name: String::new(),
        is_operator: true,
        password: password.map(Into::into),
        servers_allowed: None,
    };
    let link = admin::add_person(&ground.app, &request(None)).await.unwrap().link.expect("a link is printed");
    let token = link.expose_secret().strip_prefix("https://howdah.localhost/reset?token=").unwrap().to_owned();
    set(&ground, &token, NEW).await.unwrap();
    assert!(try_password(&ground, "operator@howdah.example", NEW).await.unwrap().signed_in.actor.operates());
    assert!(admin::add_person(&ground.app, &request(None)).await.unwrap().link.is_none(), "there is a password now");
    assert!(admin::add_person(&ground.app, &request(Some(PASSWORD))).await.unwrap().link.is_none());
    assert!(try_password(&ground, "operator@howdah.example", PASSWORD).await.is_ok());
}
