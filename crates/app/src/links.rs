//! What makes a link that is good once: a random token, of which the record keeps the digest, and what is said of one that is
//! not good.

use chrono::{DateTime, TimeDelta, Utc};

use crate::Error;
pub(crate) use crate::bearer::{digest, new_token};

/// Of a new account's confirmation.
pub(crate) const CONFIRM: TimeDelta = TimeDelta::hours(24);
/// To a new password.
pub(crate) const RESET: TimeDelta = TimeDelta::hours(1);
/// To the first password of somebody who was added on the machine itself.
pub(crate) const FIRST_PASSWORD: TimeDelta = TimeDelta::hours(24);
/// To a new e-mail address.
pub(crate) const EMAIL: TimeDelta = TimeDelta::hours(24);
/// Into an account.
pub(crate) const INVITATION: TimeDelta = TimeDelta::days(7);

/// What a link leads to, and what is to be done where it leads nowhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// “Sign up again.”
    pub anew: &'static str,
    /// What its use has led to: “Sign in.”
    pub used: &'static str,
}

impl Kind {
    pub(crate) fn unknown(self) -> Error {
        let sentence = format!("This link leads nowhere: it is not whole, or too old to be remembered. {}", self.anew);
        Error::Conflict { reason: "link_unknown", sentence }
    }

    /// Refuses a link that was used or is too old.
    pub(crate) fn check(self, is_used: bool, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Error> {
        if is_used {
            return Err(Error::Conflict { reason: "link_used", sentence: format!("This link was used already. {}", self.used) });
        }
        if now >= expires_at {
            let when = expires_at.format("%-d %B %Y, %H:%M UTC");
            return Err(Error::Conflict { reason: "link_expired", sentence: format!("This link was good until {when}. {}", self.anew) });
        }
        Ok(())
    }
}
