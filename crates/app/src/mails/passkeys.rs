//! Mails about passkeys: to the person, at each change, as about every other second factor.

use chrono::{DateTime, Utc};

use super::letter::Mail;
use super::second_factor::not_you;
use super::words::{at, page};
use crate::Config;

/// `tokens`: how many of the API the person has, which take no passkey; `None` where a second factor was on before.
pub(crate) fn passkey_added(config: &Config, when: DateTime<Utc>, name: &str, tokens: Option<i64>) -> Mail {
    let mail = Mail::new("passkey_added", "A passkey was added to your account").text(format!(
        "The passkey “{name}” was added to your account at Howdah, on {}. Whoever has it can sign in by it alone.",
        at(when)
    ));
    let Some(tokens) = tokens else { return not_yours(mail, config) };
    let mail = mail.text(
        "From now on the password alone is not enough to sign in. All other sessions were ended. If you lose the passkey, use a recovery code.",
    );
    let mail = match tokens {
        0 => mail,
        1 => {
            mail.text("One API token of yours works on without it.").link("Look whether you still need it", page(config, "/account/tokens"))
        }
        many => mail
            .text(format!("{many} API tokens of yours work on without it."))
            .link("Look which you still need", page(config, "/account/tokens")),
    };
    not_yours(mail, config)
}

fn not_yours(mail: Mail, config: &Config) -> Mail {
    let mail = mail
        .text("If it was not you, remove the passkey first: a new password does not take it away.")
        .link("Remove it", page(config, "/account/security"));
    not_you(mail, config)
}

/// With `is_on` a second factor is left.
pub(crate) fn passkey_removed(config: &Config, when: DateTime<Utc>, name: &str, is_on: bool) -> Mail {
    let mail = Mail::new("passkey_removed", "A passkey of your account was removed")
        .text(format!("The passkey “{name}” of your account at Howdah was removed, on {}. Nobody signs in with it any more.", at(when)));
    let mail = match is_on {
        true => mail,
        false => mail.text("It was your last second factor: from now on the password alone is enough to sign in."),
    };
    not_you(mail, config)
}
