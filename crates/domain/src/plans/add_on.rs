//! What can be had beside a plan, and what a plan and its add-ons come to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Class, Plan};
use crate::money::{Currency, Money};

pub(super) const GIB: u128 = 1 << 30;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddOn {
    /// `media-100`: stable, in the API and the record.
    pub id: String,
    pub name: String,
    pub description: String,
    /// A month, in minor units by currency.
    pub(super) prices: BTreeMap<Currency, i64>,
    pub adds: Adds,
}

/// What one of it adds. Sizes in GiB. One that adds nothing is no add-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, try_from = "AddsAsWritten")]
pub struct Adds {
    pub own_media_gib: u32,
    pub cached_media_gib: u32,
    /// Local accounts.
    pub users: u32,
    /// Full-text search.
    pub search: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct AddsAsWritten {
    own_media_gib: u32,
    cached_media_gib: u32,
    users: u32,
    search: bool,
}

impl TryFrom<AddsAsWritten> for Adds {
    type Error = &'static str;

    fn try_from(written: AddsAsWritten) -> Result<Self, Self::Error> {
        let AddsAsWritten { own_media_gib, cached_media_gib, users, search } = written;
        let adds = Self { own_media_gib, cached_media_gib, users, search };
        if adds == Self::default() { Err("an add-on that adds nothing") } else { Ok(adds) }
    }
}

impl AddOn {
    /// The prices of a month, by currency.
    pub fn prices(&self) -> impl Iterator<Item = Money> + '_ {
        self.prices.iter().map(|(currency, minor)| Money::new(*minor, *currency))
    }

    /// The price of a month; `None` where it has none in this currency.
    #[must_use]
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.get(&currency).map(|minor| Money::new(*minor, currency))
    }
}

/// What is included in all that a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub own_media_gib: u64,
    pub cached_media_gib: u64,
    pub database_gib: u64,
    pub users: u64,
    pub search: bool,
}

impl Allowance {
    /// Of a plan with add-ons, each as often as it was taken.
    #[must_use]
    pub fn of<'a>(plan: &Plan, add_ons: impl IntoIterator<Item = (&'a AddOn, u32)>) -> Self {
        let included = plan.included;
        let alone = Self {
            own_media_gib: included.own_media_gib.into(),
            cached_media_gib: included.cached_media_gib.into(),
            database_gib: included.database_gib.into(),
            users: included.users.into(),
            search: false,
        };
        add_ons.into_iter().fold(alone, |sum, (add_on, quantity)| {
            let adds = add_on.adds;
            let more = |had: u64, one: u32| had.saturating_add(u64::from(one) * u64::from(quantity));
            Self {
                own_media_gib: more(sum.own_media_gib, adds.own_media_gib),
                cached_media_gib: more(sum.cached_media_gib, adds.cached_media_gib),
                database_gib: sum.database_gib,
                users: more(sum.users, adds.users),
                search: sum.search || (adds.search && quantity > 0),
            }
        })
    }

    /// In bytes.
    #[must_use]
    pub fn bytes(&self, class: Class) -> u128 {
        let gib = match class {
            Class::OwnMedia => self.own_media_gib,
            Class::CachedMedia => self.cached_media_gib,
            Class::Database => self.database_gib,
        };
        u128::from(gib) * GIB
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::Plans;

    #[test]
    fn add_ons_add_up() {
        let plans = Plans::built_in().unwrap();
        let media = plans.add_on("media-100").unwrap();
        let search = &AddOn { id: "search".to_owned(), adds: Adds { search: true, ..Adds::default() }, ..media.clone() };
        let small = plans.get("small").unwrap();
        let allowance = Allowance::of(small, [(media, 2), (search, 1)]);
        assert_eq!((allowance.own_media_gib, allowance.cached_media_gib, allowance.users, allowance.search), (210, 20, 50, true));
        assert_eq!(allowance.bytes(Class::OwnMedia), 210 * 1_073_741_824);
        assert!(!Allowance::of(small, [(search, 0)]).search);
        assert!(plans.add_ons().all(|it| it.prices().count() == small.prices().count()));
    }
}
