//! What there was too much of, in words: what happened, and what whoever waits can do meanwhile.

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    Requests,
    /// Of one e-mail address, or in one session.
    WrongPasswords,
    /// After the right password, of one e-mail address, or in one session.
    WrongCodes,
    /// From one place, whoever was to be signed in.
    SignIns,
    /// To a new password, or to a new account, for one e-mail address.
    Links,
    /// Asked for from one place.
    MailsFromHere,
    /// To one e-mail address.
    MailsTo,
    /// By one account or person.
    MailsBy,
    /// For the owner of one server.
    OwnerLinks,
    /// Of one server.
    Exports,
    /// Tried out for one server.
    Buckets,
    /// Of one import.
    Imports,
    /// Bytes that links were handed out for.
    Brought,
    /// Of one account.
    Pulls,
    /// In one account.
    RoleChanges,
    /// At a domain's records.
    Looks,
}

impl Excess {
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Requests => "Too many requests",
            Self::WrongPasswords => "Too many wrong passwords",
            Self::WrongCodes => "Too many wrong codes",
            Self::SignIns => "Too many attempts to sign in",
            Self::Links => "Too many links",
            Self::MailsFromHere | Self::MailsTo | Self::MailsBy => "Too many mails",
            Self::OwnerLinks => "Too many new links",
            Self::Exports => "Too many exports",
            Self::Buckets => "Too many buckets tried",
            Self::Imports => "Too many looks",
            Self::Brought => "Too much at once",
            Self::Pulls => "Too many pulls",
            Self::RoleChanges => "Too many changes of roles",
            Self::Looks => "Looked at a moment ago",
        }
    }

    /// What happened.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Requests => "Too many requests.",
            Self::WrongPasswords => "Too many wrong passwords were given, so none is taken for a while, not even the right one.",
            Self::WrongCodes => "Too many wrong codes were given, so none is taken for a while, not even the right one.",
            Self::SignIns => "Too many attempts to sign in came from your network, so none is taken from there for a while.",
            Self::Links => "Several links were asked for with this e-mail address a short while ago.",
            Self::MailsFromHere => "Too many mails were asked for from your network.",
            Self::MailsTo => "Several mails went to this e-mail address within an hour.",
            Self::MailsBy => "Very many mails to others were asked for within a day.",
            Self::OwnerLinks => "Three new links were made within an hour.",
            Self::Brought => "Links for all that an import takes were handed out, and some may still be used.",
            Self::Pulls => "Your account began many pulls lately.",
            Self::Imports => "What was brought was looked at very often within an hour.",
            Self::Buckets => "Buckets were tried out for this server very often within an hour.",
            Self::Exports => "Twelve exports of this server were begun within a day.",
            Self::RoleChanges => "Roles were changed very often in this account within a day. This time nothing was changed.",
            Self::Looks => "The records were looked at a moment ago.",
        }
    }

    /// What can be done besides waiting.
    #[must_use]
    pub const fn way_out(self) -> &'static str {
        match self {
            Self::Requests => "Wait a moment: then it goes on.",
            Self::WrongPasswords => {
                "If you don't know your password, set a new one by a link that we mail to you. Where you open it you can sign in at once."
            }
            Self::WrongCodes => {
                "If your app's codes are refused, look whether the clock of its device is right. If it was not you who tried, somebody knows your password: set a new one."
            }
            Self::SignIns => "Others may share your network. From another one you can sign in now.",
            Self::Links => "The links that were mailed are good. Look into the mailbox, and into its folder for unwanted mail.",
            Self::MailsFromHere => "Others may share your network. From another one it can be asked for now.",
            Self::MailsTo | Self::MailsBy => "What was sent before is good.",
            Self::OwnerLinks => "The last of them is good for six hours.",
            Self::Imports => "What was brought stays as it is.",
            Self::Exports => "Those that are whole are good, and can be fetched.",
            Self::Buckets => "Look at its keys and rights with another program meanwhile, or have a bundle kept here.",
            Self::RoleChanges => "Invitations and removals go on working.",
            Self::Brought => "Bring what you have links for, and go on when they have ended.",
            Self::Pulls => "Bring the bundle by the command or from your browser, or wait.",
            Self::Looks => "What was found stands on the page.",
        }
    }
}

/// How long to wait, rounded up: who comes when told to is let in.
pub(crate) fn wait_in_words(wait: Duration) -> String {
    let seconds = wait.as_secs().max(1);
    let (count, unit) = match seconds {
        0..=90 => (seconds, "second"),
        91..=5_400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3_600), "hour"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_one_unit_and_never_too_short() {
        let table =
            [(0, "1 second"), (90, "90 seconds"), (91, "2 minutes"), (901, "16 minutes"), (5_400, "90 minutes"), (5_401, "2 hours")];
        for (seconds, words) in table {
            assert_eq!(wait_in_words(Duration::from_secs(seconds)), words);
        }
    }
}
