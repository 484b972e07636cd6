//! Who belongs to an account.

use chrono::TimeDelta;
use howdah_app::idempotency::{IdempotencyKey, Idempotent};
use howdah_app::members::{self, Acceptance, InvitationView};
use howdah_app::{Actor, Error, Excess, Once, Page, Role, profile};
use howdah_db::models::mail::Mail;
use howdah_domain::InvitationId;
use serde_json::json;

use super::{ADA, PASSWORD, actions, expected, mailed_token, mails, session, somebody, try_password};
use crate::ground::{Ground, fields, reason};

const BOB: &str = "bob@cats.example.org";

async fn invite(ground: &Ground, actor: &Actor, email: &str, role: Role) -> Result<InvitationId, Error> {
    Ok(members::invite(&ground.app, actor, email, role, None).await?.done().expect("no key was given").id)
}

fn newcomer() -> Acceptance<'static> {
    Acceptance::New { name: "Bob", password: PASSWORD.into() }
}

async fn roles(ground: &Ground, actor: &Actor) -> Vec<(String, Role)> {
    let mut roles: Vec<_> = members::page(&ground.app, actor, Page { before: None, limit: 100 })
        .await
        .unwrap()
        .into_iter()
        .map(|it| (it.email, it.role))
        .collect();
    // The tests' clock stands still: nobody came first.
    roles.sort_by(|(one, _), (other, _)| one.cmp(other));
    roles
}

#[tokio::test]
async fn somebody_new_accepts_and_belongs() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    let id = invite(&ground, &ada, " BOB@cats.example.org", Role::Technical).await.unwrap();
    assert!(mails(&ground).await.contains(&expected(&[("invitation", BOB)])[0]));
    let [invitation] = &members::invitations(&ground.app, &ada).await.unwrap()[..] else { panic!() };
    assert_eq!((invitation.id, invitation.email.as_str(), invitation.role), (id, BOB, Role::Technical));
    assert_eq!(invitation.invited_by, "Ada Lovelace");

    let token = mailed_token(&ground, BOB).await;
    let look = members::look(&ground.app, &token).await.unwrap();
    assert_eq!((look.account_name.as_str(), look.needs_sign_up), ("Ada Lovelace", true));
    let weak = Acceptance::New { name: "", password: "short".into() };
    assert_eq!(fields(members::accept(&ground.app, &token, weak).await), [("name", "missing"), ("password", "too_short")]);
    members::accept(&ground.app, &token, newcomer()).await.unwrap();
    let bob = session(&ground, BOB).await.signed_in;
    assert_eq!((bob.actor.account, bob.actor.role, bob.account_name.as_str()), (ada.account, Role::Technical, "Ada Lovelace"));
    assert_eq!(roles(&ground, &ada).await, [(ADA.to_owned(), Role::Owner), (BOB.to_owned(), Role::Technical)]);
    assert_eq!(members::invitations(&ground.app, &ada).await.unwrap(), []);
    assert_eq!(actions(&ground, bob.actor.person.as_uuid()).await, ["member.join"]);
    assert_eq!(reason(members::accept(&ground.app, &token, newcomer()).await), "link_used");
    assert_eq!(reason(invite(&ground, &ada, BOB, Role::Owner).await), "member_already");
}

#[tokio::test]
async fn an_invitation_ends() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    let anew = async || {
        let id = invite(&ground, &ada, BOB, Role::Owner).await.unwrap();
        (id, mailed_token(&ground, BOB).await)
    };
    let (_, replaced) = anew().await;
    let (withdrawn_id, withdrawn) = anew().await;
    members::withdraw(&ground.app, &ada, withdrawn_id).await.unwrap();
    assert_eq!(reason(members::withdraw(&ground.app, &ada, withdrawn_id).await), "not_found");
    for token in [&replaced, &withdrawn] {
        assert_eq!(reason(members::look(&ground.app, token).await), "link_withdrawn");
        assert_eq!(reason(members::accept(&ground.app, token, newcomer()).await), "link_withdrawn");
    }
    let (_, late) = anew().await;
    ground.clock.advance(TimeDelta::days(7));
    assert_eq!(reason(members::look(&ground.app, &late).await), "link_expired");
    assert_eq!(reason(members::look(&ground.app, "nothing").await), "link_unknown");
}

#[tokio::test]
async fn whose_address_is_known_has_to_sign_in() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    let bob = somebody(&ground, BOB).await;
    invite(&ground, &ada, BOB, Role::Billing).await.unwrap();
    let token = mailed_token(&ground, BOB).await;
    assert!(!members::look(&ground.app, &token).await.unwrap().needs_sign_up);
    assert_eq!(reason(members::accept(&ground.app, &token, newcomer()).await), "address_taken");
    members::accept(&ground.app, &token, Acceptance::Known(&bob)).await.unwrap();
    assert_eq!(roles(&ground, &ada).await.len(), 2);
}

#[tokio::test]
async fn there_is_always_an_owner() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    let you = ada.person;
    assert_eq!(reason(members::remove(&ground.app, &ada, you).await), "last_owner");
    assert_eq!(reason(members::change_role(&ground.app, &ada, you, Role::Billing).await), "last_owner");
    members::change_role(&ground.app, &ada, you, Role::Owner).await.unwrap();

    invite(&ground, &ada, BOB, Role::Owner).await.unwrap();
    members::accept(&ground.app, &mailed_token(&ground, BOB).await, newcomer()).await.unwrap();
    let bob = session(&ground, BOB).await.signed_in.actor;
    let both = futures::join!(members::remove(&ground.app, &ada, ada.person), members::remove(&ground.app, &bob, bob.person));
    let refused: Vec<_> = [both.0, both.1].into_iter().filter_map(Result::err).map(|it| it.reason()).collect();
    assert_eq!(refused, ["last_owner"], "of two who leave at once one stays");
}

#[tokio::test]
async fn what_an_owner_offered_ends_with_their_owning() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    invite(&ground, &ada, BOB, Role::Owner).await.unwrap();
    members::accept(&ground.app, &mailed_token(&ground, BOB).await, newcomer()).await.unwrap();
    let bob = session(&ground, BOB).await.signed_in.actor;
    let second = "bob-again@cats.example.org";
    invite(&ground, &bob, second, Role::Owner).await.unwrap();
    let token = mailed_token(&ground, second).await;
    members::change_role(&ground.app, &ada, bob.person, Role::Technical).await.unwrap();
    assert_eq!(reason(members::accept(&ground.app, &token, newcomer()).await), "link_unknown");
    assert_eq!(roles(&ground, &ada).await.len(), 2);
}

#[tokio::test]
async fn only_owners_change_who_belongs() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    invite(&ground, &ada, BOB, Role::Technical).await.unwrap();
    members::accept(&ground.app, &mailed_token(&ground, BOB).await, newcomer()).await.unwrap();
    let bob = session(&ground, BOB).await.signed_in.actor;
    let eve = somebody(&ground, "eve@cats.example.org").await.actor;

    assert_eq!(reason(invite(&ground, &bob, "x@cats.example.org", Role::Owner).await), "role");
    assert_eq!(reason(members::change_role(&ground.app, &bob, bob.person, Role::Owner).await), "role");
    assert_eq!(reason(members::remove(&ground.app, &bob, ada.person).await), "role");
    assert_eq!(reason(members::remove(&ground.app, &eve, bob.person).await), "not_found", "another account's people don't exist");
    let invitation = invite(&ground, &ada, "x@cats.example.org", Role::Billing).await.unwrap();
    assert_eq!(reason(members::withdraw(&ground.app, &eve, invitation).await), "not_found");

    members::change_role(&ground.app, &ada, bob.person, Role::Billing).await.unwrap();
    assert_eq!(roles(&ground, &ada).await[1].1, Role::Billing);
    members::remove(&ground.app, &bob, bob.person).await.unwrap();
    assert_eq!(roles(&ground, &ada).await.len(), 1);
    assert_eq!(reason(try_password(&ground, BOB, PASSWORD).await), "no_account");
    let recorded = actions(&ground, bob.person.as_uuid()).await;
    assert_eq!(recorded, ["member.join", "member.change_role", "member.remove"]);
}

/// A request that began before that has the actor as they were.
#[tokio::test]
async fn who_owns_the_account_no_more_changes_nobody() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    invite(&ground, &ada, BOB, Role::Owner).await.unwrap();
    members::accept(&ground.app, &mailed_token(&ground, BOB).await, newcomer()).await.unwrap();
    let bob = session(&ground, BOB).await.signed_in.actor;
    members::change_role(&ground.app, &ada, bob.person, Role::Technical).await.unwrap();
    assert_eq!(reason(members::change_role(&ground.app, &bob, bob.person, Role::Owner).await), "role");
    assert_eq!(reason(members::change_role(&ground.app, &bob, ada.person, Role::Billing).await), "role");
    assert_eq!(reason(invite(&ground, &bob, "x@cats.example.org", Role::Owner).await), "role");
    members::remove(&ground.app, &bob, bob.person).await.unwrap();
    assert_eq!(reason(members::remove(&ground.app, &bob, ada.person).await), "unauthenticated");
    assert_eq!(reason(invite(&ground, &bob, "x@cats.example.org", Role::Owner).await), "unauthenticated");
    assert_eq!(roles(&ground, &ada).await, [(ADA.to_owned(), Role::Owner)]);
}

/// Whom the newest mails were written to, by kind.
async fn told(ground: &Ground, kind: &str) -> Vec<String> {
    let mut all: Vec<String> = mails(ground).await.into_iter().filter(|(it, _)| it == kind).map(|(_, recipient)| recipient).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn owners_and_whom_it_is_about_are_told_of_every_change() {
    const EVE: &str = "eve@cats.example.org";
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    invite(&ground, &ada, BOB, Role::Owner).await.unwrap();
    assert_eq!(told(&ground, "member_invited").await, [ADA]);
    members::accept(&ground.app, &mailed_token(&ground, BOB).await, newcomer()).await.unwrap();
    assert_eq!(told(&ground, "member_joined").await, [ADA, BOB]);
    let bob = session(&ground, BOB).await.signed_in.actor;

    invite(&ground, &bob, EVE, Role::Technical).await.unwrap();
    assert_eq!(told(&ground, "member_invited").await, [ADA, ADA, BOB], "every owner, whoever of them did it");
    let eve = somebody(&ground, EVE).await;
    members::accept(&ground.app, &mailed_invitation(&ground, EVE).await, Acceptance::Known(&eve)).await.unwrap();
    assert_eq!(told(&ground, "member_joined").await, [ADA, ADA, BOB, BOB, EVE]);

    members::change_role(&ground.app, &ada, eve.actor.person, Role::Billing).await.unwrap();
    members::change_role(&ground.app, &ada, eve.actor.person, Role::Billing).await.unwrap();
    assert_eq!(told(&ground, "member_role_changed").await, [ADA, BOB, EVE], "and of nothing that stays as it is");
    members::change_role(&ground.app, &ada, bob.person, Role::Technical).await.unwrap();
    assert_eq!(told(&ground, "member_role_changed").await, [ADA, ADA, BOB, BOB, EVE], "who owns it no more is told that");
    members::remove(&ground.app, &ada, eve.actor.person).await.unwrap();
    assert_eq!(told(&ground, "member_removed").await, [ADA, EVE]);
    members::remove(&ground.app, &bob, bob.person).await.unwrap();
    assert_eq!(told(&ground, "member_removed").await, [ADA, ADA, BOB, EVE]);
    let texts = texts(&ground).await;
    let removed = "Ada Lovelace (ada@birds.example.org) removed Ada Lovelace (eve@cats.example.org) from the account “Ada Lovelace”";
    assert!(texts.contains(removed) && texts.contains("Bob (bob@cats.example.org) has left the account"), "{texts}");
    assert!(texts.contains("it was “technical” and is “billing”"), "{texts}");
}

#[tokio::test]
async fn roles_that_change_back_and_forth_take_nothing_from_invitations() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    invite(&ground, &ada, BOB, Role::Technical).await.unwrap();
    members::accept(&ground.app, &mailed_token(&ground, BOB).await, newcomer()).await.unwrap();
    let bob = session(&ground, BOB).await.signed_in.actor.person;
    let change = async |role| members::change_role(&ground.app, &ada, bob, role).await;
    for count in 0..25 {
        change(Role::Billing).await.unwrap();
        change(Role::Technical).await.unwrap_or_else(|error| panic!("{count}: {error}"));
        change(Role::Technical).await.unwrap_or_else(|error| panic!("nothing was changed, {count}: {error}"));
    }
    let refused = change(Role::Billing).await.unwrap_err();
    assert!(matches!(refused, Error::RateLimited { excess: Excess::RoleChanges, .. }), "{refused:?}");
    assert_eq!(roles(&ground, &ada).await[1].1, Role::Technical);
    invite(&ground, &ada, "eve@cats.example.org", Role::Billing).await.unwrap();
    ground.clock.advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
    change(Role::Billing).await.unwrap();
}

async fn texts(ground: &Ground) -> String {
    let all = Mail::waiting(&mut *ground.database.conn().await, 100).await.unwrap();
    all.into_iter().map(|it| it.text_body).collect()
}

/// Of several links that came to an address, the one into an account.
async fn mailed_invitation(ground: &Ground, recipient: &str) -> String {
    let all = Mail::waiting(&mut *ground.database.conn().await, 100).await.unwrap();
    let link = all.into_iter().filter(|it| it.purpose == "invitation" && it.recipient == recipient).find_map(|it| it.link).unwrap();
    link.split_once("token=").unwrap().1.to_owned()
}

#[tokio::test]
async fn long_names_are_told_too() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    profile::change_name(&ground.app, &ada, &"é".repeat(200)).await.unwrap();
    let bob = format!("{}@{}.example.org", "b".repeat(64), "cats.".repeat(34).trim_end_matches('.'));
    invite(&ground, &ada.actor, &bob, Role::Owner).await.unwrap();
    assert_eq!(told(&ground, "member_invited").await, [ADA]);
}

#[tokio::test]
async fn an_invitation_that_is_sent_again_with_its_key_counts_once() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    let key = IdempotencyKey::new(&ada, "k", "POST", "/account/people", b"").unwrap();
    let render = |_: &InvitationView| (303, json!({}));
    for sent in 0..60 {
        let idempotent = Some(Idempotent { key: &key, render: &render });
        let once = members::invite(&ground.app, &ada, BOB, Role::Technical, idempotent).await.unwrap();
        assert_eq!(matches!(once, Once::Done(_)), sent == 0);
    }
    // To one address five an hour, by one account fifty a day.
    for sent in 1..5 {
        invite(&ground, &ada, BOB, Role::Technical).await.unwrap_or_else(|error| panic!("{sent}: {error}"));
    }
    assert_eq!(reason(invite(&ground, &ada, BOB, Role::Technical).await), "rate_limited");
    for other in 5..50 {
        let email = format!("bob{other}@cats.example.org");
        invite(&ground, &ada, &email, Role::Technical).await.unwrap_or_else(|error| panic!("{other}: {error}"));
    }
    assert_eq!(reason(invite(&ground, &ada, "one-too-many@cats.example.org", Role::Technical).await), "rate_limited");
    let again = Some(Idempotent { key: &key, render: &render });
    assert!(matches!(members::invite(&ground.app, &ada, BOB, Role::Technical, again).await, Ok(Once::Again { .. })));
}
