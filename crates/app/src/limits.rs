//! How often something may be tried, counted in the record: several server processes are one limit.
//!
//! Counted before it is tried. A guess counts whatever comes of it: outside of the transaction that may be rolled back. What only
//! counts when it is done (a new link for an owner, an invitation, a change of a role) counts inside, after its idempotency key: sent again, it
//! counts once.
//!
//! What strangers can try with somebody's e-mail address is counted by the address and the place that they come from, so that they
//! lock nobody out who comes from elsewhere. What is refused at a place is counted nowhere else; so the bound over all places, which
//! is much higher, is met only by whoever has many.

use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;
use howdah_db::Conn;
use howdah_db::models::attempt::Attempts;

use crate::bearer::digest;
use crate::{App, Error, Excess};

/// So many in a window, of one subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// What is tried, and by what it is counted.
    what: &'static str,
    /// What is said where it is too much.
    excess: Excess,
    most: i32,
    window: TimeDelta,
}

/// Of one e-mail address, known or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfAddress {
    /// From one place.
    here: Limit,
    everywhere: Limit,
}

const QUARTER: TimeDelta = TimeDelta::minutes(15);
const HOUR: TimeDelta = TimeDelta::hours(1);
const DAY: TimeDelta = TimeDelta::hours(24);

const fn limit(what: &'static str, excess: Excess, most: i32, window: TimeDelta) -> Limit {
    Limit { what, excess, most, window }
}

/// Guesses at a password, signing in.
pub(crate) const PASSWORD_OF: OfAddress = OfAddress {
    here: limit("password_of_address_from", Excess::WrongPasswords, 10, QUARTER),
    everywhere: limit("password_of_address", Excess::WrongPasswords, 300, QUARTER),
};
/// From one place: a guesser of everybody's.
pub(crate) const PASSWORD_FROM: Limit = limit("password_from", Excess::SignIns, 60, QUARTER);
/// Guesses in one session: whoever stole one locks nobody out of another, nor out of signing in.
pub(crate) const PASSWORD_AGAIN: Limit = limit("password_of_session", Excess::WrongPasswords, 10, QUARTER);
/// Asking for a passkey, and answers, from one place: nobody guesses one, but each is a row and some work.
pub(crate) const PASSKEYS_FROM: Limit = limit("passkeys_from", Excess::SignIns, 120, QUARTER);
/// Guesses at a code, by whoever gave the right password. Three codes of a million are right at a time.
pub(crate) const CODE_OF: OfAddress = OfAddress {
    here: limit("code_of_address_from", Excess::WrongCodes, 10, HOUR),
    everywhere: limit("code_of_address", Excess::WrongCodes, 80, HOUR),
};
/// In one session.
pub(crate) const CODE_AGAIN: Limit = limit("code_of_session", Excess::WrongCodes, 10, HOUR);
/// Wrong codes of one person, wherever they were given: whoever has the password and many networks guesses no faster. A right one takes
/// none of them back.
pub(crate) const WRONG_CODES_OF: Limit = limit("wrong_codes_of_person", Excess::WrongCodes, 50, DAY);
/// Mails to one person about wrong codes.
pub(crate) const WRONG_CODES_TOLD: Limit = limit("wrong_codes_told", Excess::MailsTo, 1, DAY);
/// Links to a new password. Where there were too many, those that came are good.
pub(crate) const RESET_OF: OfAddress = OfAddress {
    here: limit("reset_of_address_from", Excess::Links, 3, HOUR),
    everywhere: limit("reset_of_address", Excess::Links, 40, HOUR),
};
pub(crate) const SIGN_UP_OF: OfAddress = OfAddress {
    here: limit("sign_up_of_address_from", Excess::Links, 3, HOUR),
    everywhere: limit("sign_up_of_address", Excess::Links, 40, HOUR),
};
/// From one place: sign-ups and resets.
pub(crate) const MAIL_FROM: Limit = limit("mail_from", Excess::MailsFromHere, 20, HOUR);
/// Mails that people who are signed in can have sent to one e-mail address.
pub(crate) const MAIL_TO: Limit = limit("mail_to_address", Excess::MailsTo, 5, HOUR);
/// And that an account or a person can have sent to whomever they name.
pub(crate) const MAIL_BY: Limit = limit("mail_by", Excess::MailsBy, 50, DAY);

/// Changes of roles in one account. Each is told to all its owners, and takes nothing from what invitations need.
pub(crate) const ROLES_OF: Limit = limit("roles_of_account", Excess::RoleChanges, 50, DAY);

/// New links for the owner of one server.
pub(crate) const OWNER_LINK_OF: Limit = limit("owner_link_of_server", Excess::OwnerLinks, 3, HOUR);

/// Exports of one server: each reads all of it.
pub(crate) const EXPORTS_OF: Limit = limit("exports_of_server", Excess::Exports, 12, DAY);

/// Passphrases that a bundle of one server is sealed with: each takes a second and much memory, whatever comes of the export.
pub(crate) const PASSPHRASES_OF: Limit = limit("passphrases_of_server", Excess::Exports, 20, HOUR);

/// Buckets that are tried out for one server.
pub(crate) const BUCKETS_OF: Limit = limit("buckets_of_server", Excess::Buckets, 20, HOUR);

/// Other bundles that are brought into one import in the place of what lies there: each lists all of it.
pub(crate) const BUNDLES_OF: Limit = limit("bundles_of_import", Excess::Imports, 20, HOUR);

/// Each answers for up to a thousand files, or for a large one alone.
pub(crate) const UPLOADS_OF: Limit = limit("uploads_of_import", Excess::Imports, 50_000, DAY);
/// Bundles that are fetched for one account: each is a connection to wherever it says.
pub(crate) const PULLS_OF: Limit = limit("pulls_of_account", Excess::Pulls, 30, DAY);
/// Into what was brought: each lists all of it, and tries a key.
pub(crate) const LOOKS_INTO: Limit = limit("looks_into_import", Excess::Imports, 60, HOUR);

/// The longest window: what began before it says nothing any more.
pub(crate) const LONGEST: TimeDelta = DAY;

/// From the network around a place so many times as much as from the place itself.
const AROUND: i32 = 4;

impl Limit {
    /// Counts one, and refuses it where it is one too many.
    pub(crate) async fn take(self, app: &App, conn: &mut Conn, subject: &str) -> Result<(), Error> {
        self.count(app, conn, subject).await.map(drop)
    }

    /// Whether one more would be taken; none is counted. What is much work is begun only then.
    pub(crate) async fn ask(self, app: &App, conn: &mut Conn, subject: &str) -> Result<(), Error> {
        match Attempts::counted(conn, self.what, &digest(subject), app.now() - self.window).await? {
            Some(attempts) if attempts.count >= self.most => Err(self.refusal(app, attempts)),
            _ => Ok(()),
        }
    }

    /// Counts one as [`Self::take`] does; how many that makes.
    pub(crate) async fn count(self, app: &App, conn: &mut Conn, subject: &str) -> Result<i32, Error> {
        let now = app.now();
        let attempts = Attempts::count(conn, self.what, &digest(subject), now - self.window, now).await?;
        if attempts.count <= self.most {
            return Ok(attempts.count);
        }
        Err(self.refusal(app, attempts))
    }

    fn refusal(self, app: &App, attempts: Attempts) -> Error {
        let left = (attempts.began_at + self.window - app.now()).max(TimeDelta::seconds(1));
        // Rounded up: who comes when told to is let in.
        let retry_after = Duration::from_secs(left.num_seconds().unsigned_abs() + 1);
        Error::RateLimited { excess: self.excess, retry_after }
    }

    /// The same of whoever comes from this place.
    pub(crate) async fn take_from(self, app: &App, conn: &mut Conn, place: &Place) -> Result<(), Error> {
        self.take(app, conn, &place.here).await?;
        match &place.around {
            Some(around) => Self { most: self.most * AROUND, ..self }.take(app, conn, around).await,
            None => Ok(()),
        }
    }

    /// What was counted last was none of those that are.
    pub(crate) async fn give_back(self, conn: &mut Conn, subject: &str) -> Result<(), Error> {
        Attempts::give_back(conn, self.what, &digest(subject)).await?;
        Ok(())
    }

    /// It was the right one who tried.
    pub(crate) async fn forgive(self, conn: &mut Conn, subject: &str) -> Result<(), Error> {
        Attempts::forgive(conn, self.what, &digest(subject)).await?;
        Ok(())
    }
}

impl OfAddress {
    pub(crate) async fn take(self, app: &App, conn: &mut Conn, email: &str, place: &Place) -> Result<(), Error> {
        self.here.take_from(app, conn, &place.of(email)).await?;
        self.everywhere.take(app, conn, email).await
    }

    pub(crate) async fn forgive(self, conn: &mut Conn, email: &str, place: &Place) -> Result<(), Error> {
        let Place { here, around } = place.of(email);
        for subject in [Some(here), around].into_iter().flatten() {
            self.here.forgive(conn, &subject).await?;
        }
        self.everywhere.forgive(conn, email).await
    }
}

/// From where somebody comes: an address of IPv4; of IPv6 a network of 64 bits, of which one customer has all 2⁶⁴ addresses. Many
/// customers have a network of 48 bits, and with it 2¹⁶ of those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    here: String,
    around: Option<String>,
}

impl Place {
    pub(crate) fn of_client(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self { here: address.to_string(), around: None },
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self { here: format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"), around: Some(format!("{a:x}:{b:x}:{c:x}::/48")) }
            }
        }
    }

    /// What is tried from here with an e-mail address.
    fn of(&self, email: &str) -> Self {
        let with = |place: &String| format!("{email} {place}");
        Self { here: with(&self.here), around: self.around.as_ref().map(with) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_place() {
        let table = [
            ("192.0.2.7", "192.0.2.7", None),
            ("::ffff:192.0.2.7", "192.0.2.7", None),
            ("2001:db8:1:2::7", "2001:db8:1:2::/64", Some("2001:db8:1::/48")),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64", Some("2001:db8:1::/48")),
            ("2001:db8:1:3::7", "2001:db8:1:3::/64", Some("2001:db8:1::/48")),
            ("2001:db8:2:3::7", "2001:db8:2:3::/64", Some("2001:db8:2::/48")),
        ];
        for (address, here, around) in table {
            let place = Place { here: here.to_owned(), around: around.map(str::to_owned) };
            assert_eq!(Place::of_client(address.parse().unwrap()), place, "{address}");
        }
    }

    #[test]
    fn what_is_tried_with_an_address_is_no_other_ones_and_not_the_places() {
        let place = Place::of_client("2001:db8:1:2::7".parse().unwrap());
        let (ada, eve) = (place.of("ada@birds.example"), place.of("eve@birds.example"));
        assert!(ada != eve && ada != place && ada.around != place.around);
    }

    #[test]
    fn strangers_from_one_place_do_not_reach_the_bound_over_all() {
        for limit in [PASSWORD_OF, CODE_OF, RESET_OF, SIGN_UP_OF] {
            assert!(limit.here.most * AROUND * 2 <= limit.everywhere.most && limit.here.window == limit.everywhere.window, "{limit:?}");
        }
        const { assert!(PASSWORD_OF.everywhere.most >= PASSWORD_OF.here.most * AROUND * 5, "nor from some networks") };
    }

    #[test]
    fn no_window_is_longer_than_the_longest_and_no_two_are_one() {
        let of_address = [PASSWORD_OF, CODE_OF, RESET_OF, SIGN_UP_OF].map(|it| [it.here, it.everywhere]);
        let mut all =
            [&[PASSWORD_FROM, PASSWORD_AGAIN, CODE_AGAIN, MAIL_FROM, MAIL_TO, MAIL_BY, ROLES_OF, OWNER_LINK_OF], of_address.as_flattened()]
                .concat();
        all.extend([PASSKEYS_FROM, WRONG_CODES_OF, WRONG_CODES_TOLD, EXPORTS_OF, BUCKETS_OF, BUNDLES_OF, UPLOADS_OF, PULLS_OF, LOOKS_INTO]);
        for limit in &all {
            assert!(limit.window <= LONGEST && limit.most > 0, "{limit:?}");
        }
        let names: std::collections::BTreeSet<_> = all.iter().map(|it| it.what).collect();
        assert_eq!(names.len(), all.len());
    }
}
