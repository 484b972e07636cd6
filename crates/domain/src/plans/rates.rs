//! What is used beyond what is included, and what that costs.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::lifecycle::words;
use crate::money::{Currency, Rate};

words! {
    /// What is measured and charged apart from the rest.
    Class {
        /// What the server's own people uploaded.
        OwnMedia = "own_media",
        /// Copies of other servers' media, which can be had again.
        CachedMedia = "cached_media",
        Database = "database",
    }
}

impl Class {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OwnMedia => "Own media",
            Self::CachedMedia => "Cached media",
            Self::Database => "Database",
        }
    }
}

/// The price of one GiB for a whole period, by class and currency. Users are a plan's limit and have no rate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Rates(BTreeMap<Class, BTreeMap<Currency, Rate>>);

impl Rates {
    /// `None`: it costs nothing.
    #[must_use]
    pub fn of(&self, class: Class, currency: Currency) -> Option<Rate> {
        self.0.get(&class)?.get(&currency).copied()
    }

    /// A class that is charged, and not in each of the currencies.
    pub(super) fn missing(&self, currencies: impl Iterator<Item = Currency> + Clone) -> Option<(Class, Currency)> {
        self.0.iter().find_map(|(class, rates)| currencies.clone().find(|it| !rates.contains_key(it)).map(|it| (*class, it)))
    }
}
