//! Passkeys: how one is added, what it opens, and which answers are refused. The ceremonies are real, with a software authenticator.

use chrono::TimeDelta;
use howdah_app::passkeys::{self, Answer, Begun, PasskeyView, WITHIN};
use howdah_app::second_factor::{self, On, Proof};
use howdah_app::sessions::{self, NewSession, RECENT, SignIn, SignedIn};
use howdah_app::{Error, Excess, admin, profile, upkeep};
use howdah_db::models::passkey::Passkey;
use howdah_db::models::passkey_ceremony::PasskeyCeremony;
use howdah_testkit::authenticator::Authenticator;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

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
async fn answers_that_are_late_old_or_from_elsewhere_are_refused() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    let ada = with(&ground, ADA, &mut phone).await;

    let begun = begin_sign_in(&ground).await;
    let sent = Sent { credential: phone.get(&begun.options).to_string(), ceremony: begun.token };
    send(&ground, &sent).await.unwrap();
    assert_eq!(fields(send(&ground, &sent).await), REFUSED, "sent twice");
    let replayed = Sent { credential: sent.credential, ceremony: begin_sign_in(&ground).await.token };
    assert_eq!(fields(send(&ground, &replayed).await), REFUSED, "to another challenge");

    let begun = begin_sign_in(&ground).await;
    let late = Sent { credential: phone.get(&begun.options).to_string(), ceremony: begun.token };
    ground.clock.advance(WITHIN);
    assert_eq!(fields(send(&ground, &late).await), REFUSED, "too late");

    for origin in
        ["https://howdah.localhost.evil.example", "https://evil.example", "http://howdah.localhost", "https://howdah.localhost:8443"]
    {
        let mut phished = phone.moved_to(origin);
        assert_eq!(fields(sign_in(&ground, &mut phished).await), REFUSED, "{origin}");
    }
    let mut found = phone.found();
    assert_eq!(fields(sign_in(&ground, &mut found).await), REFUSED, "nobody has shown that they are its owner");

    let proof = prove(&ground, &ada, &mut phone).await;
    assert_eq!(fields(send(&ground, &proof).await), REFUSED, "asked for something else");
    let begun = begin_sign_in(&ground).await;
    let alone = Sent { credential: phone.get(&begun.options).to_string(), ceremony: begun.token };
    assert_eq!(fields(sessions::confirm_with_passkey(&ground.app, &ada, alone.answer()).await), REFUSED, "and the other way round");

    for (ceremony, credential) in [("", "{}"), ("nothing", "{}"), (&"x".repeat(300), "")] {
        let sent = Sent { ceremony: ceremony.to_owned().into(), credential: credential.to_owned() };
        assert_eq!(fields(send(&ground, &sent).await), REFUSED, "{ceremony} {credential}");
    }
    let begun = begin_sign_in(&ground).await;
    let nothing = Sent { ceremony: begun.token, credential: "{}".to_owned() };
    assert_eq!(fields(send(&ground, &nothing).await), REFUSED, "no credential");
    sign_in(&ground, &mut phone).await.unwrap();
}

#[tokio::test]
async fn every_part_of_an_answer_is_signed() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    with(&ground, ADA, &mut phone).await;
    let bob = with(&ground, BOB, &mut device(&ground)).await;
    let changed = async |part: &str, to: Value| {
        let begun = begin_sign_in(&ground).await;
        let mut answer = phone.clone().get(&begun.options);
        answer["response"][part] = to;
        send(&ground, &Sent::new(begun, &answer)).await
    };
    let another = json!(data_encoding::BASE64URL_NOPAD.encode(bob.actor.person.as_uuid().as_bytes()));
    assert_eq!(fields(changed("userHandle", another).await), REFUSED, "a passkey is of one person");
    assert_eq!(fields(changed("userHandle", Value::Null).await), REFUSED, "and says of whom");
    let begun = begin_sign_in(&ground).await;
    let other = phone.clone().get(&begun.options)["response"]["signature"].clone();
    assert_eq!(fields(changed("signature", other).await), REFUSED);
    sign_in(&ground, &mut phone).await.unwrap();
}

#[tokio::test]
async fn another_persons_passkey_proves_nothing() {
    let ground = Ground::new().await;
    let (mut hers, mut his) = (device(&ground), device(&ground));
    let (ada, bob) = (with(&ground, ADA, &mut hers).await, with(&ground, BOB, &mut his).await);
    let begun = passkeys::begin_proof(&ground.app, &ada).await.unwrap();
    let mut anybody = begun.options.clone();
    anybody["allowCredentials"] = json!([]);
    let sent = Sent { credential: his.get(&anybody).to_string(), ceremony: begun.token };
    assert_eq!(fields(sessions::confirm_with_passkey(&ground.app, &ada, sent.answer()).await), REFUSED);
    let sent = prove(&ground, &ada, &mut hers).await;
    assert_eq!(fields(sessions::confirm_with_passkey(&ground.app, &bob, sent.answer()).await), REFUSED, "nor does her own for him");
    let it = the_only(&ground, &ada).await.id;
    assert_eq!(reason(passkeys::get(&ground.app, &bob, it).await), "not_found");
    assert_eq!(reason(passkeys::rename(&ground.app, &bob, it, "Mine").await), "not_found");
    assert_eq!(reason(passkeys::remove(&ground.app, &bob, it).await), "not_found");
    assert_eq!(the_only(&ground, &ada).await.name, "The phone");
}

#[tokio::test]
async fn a_copy_gives_itself_away_by_its_counter() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    with(&ground, ADA, &mut phone).await;
    sign_in(&ground, &mut phone).await.unwrap();
    let mut copy = phone.clone();
    sign_in(&ground, &mut phone).await.unwrap();
    assert_eq!(fields(sign_in(&ground, &mut copy).await), REFUSED, "as far as the original was");
    copy.turn_back(2);
    assert_eq!(fields(sign_in(&ground, &mut copy).await), REFUSED, "and before that");
    sign_in(&ground, &mut phone).await.unwrap();
}

#[tokio::test]
async fn of_two_that_send_one_answer_one_comes_in() {
    let ground = Ground::new().await;
    let mut phone = device(&ground);
    with(&ground, ADA, &mut phone).await;
    let begun = begin_sign_in(&ground).await;
    let sent = Sent { credential: phone.get(&begun.options).to_string(), ceremony: begun.token };
    let (one, other) = tokio::join!(send(&ground, &sent), send(&ground, &sent));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
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
async fn what_is_no_new_passkey_is_not_added() {
    let ground = Ground::new().await;
    let (mut phone, mut his) = (device(&ground), device(&ground));
    let (ada, bob) = (with(&ground, ADA, &mut phone).await, somebody(&ground, BOB).await);
    let begin = async || passkeys::begin(&ground.app, &ada).await.unwrap();
    let send = async |sent: &Sent| passkeys::add(&ground.app, &ada, "The key", sent.answer()).await;

    let mut elsewhere = Authenticator::at("https://evil.example");
    let mut unverified = device(&ground).found();
    for (wrong, why) in [(&mut elsewhere, "of another site"), (&mut unverified, "nobody has shown that they are its owner")] {
        let begun = begin().await;
        let made = wrong.create(&begun.options);
        assert_eq!(fields(send(&Sent::new(begun, &made)).await), REFUSED, "{why}");
    }
    let begun = begin().await;
    let late = Sent { credential: device(&ground).create(&begun.options).to_string(), ceremony: begun.token };
    ground.clock.advance(WITHIN);
    assert_eq!(fields(send(&late).await), REFUSED, "too late");

    let begun = passkeys::begin(&ground.app, &bob).await.unwrap();
    let bobs = Sent { credential: his.create(&begun.options).to_string(), ceremony: begun.token };
    assert_eq!(fields(send(&bobs).await), REFUSED, "asked of somebody else");
    let begun = begin().await;
    let known = Sent { credential: phone.create_again(&begun.options).to_string(), ceremony: begun.token };
    assert_eq!(fields(send(&known).await), REFUSED, "she has it");
    let begun = passkeys::begin(&ground.app, &bob).await.unwrap();
    let hers = Sent { credential: phone.create_again(&begun.options).to_string(), ceremony: begun.token };
    assert_eq!(reason(passkeys::add(&ground.app, &bob, "Mine", hers.answer()).await), "passkey_known");
    assert_eq!(passkeys::list(&ground.app, &bob).await.unwrap(), []);
    let begun = begin().await;
    assert!(begun.options["excludeCredentials"].as_array().is_some_and(|it| it.len() == 1), "devices are told: {}", begun.options);
    assert_eq!(begun.options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(begun.options["authenticatorSelection"]["userVerification"], "required");
    for name in ["", "  ", "two\nlines", &"x".repeat(101)] {
        let nothing = Answer { ceremony: "", credential: "" };
        assert_eq!(fields(passkeys::add(&ground.app, &ada, name, nothing).await), [("name", "malformed")], "{name}");
    }
    assert_eq!(the_only(&ground, &ada).await.name, "The phone");
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

#[tokio::test]
async fn challenges_are_not_given_without_end() {
    let ground = Ground::new().await;
    for _ in 0..120 {
        begin_sign_in(&ground).await;
    }
    let refused = sessions::begin_sign_in(&ground.app, &client()).await.unwrap_err();
    assert!(matches!(refused, Error::RateLimited { excess: Excess::SignIns, .. }), "{refused:?}");
    let conn = &mut ground.database.conn().await;
    assert_eq!(PasskeyCeremony::forget(conn, ground.now() + WITHIN).await.unwrap(), 0, "those that are good are kept");
    assert_eq!(PasskeyCeremony::forget(conn, ground.now() + WITHIN + TimeDelta::seconds(1)).await.unwrap(), 120);
}
