//! Passkeys: how one is added, and what it opens. The ceremonies are real, with a software authenticator.

mod refused;

use chrono::TimeDelta;
use howdah_app::passkeys::{self, Answer, Begun, PasskeyView};
use howdah_app::second_factor::{self, On, Proof};
use howdah_app::sessions::{self, NewSession, RECENT, SignIn, SignedIn};
use howdah_app::{Error, admin, profile, upkeep};
use howdah_db::models::passkey::Passkey;
use howdah_db::models::passkey_ceremony::PasskeyCeremony;
use howdah_testkit::authenticator::Authenticator;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{ADA, PASSWORD, actions, client, is_alive, mails, session, somebody};
use crate::ground::{Ground, fields, reason};

const BOB: &str = "bob@cats.example.org";
const REFUSED: [(&str, &str); 1] = [("passkey", "refused")];

fn device(ground: &Ground) -> Authenticator {
    Authenticator::at(&ground.app.config.dashboard_url)
}

/// An answer, as a form brings it.
struct Sent {
    ceremony: SecretString,
    credential: String,
}

impl Sent {
    fn new(begun: Begun, credential: &Value) -> Self {
        Self { ceremony: begun.token, credential: credential.to_string() }
    }

    fn answer(&self) -> Answer<'_> {
        Answer { ceremony: self.ceremony.expose_secret(), credential: &self.credential }
    }

    fn proof(&self) -> Proof<'_> {
        Proof::Passkey(self.answer())
    }
}

async fn add(ground: &Ground, person: &SignedIn, device: &mut Authenticator, name: &str) -> Result<Vec<SecretString>, Error> {
    let begun = passkeys::begin(&ground.app, person).await?;
    let made = device.create(&begun.options);
    passkeys::add(&ground.app, person, name, Sent::new(begun, &made).answer()).await
}

/// Somebody who has signed up, and added this device.
async fn with(ground: &Ground, email: &str, device: &mut Authenticator) -> SignedIn {
    let person = somebody(ground, email).await;
    add(ground, &person, device, "The phone").await.unwrap();
    person
}

async fn begin_sign_in(ground: &Ground) -> Begun {
    sessions::begin_sign_in(&ground.app, &client()).await.unwrap()
}

async fn sign_in(ground: &Ground, device: &mut Authenticator) -> Result<NewSession, Error> {
    let begun = begin_sign_in(ground).await;
    let answer = device.get(&begun.options);
    send(ground, &Sent::new(begun, &answer)).await
}

async fn send(ground: &Ground, sent: &Sent) -> Result<NewSession, Error> {
    sessions::sign_in_with_passkey(&ground.app, sent.answer(), &client()).await
}

/// A proof of somebody's who is signed in.
async fn prove(ground: &Ground, person: &SignedIn, device: &mut Authenticator) -> Sent {
    let begun = passkeys::begin_proof(&ground.app, person).await.unwrap();
    let answer = device.get(&begun.options);
    Sent::new(begun, &answer)
}

async fn on(ground: &Ground, person: &SignedIn) -> Option<On> {
    second_factor::on(&ground.app, person).await.unwrap()
}

async fn the_only(ground: &Ground, person: &SignedIn) -> PasskeyView {
    let [only] = <[_; 1]>::try_from(passkeys::list(&ground.app, person).await.unwrap()).unwrap();
    only
}

async fn challenge(ground: &Ground) -> SecretString {
    match sessions::sign_in(&ground.app, ADA, PASSWORD.into(), &client()).await.unwrap() {
        SignIn::NeedsCode(challenge) => challenge,
        SignIn::Done(_) => panic!("a second factor is on"),
    }
}

#[tokio::test]
async fn the_first_one_turns_the_second_factor_on() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let there = session(&ground, ADA).await;
    let mut phone = device(&ground);
    let codes = add(&ground, &ada, &mut phone, " The phone ").await.unwrap();
    assert_eq!(codes.len(), 10);
    assert_eq!(on(&ground, &ada).await, Some(On { app: None, passkeys: 1, codes_left: 10 }));
    assert!(!is_alive(&ground, &there).await, "other sessions have ended");
    assert_eq!(mails(&ground).await.last().unwrap().0, "passkey_added");
    let it = the_only(&ground, &ada).await;
    assert_eq!((it.name.as_str(), it.created_at, it.last_used_at), ("The phone", ground.now(), None));
    assert_eq!(actions(&ground, it.id.as_uuid()).await, ["passkey.add"]);

    let codes = add(&ground, &ada, &mut device(&ground), "The key").await.unwrap();
    assert!(codes.is_empty(), "those before stay good");
    assert_eq!(on(&ground, &ada).await, Some(On { app: None, passkeys: 2, codes_left: 10 }));
}

#[tokio::test]
async fn it_signs_in_alone() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    let ada = with(&ground, ADA, &mut phone).await;
    with(&ground, BOB, &mut device(&ground)).await;
    ground.clock.advance(TimeDelta::days(1));
    let entered = sign_in(&ground, &mut phone).await.unwrap();
    assert!(is_alive(&ground, &entered).await);
    assert_eq!((entered.signed_in.email.as_str(), entered.signed_in.authenticated_at), (ADA, ground.now()));
    assert_eq!(the_only(&ground, &ada).await.last_used_at, Some(ground.now()));
    let again = sign_in(&ground, &mut phone).await.unwrap();
    assert_ne!(again.signed_in.session, entered.signed_in.session, "each sign-in is a session of its own");
}

#[tokio::test]
async fn after_the_password_it_takes_a_codes_place() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    with(&ground, ADA, &mut phone).await;
    let waiting = challenge(&ground).await;
    let asked = sessions::asked(&ground.app, waiting.expose_secret()).await.unwrap();
    assert_eq!(asked, On { app: None, passkeys: 1, codes_left: 10 });
    let give = async |waiting: &SecretString, sent: &Sent| {
        sessions::give_code(&ground.app, waiting.expose_secret(), sent.proof(), &client()).await
    };
    let begun = sessions::begin_proof(&ground.app, waiting.expose_secret(), &client()).await.unwrap();
    assert_eq!(begun.options["allowCredentials"].as_array().unwrap().len(), 1, "only the person's own are asked for");
    let sent = Sent { credential: phone.get(&begun.options).to_string(), ceremony: begun.token };
    let entered = give(&waiting, &sent).await.unwrap();
    assert!(is_alive(&ground, &entered).await);
    assert_eq!(fields(give(&challenge(&ground).await, &sent).await), REFUSED, "an answer is good once");
    assert_eq!(reason(give(&waiting, &sent).await), "sign_in_over");
    for unknown in ["", "nothing"] {
        assert_eq!(reason(sessions::begin_proof(&ground.app, unknown, &client()).await), "sign_in_over");
        assert_eq!(reason(sessions::asked(&ground.app, unknown).await), "sign_in_over");
    }
}

#[tokio::test]
async fn one_that_was_removed_opens_nothing() {
    let ground = Ground::new().await;
    let (mut phone, mut key) = (device(&ground), device(&ground));
    let ada = with(&ground, ADA, &mut phone).await;
    ground.clock.advance(TimeDelta::minutes(1));
    add(&ground, &ada, &mut key, "The key").await.unwrap();
    let [first, second] = <[_; 2]>::try_from(passkeys::list(&ground.app, &ada).await.unwrap()).unwrap();
    let begun = begin_sign_in(&ground).await;
    let under_way = Sent { credential: phone.get(&begun.options).to_string(), ceremony: begun.token };
    passkeys::remove(&ground.app, &ada, first.id).await.unwrap();
    assert_eq!(actions(&ground, first.id.as_uuid()).await, ["passkey.add", "passkey.remove"]);
    assert_eq!(mails(&ground).await.last().unwrap().0, "passkey_removed");
    assert_eq!(fields(send(&ground, &under_way).await), REFUSED);
    assert_eq!(fields(sign_in(&ground, &mut phone).await), REFUSED);
    assert_eq!(reason(passkeys::remove(&ground.app, &ada, first.id).await), "not_found");
    assert_eq!(on(&ground, &ada).await, Some(On { app: None, passkeys: 1, codes_left: 10 }), "the other one is left");
    sign_in(&ground, &mut key).await.unwrap();

    passkeys::remove(&ground.app, &ada, second.id).await.unwrap();
    assert_eq!(on(&ground, &ada).await, None);
    session(&ground, ADA).await;
    assert_eq!(reason(passkeys::begin_proof(&ground.app, &ada).await), "no_passkey");
    let codes = add(&ground, &ada, &mut phone, "The phone").await.unwrap();
    assert_eq!(codes.len(), 10, "the codes before went with the last one");
}

#[tokio::test]
async fn adding_and_removing_need_a_password_that_was_just_given() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    let ada = with(&ground, ADA, &mut phone).await;
    let id = the_only(&ground, &ada).await.id;
    let begun = passkeys::begin(&ground.app, &ada).await.unwrap();
    let made = Sent { credential: device(&ground).create(&begun.options).to_string(), ceremony: begun.token };
    ground.clock.advance(RECENT);
    assert_eq!(reason(passkeys::begin(&ground.app, &ada).await), "confirm_password");
    assert_eq!(reason(passkeys::add(&ground.app, &ada, "The key", made.answer()).await), "confirm_password");
    assert_eq!(reason(passkeys::remove(&ground.app, &ada, id).await), "confirm_password");
    let proof = prove(&ground, &ada, &mut phone).await;
    assert_eq!(ada.authenticated_at + RECENT, ground.now());
    sessions::confirm_with_passkey(&ground.app, &ada, proof.answer()).await.unwrap();
    let [this] = <[_; 1]>::try_from(sessions::list(&ground.app, &ada).await.unwrap()).unwrap();
    assert!(this.is_this);
    let again = SignedIn { authenticated_at: ground.now(), ..ada };
    passkeys::remove(&ground.app, &again, id).await.unwrap();
}

#[tokio::test]
async fn nobody_has_more_than_twenty() {
    let ground = Ground::new().await;
    let ada = with(&ground, ADA, &mut device(&ground)).await;
    for nth in 2..=20 {
        passkeys::room(&ground.app, &ada).await.unwrap();
        add(&ground, &ada, &mut device(&ground), &format!("Number {nth}")).await.unwrap();
    }
    assert_eq!(reason(passkeys::room(&ground.app, &ada).await), "too_many_passkeys");
    assert_eq!(reason(passkeys::begin(&ground.app, &ada).await), "too_many_passkeys");
}

#[tokio::test]
async fn it_has_the_name_that_its_owner_gives_it() {
    let ground = Ground::new().await;
    let ada = with(&ground, ADA, &mut device(&ground)).await;
    let id = the_only(&ground, &ada).await.id;
    assert_eq!(fields(passkeys::rename(&ground.app, &ada, id, " ").await), [("name", "malformed")]);
    passkeys::rename(&ground.app, &ada, id, " The old phone ").await.unwrap();
    assert_eq!(passkeys::get(&ground.app, &ada, id).await.unwrap().name, "The old phone");
    assert_eq!(actions(&ground, id.as_uuid()).await, ["passkey.add", "passkey.rename"]);
}

#[tokio::test]
async fn recovery_codes_are_good_without_an_app() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    let ada = somebody(&ground, ADA).await;
    let codes = add(&ground, &ada, &mut phone, "The phone").await.unwrap();
    let give = async |code: &str| sessions::give_code(&ground.app, challenge(&ground).await.expose_secret(), code, &client()).await;
    assert_eq!(fields(give("000000").await), [("code", "wrong")]);
    give(codes[0].expose_secret()).await.unwrap();
    assert_eq!(mails(&ground).await.last().unwrap().0, "recovery_code_used");
    assert_eq!(fields(give(codes[0].expose_secret()).await), [("code", "wrong")]);

    let proof = prove(&ground, &ada, &mut phone).await;
    let make = async |proof: Proof<'_>| second_factor::new_recovery_codes(&ground.app, &ada, PASSWORD.into(), proof).await;
    let new = make(proof.proof()).await.unwrap();
    assert_eq!(fields(make(proof.proof()).await), REFUSED, "an answer is good once");
    assert_eq!(fields(give(codes[1].expose_secret()).await), [("code", "wrong")]);
    give(new[0].expose_secret()).await.unwrap();
}

#[tokio::test]
async fn password_and_address_are_changed_with_it() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    let ada = with(&ground, ADA, &mut phone).await;
    let new = "another sentence of words";
    assert_eq!(fields(profile::change_password(&ground.app, &ada, PASSWORD.into(), "", new.into()).await), [("code", "wrong")]);
    let proof = prove(&ground, &ada, &mut phone).await;
    profile::change_password(&ground.app, &ada, PASSWORD.into(), proof.proof(), new.into()).await.unwrap();
    let proof = prove(&ground, &ada, &mut phone).await;
    profile::change_email(&ground.app, &ada, new.into(), proof.proof(), "ada@lovelace.example.org").await.unwrap();
}

#[tokio::test]
async fn an_operator_at_the_machine_takes_them_away_too() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    let ada = with(&ground, ADA, &mut phone).await;
    upkeep::remove_second_factor(&ground.app, ADA).await.unwrap();
    assert_eq!(mails(&ground).await.last().unwrap().0, "second_factor_removed");
    assert_eq!(on(&ground, &ada).await, None);
    assert_eq!(fields(sign_in(&ground, &mut phone).await), REFUSED);
    session(&ground, ADA).await;
    assert_eq!(reason(upkeep::remove_second_factor(&ground.app, ADA).await), "second_factor_off");
}

#[tokio::test]
async fn whoever_is_erased_has_none() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    let ada = with(&ground, ADA, &mut phone).await;
    let under_way = passkeys::begin_proof(&ground.app, &ada).await.unwrap();
    admin::erase_person(&ground.app, ADA).await.unwrap();
    assert_eq!(fields(sign_in(&ground, &mut phone).await), REFUSED);
    let conn = &mut ground.database.conn().await;
    assert_eq!(Passkey::count(conn, ada.actor.person.as_uuid()).await.unwrap(), 0);
    assert_eq!(PasskeyCeremony::erase(conn, ada.actor.person.as_uuid()).await.unwrap(), 0, "{under_way:?}");
}
