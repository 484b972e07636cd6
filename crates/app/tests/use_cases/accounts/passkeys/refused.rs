//! Which answers are refused, and what is no new passkey.

use chrono::TimeDelta;
use howdah_app::passkeys::{self, Answer, WITHIN};
use howdah_app::{Error, Excess, sessions};
use howdah_db::models::passkey_ceremony::PasskeyCeremony;
use howdah_testkit::authenticator::Authenticator;
use serde_json::{Value, json};

use super::super::{ADA, client, somebody};
use super::{BOB, REFUSED, Sent, begin_sign_in, device, prove, send, sign_in, the_only, with};
use crate::ground::{Ground, fields, reason};

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
