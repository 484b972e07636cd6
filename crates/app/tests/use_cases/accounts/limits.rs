//! Who guesses is stopped, whichever server process is asked.

use chrono::TimeDelta;
use howdah_app::sessions::{self, Client};
use howdah_app::{Error, reset, sign_up};

use super::{ADA, PASSWORD, client, sign_up_request, somebody, try_password};
use crate::ground::{Ground, reason};

#[tokio::test]
async fn guesses_at_one_address_are_counted_from_everywhere() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    for email in [ADA, "nobody@birds.example.org"] {
        for guess in 0..10u8 {
            let client = Client { address: [198, 51, 100, guess].into(), user_agent: "" };
            let refused = sessions::sign_in(&ground.app, email, "a guess at a sentence".into(), &client).await;
            assert_eq!(reason(refused), "wrong_credentials");
        }
        let Error::RateLimited { retry_after } = try_password(&ground, email, PASSWORD).await.unwrap_err() else { panic!() };
        assert_eq!(retry_after.as_secs(), 15 * 60 + 1);
    }
    ground.clock.advance(TimeDelta::minutes(15) + TimeDelta::seconds(1));
    assert!(try_password(&ground, ADA, PASSWORD).await.is_ok());
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
}

#[tokio::test]
async fn guesses_from_one_place_are_counted_at_all_addresses() {
    let ground = Ground::new().await;
    for guess in 0..60 {
        let refused = try_password(&ground, &format!("nobody{guess}@birds.example.org"), PASSWORD).await;
        assert_eq!(reason(refused), "wrong_credentials");
    }
    assert_eq!(reason(try_password(&ground, ADA, PASSWORD).await), "rate_limited");
    let elsewhere = Client { address: "2001:db8::7".parse().unwrap(), user_agent: "" };
    assert_eq!(reason(sessions::sign_in(&ground.app, ADA, PASSWORD.into(), &elsewhere).await), "wrong_credentials");
}

#[tokio::test]
async fn strangers_have_few_mails_sent_to_one_address() {
    let ground = Ground::new().await;
    for _ in 0..4 {
        reset::ask(&ground.app, ADA, &client()).await.unwrap();
    }
    sign_up::ask(&ground.app, &sign_up_request(ADA), &client()).await.unwrap();
    assert_eq!(reason(reset::ask(&ground.app, ADA, &client()).await), "rate_limited");
    assert_eq!(reason(sign_up::ask(&ground.app, &sign_up_request(ADA), &client()).await), "rate_limited");
    ground.clock.advance(TimeDelta::hours(1) + TimeDelta::seconds(1));
    reset::ask(&ground.app, ADA, &client()).await.unwrap();
}
