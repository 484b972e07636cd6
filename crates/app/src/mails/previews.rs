//! An example of every mail, to be looked at.

use chrono::{DateTime, TimeDelta};

use howdah_domain::records::Diagnosis;
use howdah_domain::{ApiTokenId, Deletion};

use super::letter::{Mail, Rendered};
use super::{addresses, passkeys, people, second_factor, words};
use crate::tokens::TokenView;
use crate::{Config, Role, Scope};

/// A mail as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    pub kind: &'static str,
    pub subject: String,
    pub text: String,
    pub html: String,
}

const REFERENCE: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";
const TOKEN: &str = "EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-EXA";

/// Every mail of the platform, with made-up names and a link that leads nowhere.
#[must_use]
pub fn previews(config: &Config, support: &str) -> Vec<Preview> {
    let (confirm, reset) = (words::confirm_url(config, TOKEN), words::reset_url(config, TOKEN));
    let (email, invitation) = (words::email_url(config, TOKEN), words::invitation_url(config, TOKEN));
    let owner_link = format!("https://social.birds.example/auth/password/edit?reset_password_token={TOKEN}");
    let time = DateTime::UNIX_EPOCH + TimeDelta::days(20_800) + TimeDelta::hours(14);
    let nothing = String::new();
    let (account, ada, bob) = ("Birds & Friends", "Ada Lovelace (ada@birds.example)", "Bob (bob@cats.example)");
    let faults = [
        Diagnosis::ProofMissing { name: "_howdah.birds.example".to_owned() },
        Diagnosis::AaaaLeftOver { name: "social.birds.example".to_owned(), found: vec!["2001:db8::7".to_owned()] },
    ];
    let token = TokenView {
        id: ApiTokenId::from_uuid(uuid::Uuid::nil()),
        name: "Backups on the office machine".to_owned(),
        scopes: vec![Scope::Read, Scope::Write],
        created_at: time,
        expires_at: time + TimeDelta::days(90),
        last_used_at: None,
    };
    let all = [
        (words::import_rehearsing(config, "birds.example", uuid::Uuid::nil()), &nothing),
        (words::import_done(config, "birds.example", "birds-example", time), &nothing),
        (words::import_taken_back(config, "birds.example", account, "Ada Lovelace", uuid::Uuid::nil()), &nothing),
        (words::scheduled_export_failed(config, ("birds.example", "birds-example"), "Media could not be read.", Some(time)), &nothing),
        (words::scheduled_export_unsealed(config, ("birds.example", "birds-example")), &nothing),
        (words::confirm_sign_up("Ada Lovelace", time), &confirm),
        (words::account_exists(config), &nothing),
        (words::sign_up_waits(), &nothing),
        (words::sign_up_to_approve(config, "Ada Lovelace", "ada@birds.example"), &nothing),
        (words::account_ready(config, "Ada Lovelace"), &nothing),
        (words::sign_up_refused("Ada Lovelace"), &nothing),
        (words::reset_password(time), &reset),
        (words::no_account(config), &nothing),
        (words::password_changed(config, time), &nothing),
        (second_factor::second_factor_on(config, time, 2), &nothing),
        (second_factor::second_factor_off(config, time, false), &nothing),
        (second_factor::second_factor_removed(config, time, true), &nothing),
        (passkeys::passkey_added(config, time, "The phone", Some(2)), &nothing),
        (passkeys::passkey_removed(config, time, "The phone", false), &nothing),
        (second_factor::new_recovery_codes(config, time), &nothing),
        (second_factor::recovery_code_used(config, time, 9), &nothing),
        (second_factor::codes_refused(config, 5, time), &nothing),
        (words::token_made(config, &token), &nothing),
        (words::confirm_email(time), &email),
        (words::email_changing(config, "ada@lovelace.example"), &nothing),
        (words::email_changed("ada@lovelace.example"), &nothing),
        (words::invitation("Ada Lovelace", "Birds & Friends", Role::Technical, time), &invitation),
        (people::invited(config, account, ada, "bob@cats.example", (Role::Owner, time)), &nothing),
        (people::joined(config, account, ada, bob, Role::Owner), &nothing),
        (people::role_changed(config, account, ada, bob, (Role::Owner, Role::Technical)), &nothing),
        (people::removed(config, account, ada, bob), &nothing),
        (words::server_ready("birds.example", "social.birds.example", "ada"), &owner_link),
        (words::owner_link(("birds.example", "social.birds.example"), "ada", time), &owner_link),
        (words::domain_never_proven(config, ("birds.example", "birds-example"), time), &nothing),
        (words::server_closing(config, ("birds.example", "birds-example"), "Birds & Friends", "Ada Lovelace", time, true), &nothing),
        (words::grace_ended(config, ("birds.example", "birds-example"), "Birds & Friends", "Ada Lovelace", Deletion::Close), &nothing),
        (words::server_moving(config, ("birds.example", "birds-example"), "Birds & Friends", "Ada Lovelace"), &nothing),
        (words::server_moved(config, ("birds.example", "birds-example"), "media.social.birds.example", time, time), &nothing),
        (words::server_gone(config, "birds.example", uuid::Uuid::nil(), Some(time)), &nothing),
        (addresses::missing(config, ("birds.example", "birds-example"), TimeDelta::hours(24), &faults), &nothing),
        (addresses::works(config, ("birds.example", "birds-example"), "social.birds.example"), &nothing),
    ];
    all.iter().map(|(mail, link)| preview(mail, link, support)).collect()
}

fn preview(mail: &Mail, link: &str, support: &str) -> Preview {
    let Rendered { subject, text, html } = mail.render(REFERENCE, support).with_link(link);
    Preview { kind: mail.kind, subject, text, html }
}
