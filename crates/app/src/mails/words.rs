//! The words of every mail. Times are told with their zone; nothing is told that the recipient may not know.

use chrono::{DateTime, Utc};
use howdah_domain::Deletion;
use uuid::Uuid;

use super::letter::Mail;
use crate::tokens::TokenView;
use crate::{Config, Role};

/// The mails whose link lies sealed with the server until they are sent.
pub(crate) const SERVER_READY: &str = "server_ready";
pub(crate) const OWNER_LINK: &str = "owner_link";

pub(super) fn page(config: &Config, path: &str) -> String {
    format!("{}{path}", config.dashboard_url.trim_end_matches('/'))
}

pub(super) fn at(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// Of links that are good once: their page, with the token.
pub(crate) fn confirm_url(config: &Config, token: &str) -> String {
    page(config, &format!("/confirm?token={token}"))
}

pub(crate) fn reset_url(config: &Config, token: &str) -> String {
    page(config, &format!("/reset?token={token}"))
}

pub(crate) fn email_url(config: &Config, token: &str) -> String {
    page(config, &format!("/account/email?token={token}"))
}

pub(crate) fn invitation_url(config: &Config, token: &str) -> String {
    page(config, &format!("/invitation?token={token}"))
}

pub(crate) fn confirm_sign_up(name: &str, until: DateTime<Utc>) -> Mail {
    Mail::new("confirm_sign_up", "Confirm your e-mail address")
        .text(format!("Hello {name},"))
        .text("you asked for an account at Howdah. Confirm that this e-mail address is yours, and choose a password.")
        .secret_link("Confirm this e-mail address")
        .text(format!(
            "The link is good once, until {}. If it was not you who asked, do nothing: without the link no account is made.",
            at(until)
        ))
}

/// Instead of a confirmation, to an e-mail address that has an account.
pub(crate) fn account_exists(config: &Config) -> Mail {
    Mail::new("account_exists", "You have an account already")
        .text("Somebody, probably you, asked for a new account at Howdah with this e-mail address. You have one already, and nothing was changed.")
        .link("Sign in", page(config, "/sign-in"))
        .link("If you don't know your password any more", page(config, "/forgotten"))
        .text("If it was not you, you need to do nothing.")
}

/// Instead of a confirmation, to an e-mail address whose sign-up waits for an operator.
pub(crate) fn sign_up_waits() -> Mail {
    Mail::new("sign_up_waits", "Your account waits for approval")
        .text("Somebody, probably you, asked again for an account at Howdah with this e-mail address. It was confirmed before, and waits for an operator of this platform.")
        .text("You need to do nothing: a mail tells you what was decided.")
}

/// To the support, about somebody who waits.
pub(crate) fn sign_up_to_approve(config: &Config, name: &str, email: &str) -> Mail {
    Mail::new("sign_up_to_approve", format!("{email} waits for approval"))
        .text(format!("{name} ({email}) signed up and confirmed the e-mail address. The settings ask for an operator's approval."))
        .link("Approve or refuse", page(config, "/operator/sign-ups"))
}

pub(crate) fn account_ready(config: &Config, name: &str) -> Mail {
    Mail::new("account_ready", "Your account is ready")
        .text(format!("Hello {name},"))
        .text("an operator has approved your account at Howdah. Sign in with the password that you chose.")
        .link("Sign in", page(config, "/sign-in"))
}

pub(crate) fn sign_up_refused(name: &str) -> Mail {
    Mail::new("sign_up_refused", "Your account was not approved")
        .text(format!("Hello {name},"))
        .text("an operator of this platform has not approved the account that you asked for. What you entered is deleted within 30 days.")
        .text("If you think that this is a mistake, answer this mail.")
}

pub(crate) fn reset_password(until: DateTime<Utc>) -> Mail {
    Mail::new("reset_password", "Set a new password")
        .text("Somebody, probably you, asked for a new password of your account at Howdah.")
        .secret_link("Set a new password")
        .text(format!("The link is good once, until {}. Your present password stays until you have set a new one.", at(until)))
        .text("If it was not you, you need to do nothing.")
}

/// Instead of a link to a new password, to an e-mail address that nobody here has.
pub(crate) fn no_account(config: &Config) -> Mail {
    Mail::new("no_account", "There is no account with this e-mail address")
        .text("Somebody, probably you, asked for a new password at Howdah, but there is no account with this e-mail address. Perhaps you signed up with another one.")
        .link("Sign up", page(config, "/sign-up"))
        .text("If it was not you, you need to do nothing. This e-mail address is not kept.")
}

pub(crate) fn password_changed(config: &Config, when: DateTime<Utc>) -> Mail {
    Mail::new("password_changed", "Your password was changed")
        .text(format!("The password of your account at Howdah was changed on {}. All other sessions were ended.", at(when)))
        .text("If it was not you, set a new one at once, and answer this mail.")
        .link("Set a new password", page(config, "/forgotten"))
}

pub(crate) fn token_made(config: &Config, token: &TokenView) -> Mail {
    let scopes: Vec<&str> = token.scopes.iter().map(|it| it.as_str()).collect();
    Mail::new("token_made", "An API token was made")
        .text(format!("An API token of your account at Howdah was made on {}: “{}”.", at(token.created_at), token.name))
        .text(format!("Until {} whoever has it may do what its scopes say: {}.", at(token.expires_at), scopes.join(", ")))
        .link("Look at your tokens, and revoke it", page(config, "/account/tokens"))
        .text("If it was not you, revoke it there. Then set a new password, and answer this mail.")
}

pub(crate) fn confirm_email(until: DateTime<Utc>) -> Mail {
    Mail::new("confirm_email", "Confirm your new e-mail address")
        .text("You asked for this e-mail address to become the one that you sign in with at Howdah, and that mails go to.")
        .secret_link("Confirm this e-mail address")
        .text(format!(
            "The link is good once, until {}. Until it is used, your old one stays. If it was not you who asked, do nothing.",
            at(until)
        ))
}

/// To the old e-mail address, when a new one is asked for.
pub(crate) fn email_changing(config: &Config, new: &str) -> Mail {
    Mail::new("email_changing", "Your e-mail address is to be changed")
        .text(format!(
            "You asked for {new} to become the e-mail address of your account at Howdah. This one stays until the new one is confirmed."
        ))
        .text("If it was not you, somebody knows your password: set a new one at once, which also undoes this.")
        .link("Set a new password", page(config, "/forgotten"))
}

/// To the old e-mail address, when the new one was confirmed.
pub(crate) fn email_changed(new: &str) -> Mail {
    Mail::new("email_changed", "Your e-mail address was changed")
        .text(format!("Your account at Howdah now has the e-mail address {new}: sign in with that, and mails go there. This is the last mail to the old one."))
        .text("If it was not you, answer this mail at once.")
}

/// What somebody can or could do in an account.
pub(super) const fn may(role: Role) -> &'static str {
    match role {
        Role::Owner => "do everything that an owner may, close servers included",
        Role::Technical => "launch and look after its servers, but not close them",
        Role::Billing => "see its servers and bills",
    }
}

pub(crate) fn invitation(by: &str, account: &str, role: Role, until: DateTime<Utc>) -> Mail {
    Mail::new("invitation", format!("{by} invites you to {account}"))
        .text(format!("{by} invites you to the account “{account}” at Howdah, managed hosting for Mastodon. You could {}.", may(role)))
        .secret_link("Look at the invitation")
        .text(format!("The link is good once, until {}. If you don't know what this is about, do nothing.", at(until)))
}

/// To the owner whom the launch named, at the e-mail address that was given for them.
pub(crate) fn server_ready(domain: &str, web_domain: &str, username: &str) -> Mail {
    Mail::new(SERVER_READY, format!("Your server {domain} is ready"))
        .text(format!("Your Mastodon server {domain} is ready."))
        .text(format!("Set the password of your account @{username} there, within six hours."))
        .secret_link("Set your password")
        .link("If that link is too old, ask for a new one", format!("https://{web_domain}/auth/password/new"))
}

/// To every owner of the account: nothing goes on until one of them decides.
pub(crate) fn import_rehearsing(config: &Config, domain: &str, import: uuid::Uuid) -> Mail {
    Mail::new("import_rehearsing", format!("{domain} is imported: look at it"))
        .text(format!("Your server {domain} was brought in and runs as a rehearsal: nothing of it gets out, and its old server goes on serving."))
        .link("Look at it, and decide", page(config, &format!("/imports/{import}")))
        .text("What is written in the rehearsal is thrown away. When you decide for it, the server is loaded anew and takes its old one's place.")
}

/// To every owner of the account.
pub(crate) fn import_done(config: &Config, domain: &str, slug: &str, until: DateTime<Utc>) -> Mail {
    Mail::new("import_done", format!("{domain} has moved in"))
        .text(format!("Your server {domain} runs here now, with everything that was brought."))
        .link("See it, and which records are still to be set", page(config, &format!("/servers/{slug}")))
        .text(format!(
            "Until {} you can go back to the old server from the import's page. What is written here meanwhile would be lost by that.",
            at(until)
        ))
}

/// To every owner: back to the old server, after this one had taken its place.
pub(crate) fn import_taken_back(config: &Config, domain: &str, account: &str, by: &str, import: uuid::Uuid) -> Mail {
    Mail::new("import_taken_back", format!("{domain} goes back to its old server"))
        .text(format!("{by} went back to the old server of {domain} (account “{account}”): the server that had taken its place here is deleted."))
        .text(
            "What was written here since it took its place is lost, and other servers are told nothing. Start the old server again, and let the \
             domain's records lead to it.",
        )
        .link("What was brought stays for a while, and can be rehearsed again", page(config, &format!("/imports/{import}")))
        .text("If none of you asked for this, answer this mail.")
}

/// To every owner: by schedule, with nobody there to see it.
pub(crate) fn scheduled_export_failed(config: &Config, (domain, slug): (&str, &str), why: &str, next_at: Option<DateTime<Utc>>) -> Mail {
    let mail = Mail::new("scheduled_export_failed", format!("{domain} could not be taken along"))
        .text(format!("Your server {domain} was to be taken along by schedule, and that failed. {why}"))
        .text("What was taken along before is kept, and the server itself is as it was.");
    let mail = match next_at {
        Some(next) => mail.text(format!("It is tried again on {}. You can also begin one yourself, now.", at(next))),
        None => mail.text("The schedule is off, so it is not tried again by itself."),
    };
    mail.link("See it, and take it along", page(config, &format!("/servers/{slug}/take-along")))
}

/// To every owner: nobody of them could open what would be made.
pub(crate) fn scheduled_export_unsealed(config: &Config, (domain, slug): (&str, &str)) -> Mail {
    Mail::new("scheduled_export_unsealed", format!("{domain} could not be taken along"))
        .text(format!("Your server {domain} was to be taken along by schedule. What is made so opens by the recovery phrase or the keys of the last bundle that one of its owners took along, and none of its owners has done that."))
        .text("Take it along once, and the schedule goes on with what opens that.")
        .link("Take it along", page(config, &format!("/servers/{slug}/take-along")))
}

/// To whoever asked for it.
pub(crate) fn owner_link((domain, web_domain): (&str, &str), username: &str, until: DateTime<Utc>) -> Mail {
    Mail::new(OWNER_LINK, format!("A new link for the owner of {domain}"))
        .text(format!("You asked for a new link for the owner of your Mastodon server {domain}."))
        .text(format!("Whoever opens it sets the password of @{username} there. It is good until {}, and takes the place of the one before.", at(until)))
        .secret_link("Set the password")
        .link("If that link is too old, the server mails one to the owner's own e-mail address", format!("https://{web_domain}/auth/password/new"))
        .text("If it was not you who asked, somebody has signed in to Howdah as you: change your password there, and end your other sessions.")
}

/// To every owner of the account.
pub(crate) fn domain_never_proven(config: &Config, server: (&str, &str), after: DateTime<Utc>) -> Mail {
    let (domain, slug) = server;
    Mail::new("domain_never_proven", format!("Your server {domain} will be closed: its domain was not proven"))
        .text(format!("Nobody has proven the domain {domain} of your server to be yours: the TXT record _howdah.{domain} was not found."))
        .text(format!("So that the name isn't kept from others for ever, the server is closed on {}, with all that is in it.", at(after)))
        .text("To keep it, set the record before, and undo the closing.")
        .link("Look at it, or undo it", page(config, &format!("/servers/{slug}")))
}

/// To every owner of the account: from here on there is no way back.
pub(crate) fn grace_ended(config: &Config, server: (&str, &str), account: &str, by: &str, deletion: Deletion) -> Mail {
    let (domain, slug) = server;
    let (what, begins) = match deletion {
        // It has no grace period.
        Deletion::MoveOut => ("moving", "Another host serves it from now on."),
        Deletion::Close => (
            "closing",
            "Within moments it begins to tell every server that it knows to delete its accounts, which can't be taken back. \
             Then its database and media are deleted.",
        ),
        Deletion::Remove => ("removing", "Within moments its database and media begin to be deleted, which can't be taken back."),
    };
    Mail::new("grace_ended", format!("The grace period of your server {domain} was ended"))
        .text(format!("{by} ended the grace period before the {what} of your server {domain} (account “{account}”)."))
        .text(begins)
        .link("See how far it is", page(config, &format!("/servers/{slug}")))
        .text("If none of you asked for this, answer this mail at once.")
}

/// To every owner of the account.
pub(crate) fn server_closing(
    config: &Config,
    server: (&str, &str),
    account: &str,
    by: &str,
    after: DateTime<Utc>,
    keeps_final: bool,
) -> Mail {
    let (domain, slug) = server;
    let kept = if keeps_final {
        "Before anything of it goes, a final bundle of everything is made, and kept for you for 90 days after its end."
    } else {
        "Nothing of it is kept."
    };
    Mail::new("server_closing", format!("Your server {domain} will be closed"))
        .text(format!("{by} asked for your server {domain} (account “{account}”) to be closed."))
        .text(format!("Until {} it runs on, and an owner can undo this.", at(after)))
        .link("Look at it, or undo it", page(config, &format!("/servers/{slug}")))
        .text(
            "After that it tells every server that it knows to delete its accounts, which can't be taken back. \
             Then its database and media are deleted.",
        )
        .text(kept)
        .text("If none of you asked for this, undo it now and answer this mail.")
}

/// To every owner of the account.
pub(crate) fn server_moving(config: &Config, server: (&str, &str), account: &str, by: &str) -> Mail {
    let (domain, slug) = server;
    Mail::new("server_moving", format!("Your server {domain} moves to another host"))
        .text(format!("{by} asked for your server {domain} (account “{account}”) to move to another host."))
        .text("It stops now, so that nothing is lost on the way: other servers deliver again later. Its final bundle is made, for the new host.")
        .link("See how far it is and what to do, or take it back", page(config, &format!("/servers/{slug}/move-out")))
        .text("Until another host serves it, an owner can take this back, and the server runs on here.")
        .text("If none of you asked for this, take it back now and answer this mail.")
}

/// To every owner of the account: from here on there is no way back.
/// `kept`: until when its data is; `leads`: until when its media host leads to the new host.
pub(crate) fn server_moved(config: &Config, server: (&str, &str), media_domain: &str, kept: DateTime<Utc>, leads: DateTime<Utc>) -> Mail {
    let (domain, slug) = server;
    Mail::new("server_moved", format!("Your server {domain} has moved"))
        .text(format!("Another host serves {domain} now. Nobody was told anything, and nothing of it runs here any more."))
        .text(format!(
            "Its data here is deleted on {}. Until then, see to it that {media_domain} leads to the new host, too; or say where the media is \
             now. Then {media_domain} can stay as it is: whoever asks for a file there is led to the new place, until {}.",
            at(kept),
            at(leads)
        ))
        .link("Look at it", page(config, &format!("/servers/{slug}/move-out")))
        .text("If it has not moved, answer this mail at once.")
}

/// To every owner of the account. `kept`: until when its final bundle is.
pub(crate) fn server_gone(config: &Config, domain: &str, id: Uuid, kept: Option<DateTime<Utc>>) -> Mail {
    let mail = Mail::new("server_gone", format!("Nothing is left here of your server {domain}"))
        .text(format!("The database, media and keys of your server {domain} are deleted here."));
    match kept {
        Some(until) => mail
            .text(format!("A final bundle of everything is kept for you until {}. Any other host can bring the server's people, posts and media back from it.", at(until)))
            .link("Fetch it, and see which key opens it", page(config, &format!("/servers/{id}/take-along")))
            .text("After that day it is deleted for good."),
        None => mail.text("No final bundle of it is kept."),
    }
}
