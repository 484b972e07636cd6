//! Who guesses is stopped, whichever server process is asked, and stops nobody else.

use std::net::IpAddr;

use chrono::TimeDelta;
use howdah_app::sessions::{self, Client};
use howdah_app::{Error, Excess, reset, sign_up};

use super::{ADA, PASSWORD, client, mailed_token, sign_up_request, somebody, try_password};
use crate::ground::{Ground, fields, reason};

const WRONG: &str = "a guess at a sentence";

fn at(address: &str) -> Client<'static> {
    Client { address: address.parse::<IpAddr>().unwrap(), user_agent: "" }
}

async fn guess(ground: &Ground, email: &str, from: &str) -> &'static str {
    reason(sessions::sign_in(&ground.app, email, WRONG.into(), &at(from)).await)
}

#[tokio::test]
async fn guesses_at_one_address_end_where_they_come_from_and_lock_nobody_out() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    for email in [ADA, "nobody@birds.example.org"] {
        for from in ["198.51.100.1", "198.51.100.2", "2001:db8:1:2::7"] {
            for _ in 0..10 {
                assert_eq!(guess(&ground, email, from).await, "wrong_credentials", "{from}");
            }
            let refused = sessions::sign_in(&ground.app, email, PASSWORD.into(), &at(from)).await;
            let Error::RateLimited { excess, retry_after } = refused.unwrap_err() else { panic!() };
            assert_eq!((excess, retry_after.as_secs()), (Excess::WrongPasswords, 15 * 60 + 1));
        }
        assert_eq!(guess(&ground, email, "2001:db8:1:2:3::7").await, "rate_limited", "one network is one place");
    }
    assert!(try_password(&ground, ADA, PASSWORD).await.is_ok(), "the right one comes from elsewhere");
    ground.clock.advance(TimeDelta::minutes(15) + TimeDelta::seconds(1));
    assert!(sessions::sign_in(&ground.app, ADA, PASSWORD.into(), &at("198.51.100.1")).await.is_ok());
}

#[tokio::test]
async fn the_right_one_is_not_locked_out_by_their_own_mistakes() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    for _ in 0..3 {
        for _ in 0..9 {
            assert_eq!(reason(try_password(&ground, ADA, "a typo in a sentence").await), "wrong_credentials");
        }
        assert!(try_password(&ground, ADA, PASSWORD).await.is_ok());
    }
    for _ in 0..10 {
        assert_eq!(reason(try_password(&ground, ADA, "a typo in a sentence").await), "wrong_credentials");
    }
    assert_eq!(reason(try_password(&ground, ADA, PASSWORD).await), "rate_limited");
    reset::ask(&ground.app, ADA, &client()).await.unwrap();
    reset::set(&ground.app, &mailed_token(&ground, ADA).await, "another sentence of words".into(), &client()).await.unwrap();
    assert!(try_password(&ground, ADA, "another sentence of words").await.is_ok(), "a new password is a new beginning");
}

#[tokio::test]
async fn guesses_in_a_session_and_guesses_of_strangers_are_apart() {
    let ground = Ground::new().await;
    let (here, there) = (somebody(&ground, ADA).await, try_password(&ground, ADA, PASSWORD).await.unwrap().signed_in);
    for _ in 0..10 {
        assert_eq!(guess(&ground, ADA, "198.51.100.1").await, "wrong_credentials");
        assert_eq!(fields(sessions::confirm_password(&ground.app, &there, WRONG.into(), "").await), [("password", "wrong")]);
    }
    assert_eq!(guess(&ground, ADA, "198.51.100.1").await, "rate_limited");
    assert_eq!(reason(sessions::confirm_password(&ground.app, &there, PASSWORD.into(), "").await), "rate_limited");
    sessions::confirm_password(&ground.app, &here, PASSWORD.into(), "").await.unwrap();
    assert!(try_password(&ground, ADA, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn guesses_from_one_place_are_counted_at_all_addresses() {
    let ground = Ground::new().await;
    for guess in 0..60 {
        let refused = try_password(&ground, &format!("nobody{guess}@birds.example.org"), PASSWORD).await;
        assert_eq!(reason(refused), "wrong_credentials");
    }
    let refused = try_password(&ground, ADA, PASSWORD).await.unwrap_err();
    assert!(matches!(refused, Error::RateLimited { excess: Excess::SignIns, .. }), "no new password helps: {refused:?}");
    assert_eq!(guess(&ground, ADA, "2001:db8::7").await, "wrong_credentials");
}

/// Whether a link to a new password was mailed.
async fn asked(ground: &Ground, email: &str, from: &str) -> bool {
    match reset::ask(&ground.app, email, &at(from)).await {
        Ok(()) => true,
        Err(Error::RateLimited { .. }) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn strangers_have_few_mails_sent_to_one_address() {
    let ground = Ground::new().await;
    for count in 0..20 {
        assert_eq!(asked(&ground, ADA, "198.51.100.1").await, count < 3, "{count}");
    }
    // What was refused there was counted nowhere else: forty in all.
    for place in 2..=14 {
        let left = 40 - 3 * (place - 1);
        for count in 0..4 {
            let from = format!("198.51.100.{place}");
            assert_eq!(asked(&ground, ADA, &from).await, count < left.min(3), "{from} {count}");
        }
    }
    for _ in 0..3 {
        sign_up::ask(&ground.app, &sign_up_request(ADA), &client()).await.unwrap();
    }
    assert_eq!(reason(sign_up::ask(&ground.app, &sign_up_request(ADA), &client()).await), "rate_limited");
    sign_up::ask(&ground.app, &sign_up_request(ADA), &at("198.51.100.4")).await.unwrap();
    ground.clock.advance(TimeDelta::hours(1) + TimeDelta::seconds(1));
    assert!(asked(&ground, ADA, "198.51.100.1").await);
}

#[tokio::test]
async fn a_network_with_many_networks_in_it_is_limited_as_one() {
    let ground = Ground::new().await;
    for network in 0..5 {
        for count in 0..21 {
            let email = format!("somebody{network}-{count}@birds.example.org");
            let is_let = asked(&ground, &email, &format!("2001:db8:1:{network}::7")).await;
            assert_eq!(is_let, network < 4 && count < 20, "{network} {count}");
        }
    }
    assert!(asked(&ground, ADA, "2001:db8:2:1::7").await);
}
