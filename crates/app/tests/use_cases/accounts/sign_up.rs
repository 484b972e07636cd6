//! From a form to an account, by a link, and, where the settings say so, by an operator.

use chrono::TimeDelta;
use howdah_app::settings::SettingsChange;
use howdah_app::sign_up::{self, Confirmed, SignUpRequest};
use howdah_app::{Page, Role};

use super::{
    ADA, PASSWORD, actions, client, confirm, expected, is_alive, mailed_token, mails, operator, session, sign_up_request, somebody,
    try_password,
};
use crate::ground::{Ground, fields, reason};

const PAGE: Page = Page { before: None, limit: 10 };

async fn with(sign_ups: &str) -> Ground {
    Ground::with(SettingsChange {
        support_address: "help@howdah.example".to_owned(),
        sign_ups: sign_ups.to_owned(),
        ..SettingsChange::default()
    })
    .await
}

async fn ask(ground: &Ground, email: &str) {
    sign_up::ask(&ground.app, &sign_up_request(email), &client()).await.unwrap();
}

#[tokio::test]
async fn a_link_makes_the_account() {
    let ground = Ground::new().await;
    ask(&ground, " Ada@Birds.example.org ").await;
    assert_eq!(mails(&ground).await, expected(&[("confirm_sign_up", ADA)]));
    assert_eq!(reason(try_password(&ground, ADA, PASSWORD).await), "wrong_credentials", "nobody is there yet");

    let token = mailed_token(&ground, ADA).await;
    for _ in 0..2 {
        let look = sign_up::look(&ground.app, &token).await.unwrap();
        assert_eq!((look.email.as_str(), look.account_name.as_str()), (ADA, "Ada Lovelace"), "to look changes nothing");
    }
    let weak = sign_up::confirm(&ground.app, &token, "ada lovelace".into(), &client()).await;
    assert_eq!(fields(weak), [("password", "too_common")]);
    let Confirmed::Ready(entered) = confirm(&ground, &token).await.unwrap() else { panic!() };
    assert!(is_alive(&ground, &entered).await);
    let ada = session(&ground, "ADA@birds.example.org").await.signed_in;
    assert_eq!((ada.name.as_str(), ada.account_name.as_str(), ada.actor.role), ("Ada Lovelace", "Ada Lovelace", Role::Owner));
    assert!(!ada.actor.is_operator && !ada.actor.operates());
    assert_eq!(actions(&ground, ada.actor.person.as_uuid()).await, ["account.open"]);
    ground.launch(&ada.actor, "birds.fedi.localhost").await.unwrap();
}

#[tokio::test]
async fn a_link_that_is_not_good_says_why() {
    let ground = Ground::new().await;
    ask(&ground, ADA).await;
    let token = mailed_token(&ground, ADA).await;
    assert_eq!(reason(confirm(&ground, "no such token").await), "link_unknown");
    ground.clock.advance(TimeDelta::hours(24));
    assert_eq!(reason(sign_up::look(&ground.app, &token).await), "link_expired");
    assert_eq!(reason(confirm(&ground, &token).await), "link_expired");

    ask(&ground, ADA).await;
    let token = mailed_token(&ground, ADA).await;
    confirm(&ground, &token).await.unwrap();
    assert_eq!(reason(sign_up::look(&ground.app, &token).await), "link_used");
    let again = confirm(&ground, &token).await.unwrap_err();
    assert_eq!(again.to_string(), "This link was used already. Sign in with the password that you chose.");
}

#[tokio::test]
async fn two_links_at_once_make_one_account() {
    let ground = Ground::new().await;
    ask(&ground, ADA).await;
    let first = mailed_token(&ground, ADA).await;
    ask(&ground, ADA).await;
    let second = mailed_token(&ground, ADA).await;
    let (once, again) = futures::join!(confirm(&ground, &first), confirm(&ground, &second));
    let refused: Vec<_> = [once, again].into_iter().filter_map(Result::err).map(|it| it.reason()).collect();
    assert_eq!(refused, ["address_taken"]);
}

#[tokio::test]
async fn a_known_address_gets_the_same_answer_and_another_mail() {
    let ground = Ground::new().await;
    somebody(&ground, ADA).await;
    ask(&ground, ADA).await;
    assert_eq!(mails(&ground).await.last(), expected(&[("account_exists", ADA)]).last());
    assert!(try_password(&ground, ADA, PASSWORD).await.is_ok(), "nothing was changed");
}

#[tokio::test]
async fn every_field_that_is_wrong_is_told_together() {
    let ground = Ground::new().await;
    let request = SignUpRequest { name: " ".to_owned(), email: "ada".to_owned(), account_name: "a\nb".to_owned() };
    let refused = fields(sign_up::ask(&ground.app, &request, &client()).await);
    assert_eq!(refused, [("name", "missing"), ("email", "malformed"), ("account_name", "malformed")]);
    assert_eq!(mails(&ground).await, []);
}

#[tokio::test]
async fn closed_is_closed() {
    let ground = with("closed").await;
    assert_eq!(reason(sign_up::ask(&ground.app, &sign_up_request(ADA), &client()).await), "sign_ups_closed");
}

#[tokio::test]
async fn an_operator_lets_in_who_waits() {
    let ground = with("by_approval").await;
    let operator = operator(&ground).await.actor;
    ask(&ground, ADA).await;
    let token = mailed_token(&ground, ADA).await;
    assert_eq!(sign_up::waiting(&ground.app, &operator, PAGE).await.unwrap(), [], "who has not confirmed is nobody to decide about");
    assert!(matches!(confirm(&ground, &token).await.unwrap(), Confirmed::AwaitingApproval));
    assert_eq!(reason(try_password(&ground, ADA, PASSWORD).await), "awaiting_approval");
    assert_eq!(reason(try_password(&ground, ADA, "the wrong one of all").await), "wrong_credentials");

    let [waiting] = &sign_up::waiting(&ground.app, &operator, PAGE).await.unwrap()[..] else { panic!() };
    assert_eq!((waiting.email.as_str(), waiting.name.as_str()), (ADA, "Ada Lovelace"));
    sign_up::approve(&ground.app, &operator, waiting.id, None).await.unwrap();
    assert_eq!(reason(sign_up::refuse(&ground.app, &operator, waiting.id, None).await), "decided");
    assert_eq!(sign_up::waiting(&ground.app, &operator, PAGE).await.unwrap(), []);
    let ada = session(&ground, ADA).await.signed_in.actor;
    assert_eq!(actions(&ground, ada.person.as_uuid()).await, ["sign_up.approve"]);
    assert_eq!(reason(sign_up::waiting(&ground.app, &ada, PAGE).await), "operators_only");
    assert_eq!(reason(sign_up::approve(&ground.app, &ada, waiting.id, None).await), "operators_only");
    let kinds = [("confirm_sign_up", ADA), ("sign_up_to_approve", "help@howdah.example"), ("account_ready", ADA)];
    assert_eq!(mails(&ground).await, expected(&kinds));
}

#[tokio::test]
async fn an_operator_turns_away_who_waits() {
    let ground = with("by_approval").await;
    let operator = operator(&ground).await.actor;
    ask(&ground, ADA).await;
    confirm(&ground, &mailed_token(&ground, ADA).await).await.unwrap();
    ask(&ground, ADA).await;
    assert_eq!(mails(&ground).await.last(), expected(&[("sign_up_waits", ADA)]).last());
    let waiting = sign_up::waiting(&ground.app, &operator, PAGE).await.unwrap();
    sign_up::refuse(&ground.app, &operator, waiting[0].id, None).await.unwrap();
    assert_eq!(mails(&ground).await.last(), expected(&[("sign_up_refused", ADA)]).last());
    assert_eq!(reason(try_password(&ground, ADA, PASSWORD).await), "wrong_credentials");
    assert_eq!(reason(sign_up::approve(&ground.app, &operator, waiting[0].id, None).await), "decided");
}

#[tokio::test]
async fn of_several_links_the_first_that_is_used_decides_the_password() {
    let ground = with("by_approval").await;
    let mut links = Vec::new();
    for _ in 0..3 {
        ask(&ground, ADA).await;
        links.push(mailed_token(&ground, ADA).await);
    }
    let choose = async |token: &str, password: &str| sign_up::confirm(&ground.app, token, password.into(), &client()).await;
    let (one, other) = futures::join!(choose(&links[0], PASSWORD), choose(&links[1], PASSWORD));
    let refused: Vec<_> = [one, other].into_iter().filter_map(Result::err).map(|it| it.reason()).collect();
    assert_eq!(refused, ["link_used"]);
    let said = choose(&links[2], "another sentence of words").await.unwrap_err();
    assert!(said.reason() == "link_used" && said.to_string().contains("waits for approval"), "{said}");
    assert_eq!(reason(try_password(&ground, ADA, "another sentence of words").await), "wrong_credentials");
    assert_eq!(reason(try_password(&ground, ADA, PASSWORD).await), "awaiting_approval");
}
