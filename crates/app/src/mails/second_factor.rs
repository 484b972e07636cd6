//! Mails about a second factor: to the person, at each change, so that nobody changes it unseen.

use chrono::{DateTime, Utc};

use super::letter::Mail;
use super::words::{at, page};
use crate::Config;

/// What to do for whoever did not do it.
pub(super) fn not_you(mail: Mail, config: &Config) -> Mail {
    mail.text("If it was not you, somebody knows your password: set a new one at once, and answer this mail.")
        .link("Set a new password", page(config, "/forgotten"))
}

/// `tokens` of the API the person has, which take no code.
pub(crate) fn second_factor_on(config: &Config, when: DateTime<Utc>, tokens: i64) -> Mail {
    let mail = Mail::new("second_factor_on", "Signing in now takes a code")
        .text(format!("A second factor of your account at Howdah was turned on, on {}. All other sessions were ended.", at(when)))
        .text("From now on signing in takes a code of your app besides the password. If you lose the app, use a recovery code.");
    let mail = match tokens {
        0 => mail,
        1 => mail
            .text("One API token of yours works on without a code.")
            .link("Look whether you still need it", page(config, "/account/tokens")),
        many => mail
            .text(format!("{many} API tokens of yours work on without a code."))
            .link("Look which you still need", page(config, "/account/tokens")),
    };
    not_you(mail, config)
}

/// With `has_passkeys` they are the second factor from now on.
pub(crate) fn second_factor_off(config: &Config, when: DateTime<Utc>, has_passkeys: bool) -> Mail {
    let mail = Mail::new("second_factor_off", "Signing in takes no code of an app any more")
        .text(format!("The app's codes of your account at Howdah were turned off, on {}.", at(when)))
        .text(match has_passkeys {
            true => "From now on signing in takes a passkey of yours, or a recovery code.",
            false => "From now on the password alone is enough to sign in.",
        });
    not_you(mail, config)
}

/// By an operator, for somebody who has lost it.
pub(crate) fn second_factor_removed(config: &Config, when: DateTime<Utc>, had_passkeys: bool) -> Mail {
    let passkeys = if had_passkeys { " Your passkeys were removed with it." } else { "" };
    Mail::new("second_factor_removed", "Your second factor was removed")
        .text(format!("An operator of the platform removed the second factor of your account at Howdah, on {}.{passkeys}", at(when)))
        .text("From now on the password alone is enough to sign in. Set up a second factor again as soon as you can.")
        .link("Set it up", page(config, "/account/second-factor"))
        .text("If you did not ask for this, answer this mail at once.")
}

pub(crate) fn new_recovery_codes(config: &Config, when: DateTime<Utc>) -> Mail {
    let mail = Mail::new("new_recovery_codes", "You have new recovery codes")
        .text(format!("New recovery codes of your account at Howdah were made on {}. Those before are good no more.", at(when)));
    not_you(mail, config)
}

pub(crate) fn recovery_code_used(config: &Config, when: DateTime<Utc>, left: i64) -> Mail {
    let left = match left {
        0 => "None is left.".to_owned(),
        1 => "One is left.".to_owned(),
        many => format!("{many} are left."),
    };
    let mail = Mail::new("recovery_code_used", "A recovery code was used")
        .text(format!("A recovery code of your account at Howdah was used in place of your app or passkey, on {}. {left}", at(when)))
        .link("Make new ones, or set up another app", page(config, "/account/second-factor"));
    not_you(mail, config)
}

pub(crate) fn codes_refused(config: &Config, wrong: i32, when: DateTime<Utc>) -> Mail {
    let mail = Mail::new("codes_refused", "Wrong codes were given with your password")
        .text(format!(
            "{wrong} wrong codes were given within a day after the right password of your account at Howdah, the last on {}. Nobody came in by them.",
            at(when)
        ))
        .text("If it was you, look whether the clock of your app's device is right. This is told once a day.");
    not_you(mail, config)
}
