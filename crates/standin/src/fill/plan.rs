//! Who there is and who posts what, told from the seed and a number alone: any part can be made without the others.

use chrono::{DateTime, TimeDelta, Utc};

use super::dice::Dice;
use super::words;

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// Local accounts; there are twice as many of other servers.
    pub accounts: u64,
    pub statuses: u64,
    pub media: u64,
    pub seed: u64,
}

/// Ids of the tables that count up begin here, so that what a new server has already is not in the way.
pub const FIRST_ID: i64 = 1_000;

/// Accounts and media had small ids until 2020, posts until 2017.
const FIRST_ACCOUNT: i64 = 1_580_000_000;
const FIRST_MEDIUM: i64 = 1_600_000_000;
/// Ids of this time have 17 digits, and those of a month later 18.
const FIRST_STATUS: i64 = 1_522_540_800;
const OLD_STATUS: i64 = 1_490_000_000;
/// So many posts are from before ids were times.
const OLD_STATUSES: u64 = 100;

#[derive(Clone, Debug)]
pub struct Person {
    pub id: i64,
    pub username: String,
    /// Absent for people of this server.
    pub domain: Option<&'static str>,
    pub since: DateTime<Utc>,
    pub dice: Dice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Post,
    /// To the post of this number.
    Reply(u64),
    Boost(u64),
}

#[derive(Clone, Debug)]
pub struct Post {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub kind: Kind,
    pub author: Person,
    /// `statuses.visibility`: public, unlisted, private, direct.
    pub visibility: i64,
    pub dice: Dice,
}

/// A file with a post, or without one.
#[derive(Clone, Debug)]
pub struct Medium {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub post: Option<Post>,
    pub owner: Person,
    pub dice: Dice,
}

impl Amounts {
    pub fn dice(&self, thing: &str, number: u64) -> Dice {
        Dice::new(self.seed, thing, number)
    }

    pub const fn remote_accounts(&self) -> u64 {
        self.accounts * 2
    }

    pub fn local(&self, number: u64) -> Person {
        let mut dice = self.dice("local account", number);
        let since = moment(FIRST_ACCOUNT, number, 6 * 3600, &mut dice);
        let id = if number.is_multiple_of(4) { FIRST_ID + signed(number) } else { snowflake(since, &mut dice) };
        Person { id, username: words::local_name(number), domain: None, since, dice }
    }

    pub fn remote(&self, number: u64) -> Person {
        let mut dice = self.dice("remote account", number);
        let since = moment(FIRST_ACCOUNT, number, 3 * 3600, &mut dice);
        let id = if number.is_multiple_of(5) { 100_000_000 + signed(number) } else { snowflake(since, &mut dice) };
        Person { id, username: words::remote_name(number), domain: Some(words::domain(number)), since, dice }
    }

    fn anybody(&self, is_local: bool, dice: &mut Dice) -> Person {
        if is_local { self.local(dice.below(self.accounts)) } else { self.remote(dice.below(self.remote_accounts())) }
    }

    pub fn post(&self, number: u64) -> Post {
        let mut dice = self.dice("status", number);
        let (wish, is_local) = wish(dice.below(100));
        let visibility = visibility(dice.below(20));
        let kind = match wish {
            Wish::Post => Kind::Post,
            Wish::Reply => self.earlier(number, &mut dice, false).map_or(Kind::Post, Kind::Reply),
            Wish::Boost => self.earlier(number, &mut dice, true).map_or(Kind::Post, Kind::Boost),
        };
        let author = self.anybody(is_local, &mut dice);
        let (id, at) = if number < OLD_STATUSES {
            (FIRST_ID + signed(number), moment(OLD_STATUS, number, 3600, &mut dice))
        } else {
            let at = moment(FIRST_STATUS, number - OLD_STATUSES, 1800, &mut dice);
            (snowflake(at, &mut dice), at)
        };
        let visibility = if matches!(kind, Kind::Boost(_)) { 0 } else { visibility };
        Post { id, at, kind, author, visibility, dice }
    }

    /// An original post not long before this one.
    fn earlier(&self, number: u64, dice: &mut Dice, is_public: bool) -> Option<u64> {
        let latest = number.checked_sub(1 + dice.below(40))?;
        (0..=latest).rev().take(100).find(|other| {
            let mut dice = self.dice("status", *other);
            matches!(wish(dice.below(100)), (Wish::Post, _)) && (visibility(dice.below(20)) == 0 || !is_public)
        })
    }

    /// The post that a thread began with.
    pub fn root(&self, number: u64) -> u64 {
        match self.post(number).kind {
            Kind::Reply(to) | Kind::Boost(to) => to,
            Kind::Post => number,
        }
    }

    pub fn medium(&self, number: u64) -> Medium {
        let mut dice = self.dice("media attachment", number);
        let post = self.post_with_media(&mut dice);
        let owner = post.as_ref().map_or_else(|| self.local(dice.below(self.accounts)), |(_, post)| post.author.clone());
        let at = moment(FIRST_MEDIUM, number, 1200, &mut dice);
        let id = match number % 10 {
            0 => FIRST_ID + signed(number),
            5 => 100_000_000 + signed(number),
            _ => snowflake(at, &mut dice),
        };
        Medium { id, at, post: post.map(|(_, post)| post), owner, dice }
    }

    /// One in forty was uploaded and never posted.
    fn post_with_media(&self, dice: &mut Dice) -> Option<(u64, Post)> {
        if dice.one_in(40) {
            return None;
        }
        let first = dice.below(self.statuses.max(1));
        let numbers = (first..self.statuses).chain(0..first);
        numbers.map(|number| (number, self.post(number))).find(|(_, post)| !matches!(post.kind, Kind::Boost(_)))
    }

    /// The number of the post that this one belongs to.
    pub fn post_of_medium(&self, number: u64) -> Option<u64> {
        self.post_with_media(&mut self.dice("media attachment", number)).map(|(number, _)| number)
    }
}

impl Person {
    pub const fn is_local(&self) -> bool {
        self.domain.is_none()
    }

    /// The address that their actor has.
    pub fn uri(&self, web_domain: &str) -> String {
        format!("https://{}/users/{}", self.domain.unwrap_or(web_domain), self.username)
    }
}

impl Post {
    pub fn uri(&self, web_domain: &str) -> String {
        let activity = if matches!(self.kind, Kind::Boost(_)) { "/activity" } else { "" };
        format!("{}/statuses/{}{activity}", self.author.uri(web_domain), self.id)
    }
}

#[derive(Clone, Copy)]
enum Wish {
    Post,
    Reply,
    Boost,
}

/// With whether it is one of this server's.
const fn wish(percent: u64) -> (Wish, bool) {
    match percent {
        0..55 => (Wish::Post, true),
        55..65 => (Wish::Reply, true),
        65..72 => (Wish::Boost, true),
        72..92 => (Wish::Post, false),
        92..97 => (Wish::Reply, false),
        _ => (Wish::Boost, false),
    }
}

const fn visibility(twentieth: u64) -> i64 {
    match twentieth {
        0..14 => 0,
        14..17 => 1,
        17..19 => 2,
        _ => 3,
    }
}

/// The `number`th of things that come every so many seconds, never two at once.
fn moment(first: i64, number: u64, seconds: i64, dice: &mut Dice) -> DateTime<Utc> {
    let micros = signed(number) * seconds * 1_000_000 + signed(dice.below(1_000_000 * 60));
    DateTime::from_timestamp(first, 0).unwrap_or_default() + TimeDelta::microseconds(micros)
}

/// An id as `timestamp_id()` makes one: 48 bits of milliseconds, 16 by chance.
fn snowflake(at: DateTime<Utc>, dice: &mut Dice) -> i64 {
    (at.timestamp_millis() << 16) | signed(dice.below(1 << 16))
}

pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const AMOUNTS: Amounts = Amounts { accounts: 50, statuses: 5_000, media: 2_000, seed: 7 };

    #[test]
    fn no_id_comes_twice_and_old_ones_are_small() {
        let people: HashSet<i64> = (0..50).map(|it| AMOUNTS.local(it).id).chain((0..100).map(|it| AMOUNTS.remote(it).id)).collect();
        let posts: HashSet<i64> = (0..5_000).map(|it| AMOUNTS.post(it).id).collect();
        let media: HashSet<i64> = (0..2_000).map(|it| AMOUNTS.medium(it).id).collect();
        assert_eq!((people.len(), posts.len(), media.len()), (150, 5_000, 2_000));
        let digits = |ids: &HashSet<i64>| ids.iter().map(|id| id.to_string().len()).collect::<HashSet<_>>();
        // Those of 17 digits would lose two of them in a path: only posts have such ids, and no files.
        assert!(digits(&people).iter().chain(&digits(&media)).all(|digits| [4, 9, 18].contains(digits)));
        assert!(digits(&posts).is_superset(&[4, 17, 18].into()));
    }

    #[test]
    fn nothing_refers_to_what_comes_later() {
        for number in 0..2_000 {
            let post = AMOUNTS.post(number);
            if let Kind::Reply(to) | Kind::Boost(to) = post.kind {
                assert!(to < number && AMOUNTS.post(to).kind == Kind::Post);
            }
            assert_eq!(AMOUNTS.post(AMOUNTS.root(number)).kind, Kind::Post);
        }
        let boosted = (0..2_000).filter_map(|number| match AMOUNTS.post(number).kind {
            Kind::Boost(of) => Some(AMOUNTS.post(of).visibility),
            _ => None,
        });
        assert!(boosted.collect::<Vec<_>>().iter().all(|visibility| *visibility == 0));
    }
}
