//! How often something may be tried, counted in the record: several server processes are one limit.
//!
//! Counted before it is tried, and outside of the transaction that may be rolled back: a guess counts whatever comes of it.

use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;
use howdah_db::Conn;
use howdah_db::models::attempt::Attempts;
use sha2::{Digest, Sha256};

use crate::{App, Error};

/// So many in a window, of one subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// What is tried, and by what it is counted.
    what: &'static str,
    most: i32,
    window: TimeDelta,
}

/// Of one e-mail address, known or not: a guesser's from everywhere.
pub(crate) const PASSWORD_OF: Limit = Limit { what: "password_of_address", most: 10, window: TimeDelta::minutes(15) };
/// From one place: a guesser of everybody's.
pub(crate) const PASSWORD_FROM: Limit = Limit { what: "password_from", most: 60, window: TimeDelta::minutes(15) };
/// Mails that strangers can have sent to one e-mail address.
pub(crate) const MAIL_TO: Limit = Limit { what: "mail_to_address", most: 5, window: TimeDelta::hours(1) };
/// From one place: sign-ups and resets.
pub(crate) const MAIL_FROM: Limit = Limit { what: "mail_from", most: 20, window: TimeDelta::hours(1) };
/// Mails that an account or a person who is signed in can have sent to others.
pub(crate) const MAIL_BY: Limit = Limit { what: "mail_by", most: 50, window: TimeDelta::hours(24) };

/// The longest window: what began before it says nothing any more.
pub(crate) const LONGEST: TimeDelta = TimeDelta::hours(24);

impl Limit {
    /// Counts one, and refuses it where it is one too many.
    pub(crate) async fn take(self, app: &App, conn: &mut Conn, subject: &str) -> Result<(), Error> {
        let now = app.now();
        let attempts = Attempts::count(conn, self.what, &digest(subject), now - self.window, now).await?;
        if attempts.count <= self.most {
            return Ok(());
        }
        let left = (attempts.began_at + self.window - now).max(TimeDelta::seconds(1));
        // Rounded up: who comes when told to is let in.
        Err(Error::RateLimited { retry_after: Duration::from_secs(left.num_seconds().unsigned_abs() + 1) })
    }

    /// It was the right one who tried.
    pub(crate) async fn forgive(self, conn: &mut Conn, subject: &str) -> Result<(), Error> {
        Attempts::forgive(conn, self.what, &digest(subject)).await?;
        Ok(())
    }
}

/// Whose place it is: an address of IPv4, a network of IPv6, of which one customer has 2⁶⁴ addresses.
pub(crate) fn place(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn digest(subject: &str) -> Vec<u8> {
    Sha256::digest(subject.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_place() {
        let place = |text: &str| place(text.parse().unwrap());
        assert_eq!(place("192.0.2.7"), "192.0.2.7");
        assert_eq!(place("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(place("2001:db8:1:2::7"), place("2001:db8:1:2:ffff::1"));
        assert_ne!(place("2001:db8:1:2::7"), place("2001:db8:1:3::7"));
    }

    #[test]
    fn no_window_is_longer_than_the_longest() {
        for limit in [PASSWORD_OF, PASSWORD_FROM, MAIL_TO, MAIL_FROM, MAIL_BY] {
            assert!(limit.window <= LONGEST && limit.most > 0, "{limit:?}");
        }
    }
}
