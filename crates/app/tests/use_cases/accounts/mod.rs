//! People and their accounts: signing up and in, passwords, sessions, and who belongs to an account.

mod erase;
mod limits;
mod members;
mod passkeys;
mod profile;
mod reset;
mod second_factor;
mod sessions;
mod sign_up;

use howdah_app::sessions::{self as app_sessions, Client, NewSession, SignIn, SignedIn};
use howdah_app::sign_up::{self as app_sign_up, Confirmed, SignUpRequest};
use howdah_app::{Error, admin};
use howdah_db::models::audit::Entry;
use howdah_db::models::mail::Mail;
use secrecy::ExposeSecret;

use crate::ground::Ground;

pub const PASSWORD: &str = "seven words of a sentence";
pub const ADA: &str = "ada@birds.example.org";

pub fn client() -> Client<'static> {
    Client { address: [192, 0, 2, 7].into(), user_agent: "Browser/1.0" }
}

/// Waiting mails, as kind and recipient, the oldest first.
pub async fn mails(ground: &Ground) -> Vec<(String, String)> {
    let all = Mail::waiting(&mut *ground.database.conn().await, 100).await.unwrap();
    all.into_iter().map(|it| (it.purpose, it.recipient)).collect()
}

pub fn expected(mails: &[(&str, &str)]) -> Vec<(String, String)> {
    mails.iter().map(|(kind, recipient)| ((*kind).to_owned(), (*recipient).to_owned())).collect()
}

/// The token of the newest link that was mailed to this address.
pub async fn mailed_token(ground: &Ground, recipient: &str) -> String {
    let all = Mail::waiting(&mut *ground.database.conn().await, 100).await.unwrap();
    let link = all.into_iter().rev().find_map(|it| it.link.filter(|_| it.recipient == recipient)).expect("a link was mailed");
    link.split_once("token=").expect("a link has a token").1.to_owned()
}

pub fn sign_up_request(email: &str) -> SignUpRequest {
    SignUpRequest { name: "Ada Lovelace".to_owned(), email: email.to_owned(), account_name: String::new() }
}

/// Somebody who has signed up and in.
pub async fn somebody(ground: &Ground, email: &str) -> SignedIn {
    app_sign_up::ask(&ground.app, &sign_up_request(email), &client()).await.unwrap();
    let token = mailed_token(ground, email).await;
    match confirm(ground, &token).await.unwrap() {
        Confirmed::Ready(session) => session.signed_in,
        Confirmed::AwaitingApproval => panic!("sign-ups are open"),
    }
}

/// The link is used, and [`PASSWORD`] chosen.
pub async fn confirm(ground: &Ground, token: &str) -> Result<Confirmed, Error> {
    app_sign_up::confirm(&ground.app, token, PASSWORD.into(), &client()).await
}

pub async fn try_password(ground: &Ground, email: &str, password: &str) -> Result<NewSession, Error> {
    match app_sessions::sign_in(&ground.app, email, password.into(), &client()).await? {
        SignIn::Done(session) => Ok(*session),
        SignIn::NeedsCode(_) => panic!("no second factor is on"),
    }
}

pub async fn session(ground: &Ground, email: &str) -> NewSession {
    try_password(ground, email, PASSWORD).await.unwrap()
}

pub async fn is_alive(ground: &Ground, session: &NewSession) -> bool {
    app_sessions::authenticate(&ground.app, session.token.expose_secret()).await.is_ok()
}

/// What was recorded about a person, a session or an invitation, the first first.
pub async fn actions(ground: &Ground, subject: uuid::Uuid) -> Vec<String> {
    let entries = Entry::about(&mut *ground.database.conn().await, subject, 100).await.unwrap();
    entries.into_iter().rev().map(|(entry, _)| entry.action).collect()
}

pub async fn operator(ground: &Ground) -> SignedIn {
    let request = admin::PersonRequest {
        email: "operator@howdah.example".to_owned(),
        name: "Olga".to_owned(),
        is_operator: true,
        password: Some(PASSWORD.into()),
        servers_allowed: None,
    };
    admin::add_person(&ground.app, &request).await.unwrap();
    session(ground, "operator@howdah.example").await.signed_in
}
