//! A code besides the password: how it is turned on, asked for, and turned off.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use howdah_app::second_factor::{self, On, Standing};
use howdah_app::sessions::{self, CODE_WITHIN, Client, NewSession, RECENT, SignIn, SignedIn};
use howdah_app::{Error, Excess, profile, reset, upkeep};
use howdah_db::seal::KeyRing;
use howdah_domain::Clock;
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret};

use super::{ADA, PASSWORD, actions, client, is_alive, mailed_token, mails, session, somebody};
use crate::ground::{Ground, fields, reason};

const WRONG: &str = "000000";
const STEP: TimeDelta = TimeDelta::seconds(30);

/// What an app has, and the recovery codes.
struct Factor {
    secret: Secret,
    recovery: Vec<SecretString>,
}

impl Factor {
    /// Set up in this session.
    async fn on(ground: &Ground, signed_in: &SignedIn) -> Self {
        let secret = begin(ground, signed_in).await;
        let recovery = second_factor::confirm(&ground.app, signed_in, &code(ground, &secret)).await.unwrap();
        Self { secret, recovery }
    }

    /// What the app shows in the next half minute.
    fn next(&self, ground: &Ground) -> String {
        ground.clock.advance(STEP);
        code(ground, &self.secret)
    }
}

async fn begin(ground: &Ground, signed_in: &SignedIn) -> Secret {
    second_factor::begin(&ground.app, signed_in).await.unwrap();
    let Standing::Begun(setup) = second_factor::standing(&ground.app, signed_in).await.unwrap() else { panic!("it was begun") };
    assert!(setup.url.expose_secret().contains(setup.secret.expose_secret()));
    Secret::try_from_base32(setup.secret.expose_secret()).unwrap()
}

fn code(ground: &Ground, secret: &Secret) -> String {
    let time = ground.clock.now().timestamp().unsigned_abs();
    Builder::new().with_secret(secret.clone()).build().unwrap().generate(time).to_string()
}

async fn challenge(ground: &Ground, password: &str) -> SecretString {
    match sessions::sign_in(&ground.app, ADA, password.into(), &client()).await.unwrap() {
        SignIn::NeedsCode(challenge) => challenge,
        SignIn::Done(_) => panic!("a second factor is on"),
    }
}

async fn give(ground: &Ground, challenge: &SecretString, code: &str) -> Result<NewSession, Error> {
    sessions::give_code(&ground.app, challenge.expose_secret(), code, &client()).await
}

async fn on(ground: &Ground, signed_in: &SignedIn) -> Option<On> {
    second_factor::on(&ground.app, signed_in).await.unwrap()
}

#[tokio::test]
async fn it_counts_from_the_first_right_code_on() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    let (here, there) = (session(&ground, ADA).await, session(&ground, ADA).await);
    let confirm = async |code: &str| second_factor::confirm(&ground.app, &here.signed_in, code).await;
    assert_eq!(reason(confirm(WRONG).await), "second_factor_not_begun");
    let first = begin(&ground, &here.signed_in).await;
    let secret = begin(&ground, &here.signed_in).await;
    for wrong in ["", "123", "not a code", &code(&ground, &first)] {
        assert_eq!(fields(confirm(wrong).await), [("code", "wrong")], "{wrong}");
    }
    assert!(on(&ground, &here.signed_in).await.is_none());
    session(&ground, ADA).await;
    ground.clock.advance(TimeDelta::hours(1));
    assert_eq!(reason(confirm(&code(&ground, &secret)).await), "second_factor_not_begun");

    let secret = begin(&ground, &here.signed_in).await;
    let recovery = confirm(&code(&ground, &secret)).await.unwrap();
    let different: BTreeSet<_> = recovery.iter().map(|it| it.expose_secret()).collect();
    assert_eq!((recovery.len(), different.len()), (10, 10));
    assert_eq!(on(&ground, &here.signed_in).await, Some(On { app: Some(ground.now()), passkeys: 0, codes_left: 10 }));
    assert!(is_alive(&ground, &here).await && !is_alive(&ground, &there).await, "other sessions have ended");
    assert_eq!(mails(&ground).await.last().unwrap().0, "second_factor_on");
    assert_eq!(actions(&ground, here.signed_in.actor.person.as_uuid()).await, ["account.open", "second_factor.turn_on"]);

    assert_eq!(reason(confirm(&code(&ground, &secret)).await), "second_factor_on");
    assert_eq!(reason(second_factor::begin(&ground.app, &here.signed_in).await), "second_factor_on");
    assert!(matches!(second_factor::standing(&ground.app, &here.signed_in).await.unwrap(), Standing::On(_)), "the secret is shown no more");
}

#[tokio::test]
async fn the_password_alone_is_no_session_and_a_code_is_taken_once() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let set_up_with = code(&ground, &factor.secret);
    let challenge_here = challenge(&ground, PASSWORD).await;
    assert_eq!(reason(sessions::authenticate(&ground.app, challenge_here.expose_secret()).await), "unauthenticated");
    for wrong in [WRONG, "", &set_up_with, "AAAA-BBBB-CCCC-DDDD"] {
        assert_eq!(fields(give(&ground, &challenge_here, wrong).await), [("code", "wrong")], "{wrong}");
    }
    let right = factor.next(&ground);
    let entered = give(&ground, &challenge_here, &right).await.unwrap();
    assert!(is_alive(&ground, &entered).await);
    assert_eq!(reason(give(&ground, &challenge_here, &factor.next(&ground)).await), "sign_in_over", "it leads to one session");
    let again = challenge(&ground, PASSWORD).await;
    assert_eq!(
        fields(give(&ground, &again, &right).await),
        [("code", "wrong")],
        "the code was taken, though it is still good for its time"
    );
    for (challenge, code) in [("", WRONG), ("nothing", WRONG), (&"x".repeat(300), WRONG)] {
        assert_eq!(reason(give(&ground, &challenge.to_owned().into(), code).await), "sign_in_over");
    }
}

#[tokio::test]
async fn a_code_comes_in_time_and_with_the_password_as_it_is() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let (late, changed) = (challenge(&ground, PASSWORD).await, challenge(&ground, PASSWORD).await);
    let code = factor.next(&ground);
    profile::change_password(&ground.app, &ada, PASSWORD.into(), &code, "another sentence of words".into()).await.unwrap();
    assert_eq!(reason(give(&ground, &changed, &factor.next(&ground)).await), "sign_in_over", "the password was changed");
    ground.clock.advance(CODE_WITHIN);
    assert_eq!(reason(give(&ground, &late, &factor.next(&ground)).await), "sign_in_over");
    let fresh = challenge(&ground, "another sentence of words").await;
    give(&ground, &fresh, &factor.next(&ground)).await.unwrap();
}

#[tokio::test]
async fn who_has_lost_the_app_comes_in_by_a_recovery_code_once() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let lost = factor.recovery[3].expose_secret().to_lowercase();
    let entered = give(&ground, &challenge(&ground, PASSWORD).await, &lost).await.unwrap();
    assert_eq!(on(&ground, &entered.signed_in).await.unwrap().codes_left, 9);
    assert_eq!(mails(&ground).await.last().unwrap().0, "recovery_code_used");
    assert_eq!(fields(give(&ground, &challenge(&ground, PASSWORD).await, &lost).await), [("code", "wrong")]);

    let make = async |password: &str, code: &str| second_factor::new_recovery_codes(&ground.app, &ada, password.into(), code).await;
    assert_eq!(fields(make("not this sentence", WRONG).await), [("password", "wrong")]);
    assert_eq!(fields(make(PASSWORD, WRONG).await), [("code", "wrong")]);
    let new = make(PASSWORD, &factor.next(&ground)).await.unwrap();
    assert_eq!(mails(&ground).await.last().unwrap().0, "new_recovery_codes");
    let old = factor.recovery[4].expose_secret();
    assert_eq!(fields(give(&ground, &challenge(&ground, PASSWORD).await, old).await), [("code", "wrong")], "those before are good no more");
    give(&ground, &challenge(&ground, PASSWORD).await, new[0].expose_secret()).await.unwrap();
}

#[tokio::test]
async fn a_new_password_does_not_take_it_away() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    reset::ask(&ground.app, ADA, &client()).await.unwrap();
    reset::set(&ground.app, &mailed_token(&ground, ADA).await, "another sentence of words".into(), &client()).await.unwrap();
    let challenge = challenge(&ground, "another sentence of words").await;
    give(&ground, &challenge, &factor.next(&ground)).await.unwrap();
}

#[tokio::test]
async fn it_is_turned_off_with_password_and_code() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let off = async |password: &str, code: &str| second_factor::turn_off(&ground.app, &ada, password.into(), code).await;
    assert_eq!(fields(off("not this sentence", &factor.next(&ground)).await), [("password", "wrong")]);
    assert_eq!(fields(off(PASSWORD, WRONG).await), [("code", "wrong")]);
    assert!(on(&ground, &ada).await.is_some());
    off(PASSWORD, &factor.next(&ground)).await.unwrap();
    assert_eq!(mails(&ground).await.last().unwrap().0, "second_factor_off");
    assert!(on(&ground, &ada).await.is_none());
    session(&ground, ADA).await;
    assert_eq!(reason(off(PASSWORD, "").await), "second_factor_off");
}

#[tokio::test]
async fn an_operator_at_the_machine_takes_it_away_for_who_lost_it() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    assert_eq!(reason(upkeep::remove_second_factor(&ground.app, ADA).await), "second_factor_off");
    let factor = Factor::on(&ground, &ada).await;
    let begun = challenge(&ground, PASSWORD).await;
    assert_eq!(reason(upkeep::remove_second_factor(&ground.app, "nobody@birds.example.org").await), "not_found");
    upkeep::remove_second_factor(&ground.app, ADA).await.unwrap();
    assert_eq!(mails(&ground).await.last().unwrap().0, "second_factor_removed");
    assert_eq!(actions(&ground, ada.actor.person.as_uuid()).await.last().unwrap(), "second_factor.remove");
    session(&ground, ADA).await;
    assert_eq!(fields(give(&ground, &begun, &factor.next(&ground)).await), [("code", "wrong")], "what was begun with it leads nowhere");
}

#[tokio::test]
async fn what_cannot_be_taken_back_takes_a_code_too() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let challenge = challenge(&ground, PASSWORD).await;
    let entered = give(&ground, &challenge, &factor.next(&ground)).await.unwrap();
    let now = async || sessions::authenticate(&ground.app, entered.token.expose_secret()).await.unwrap();
    ground.clock.advance(RECENT);
    assert_eq!(reason(sessions::require_recent(&ground.app, &now().await)), "confirm_password");
    let confirm = async |code: &str| sessions::confirm_password(&ground.app, &now().await, PASSWORD.into(), code).await;
    assert_eq!(fields(confirm("").await), [("code", "wrong")]);
    confirm(&factor.next(&ground)).await.unwrap();
    sessions::require_recent(&ground.app, &now().await).unwrap();
}

#[tokio::test]
async fn neither_password_nor_address_changes_without_a_code() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let before = mails(&ground).await.len();
    let password =
        async |code: &str| profile::change_password(&ground.app, &ada, PASSWORD.into(), code, "another sentence of words".into()).await;
    let address = async |code: &str| profile::change_email(&ground.app, &ada, PASSWORD.into(), code, "ada@lovelace.example.org").await;
    for wrong in ["", WRONG] {
        assert_eq!(fields(address(wrong).await), [("code", "wrong")], "{wrong}");
        assert_eq!(fields(password(wrong).await), [("code", "wrong")], "{wrong}");
    }
    assert_eq!(mails(&ground).await.len(), before, "nothing was changed");
    address(&factor.next(&ground)).await.unwrap();
    password(&factor.next(&ground)).await.unwrap();
}

async fn told(ground: &Ground, kind: &str) -> usize {
    mails(ground).await.iter().filter(|(it, to)| it == kind && to == ADA).count()
}

#[tokio::test]
async fn who_gives_wrong_codes_with_the_right_password_is_told_of_once() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let person = ada.actor.person.as_uuid();
    for nth in 1..=8 {
        let challenge = challenge(&ground, PASSWORD).await;
        assert_eq!(fields(give(&ground, &challenge, WRONG).await), [("code", "wrong")]);
        assert_eq!(told(&ground, "codes_refused").await, usize::from(nth >= 5), "{nth}");
        give(&ground, &challenge, &factor.next(&ground)).await.unwrap();
    }
    let recorded = actions(&ground, person).await;
    assert_eq!(recorded.iter().filter(|it| *it == "sign_in.code_refused").count(), 1, "{recorded:?}");
    ground.clock.advance(TimeDelta::hours(24) + STEP);
    for _ in 0..5 {
        assert_eq!(fields(sessions::confirm_password(&ground.app, &ada, PASSWORD.into(), WRONG).await), [("code", "wrong")]);
    }
    assert_eq!(told(&ground, "codes_refused").await, 2, "in a session it is the same, and a day later it is told again");
}

#[tokio::test]
async fn a_person_has_fifty_wrong_codes_a_day_wherever_they_are_given() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let from = async |place: u8, code: &str| {
        let client = Client { address: [198, 51, 100, place].into(), user_agent: "" };
        sessions::give_code(&ground.app, challenge(&ground, PASSWORD).await.expose_secret(), code, &client).await
    };
    for place in 1..=10 {
        for _ in 0..5 {
            assert_eq!(fields(from(place, WRONG).await), [("code", "wrong")], "{place}");
        }
        if place < 10 {
            from(place, &factor.next(&ground)).await.unwrap();
        }
    }
    too_many(from(11, &factor.next(&ground)).await);
    too_many(sessions::confirm_password(&ground.app, &ada, PASSWORD.into(), &factor.next(&ground)).await);
    ground.clock.advance(TimeDelta::hours(24) + STEP);
    from(11, &factor.next(&ground)).await.unwrap();
}

#[tokio::test]
async fn a_recovery_code_that_is_used_is_recorded() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let used = async || {
        let recorded = actions(&ground, ada.actor.person.as_uuid()).await;
        recorded.iter().filter(|it| *it == "second_factor.use_recovery_code").count()
    };
    give(&ground, &challenge(&ground, PASSWORD).await, &factor.next(&ground)).await.unwrap();
    assert_eq!(used().await, 0);
    give(&ground, &challenge(&ground, PASSWORD).await, factor.recovery[0].expose_secret()).await.unwrap();
    assert_eq!(used().await, 1);
    sessions::confirm_password(&ground.app, &ada, PASSWORD.into(), factor.recovery[1].expose_secret()).await.unwrap();
    assert_eq!(used().await, 2);
}

fn too_many<T: std::fmt::Debug>(result: Result<T, Error>) {
    let refused = result.unwrap_err();
    assert!(matches!(refused, Error::RateLimited { excess: Excess::WrongCodes, .. }), "{refused:?}");
}

#[tokio::test]
async fn guesses_at_a_code_end_soon() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    for guess in 0..10 {
        // A new sign-in is no new beginning.
        let challenge = challenge(&ground, PASSWORD).await;
        assert_eq!(fields(give(&ground, &challenge, WRONG).await), [("code", "wrong")], "{guess}");
    }
    too_many(give(&ground, &challenge(&ground, PASSWORD).await, &factor.next(&ground)).await);

    let confirm = async |code: &str| sessions::confirm_password(&ground.app, &ada, PASSWORD.into(), code).await;
    for guess in 0..10 {
        assert_eq!(fields(confirm(WRONG).await), [("code", "wrong")], "{guess}");
    }
    too_many(confirm(&factor.next(&ground)).await);
    ground.clock.advance(TimeDelta::hours(1) + TimeDelta::seconds(1));
    give(&ground, &challenge(&ground, PASSWORD).await, &factor.next(&ground)).await.unwrap();
    confirm(&factor.next(&ground)).await.unwrap();
}

#[tokio::test]
async fn of_two_that_give_one_code_one_comes_in() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let (one, other) = (challenge(&ground, PASSWORD).await, challenge(&ground, PASSWORD).await);
    let code = factor.next(&ground);
    let (one, other) = tokio::join!(give(&ground, &one, &code), give(&ground, &other, &code));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn a_new_key_wraps_it_and_the_old_one_may_leave() {
    let mut ground = Ground::new().await;
    let old = KeyRing::generate("old");
    ground.app.keys = std::sync::Arc::new(KeyRing::parse(&old).unwrap());
    let ada = somebody(&ground, ADA).await;
    let factor = Factor::on(&ground, &ada).await;
    let new = KeyRing::generate("new");
    ground.app.keys = std::sync::Arc::new(KeyRing::parse(&format!("{new}{old}")).unwrap());
    assert_eq!(upkeep::rewrap_keys(&ground.app).await.unwrap(), 1);
    assert_eq!(upkeep::rewrap_keys(&ground.app).await.unwrap(), 0);
    ground.app.keys = std::sync::Arc::new(KeyRing::parse(&new).unwrap());
    give(&ground, &challenge(&ground, PASSWORD).await, &factor.next(&ground)).await.unwrap();
}
