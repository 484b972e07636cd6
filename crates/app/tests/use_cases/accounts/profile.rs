//! What a person changes about themselves.

use howdah_app::{profile, reset, sessions};
use secrecy::ExposeSecret;

use super::{ADA, PASSWORD, actions, client, expected, is_alive, mailed_token, mails, session, somebody, try_password};
use crate::ground::{Ground, fields, reason};

const NEW: &str = "another sentence of words";
const NEW_ADDRESS: &str = "ada@lovelace.example.org";

#[tokio::test]
async fn a_password_is_changed_with_the_old_one() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    let (here, there) = (session(&ground, ADA).await, session(&ground, ADA).await);
    let change = async |old: &str, new: &str| profile::change_password(&ground.app, &here.signed_in, old.into(), "", new.into()).await;
    assert_eq!(fields(change("not this sentence", NEW).await), [("old_password", "wrong")]);
    assert_eq!(fields(change(PASSWORD, "short").await), [("new_password", "too_short")]);
    assert_eq!(fields(change(PASSWORD, PASSWORD).await), [("new_password", "same")]);
    change(PASSWORD, NEW).await.unwrap();
    assert!(is_alive(&ground, &here).await && !is_alive(&ground, &there).await);
    assert!(try_password(&ground, ADA, NEW).await.is_ok());
    assert_eq!(mails(&ground).await.last(), expected(&[("password_changed", ADA)]).last());
}

#[tokio::test]
async fn an_address_is_changed_by_a_link_to_the_new_one() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    let ada = session(&ground, ADA).await;
    let ask = async |password: &str, new: &str| profile::change_email(&ground.app, &ada.signed_in, password.into(), "", new).await;
    assert_eq!(fields(ask("not this sentence", NEW_ADDRESS).await), [("password", "wrong")]);
    assert_eq!(fields(ask(PASSWORD, " ADA@birds.example.org").await), [("email", "same")]);
    ask(PASSWORD, NEW_ADDRESS).await.unwrap();
    let told = mails(&ground).await;
    assert_eq!(told[told.len() - 2..], expected(&[("confirm_email", NEW_ADDRESS), ("email_changing", ADA)]));
    assert!(try_password(&ground, ADA, PASSWORD).await.is_ok(), "the old one stays until then");

    let token = mailed_token(&ground, NEW_ADDRESS).await;
    assert_eq!(profile::look_email(&ground.app, &token).await.unwrap().email, NEW_ADDRESS);
    assert_eq!(reason(reset::set(&ground.app, &token, NEW.into(), &client()).await), "link_unknown", "a link has one purpose");
    profile::confirm_email(&ground.app, &token).await.unwrap();
    assert_eq!(reason(profile::confirm_email(&ground.app, &token).await), "link_used");
    assert_eq!(reason(try_password(&ground, ADA, PASSWORD).await), "wrong_credentials");
    let now = try_password(&ground, NEW_ADDRESS, PASSWORD).await.unwrap().signed_in;
    assert_eq!(now.actor.account, ada.signed_in.actor.account);
    assert_eq!(mails(&ground).await.last(), expected(&[("email_changed", ADA)]).last());
    assert_eq!(actions(&ground, now.actor.person.as_uuid()).await, ["account.open", "email.ask_change", "email.change"]);
}

#[tokio::test]
async fn a_new_password_undoes_a_change_of_address() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    profile::change_email(&ground.app, &ada, PASSWORD.into(), "", NEW_ADDRESS).await.unwrap();
    let token = mailed_token(&ground, NEW_ADDRESS).await;
    profile::change_password(&ground.app, &ada, PASSWORD.into(), "", NEW.into()).await.unwrap();
    assert_eq!(reason(profile::confirm_email(&ground.app, &token).await), "link_used");
}

#[tokio::test]
async fn an_address_that_somebody_has_stays_theirs() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    profile::change_email(&ground.app, &ada, PASSWORD.into(), "", NEW_ADDRESS).await.unwrap();
    let token = mailed_token(&ground, NEW_ADDRESS).await;
    somebody(&ground, NEW_ADDRESS).await;
    assert_eq!(reason(profile::confirm_email(&ground.app, &token).await), "address_taken");
    profile::change_email(&ground.app, &ada, PASSWORD.into(), "", NEW_ADDRESS).await.unwrap();
    assert!(mails(&ground).await.contains(&expected(&[("account_exists", NEW_ADDRESS)])[0]));
}

#[tokio::test]
async fn a_name_is_changed() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    let ada = session(&ground, ADA).await;
    profile::change_name(&ground.app, &ada.signed_in, " Augusta Ada King ").await.unwrap();
    let now = sessions::authenticate(&ground.app, ada.token.expose_secret()).await.unwrap();
    assert_eq!(now.name, "Augusta Ada King");
    assert_eq!(fields(profile::change_name(&ground.app, &now, "\u{7}").await), [("name", "malformed")]);
}
