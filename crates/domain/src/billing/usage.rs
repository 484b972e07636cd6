//! What is used beyond what is included: rated by the hour in byte-hours, exactly; summed over a period, and rounded to money once a
//! class and period.
//!
//! An hour that was not measured is not charged, one that was rated twice counts once, and nothing is billed beyond the customer's
//! own cap.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::facts::Period;
use crate::money::{Currency, Money, MoneyError};
use crate::plans::{Allowance, Class, Rates};

const GIB: u128 = 1 << 30;

/// What a server used in an hour, as the operator measured it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub at: DateTime<Utc>,
    pub own_media_bytes: u64,
    pub cached_media_bytes: u64,
    pub database_bytes: u64,
    /// The cache was pruned to what is included, as far as that goes, before this was measured. What was not pruned is not rated.
    pub is_cache_pruned: bool,
}

/// The row of an hour: bytes beyond what is included, for an hour. Nothing changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCharge {
    pub hour: DateTime<Utc>,
    pub class: Class,
    pub byte_hours: u128,
}

/// The rows of a sample, one a class, those of nothing too: the hour was looked at.
#[must_use]
pub fn rate(sample: &Sample, allowance: &Allowance) -> [HourCharge; 3] {
    let hour = sample.at.duration_trunc(TimeDelta::hours(1)).unwrap_or(sample.at);
    let of = |class, bytes: u64| HourCharge { hour, class, byte_hours: u128::from(bytes).saturating_sub(allowance.bytes(class)) };
    let cached = if sample.is_cache_pruned { sample.cached_media_bytes } else { 0 };
    [of(Class::OwnMedia, sample.own_media_bytes), of(Class::CachedMedia, cached), of(Class::Database, sample.database_bytes)]
}

/// A line of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    pub class: Class,
    pub byte_hours: u128,
    /// What it comes to at the rate.
    pub rated: Money,
    /// What is billed of it: less where the cap is reached.
    pub billed: Money,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// One a class.
    pub charges: Vec<Charge>,
    pub total: Money,
    /// Used, and by the cap not billed.
    pub withheld: Money,
}

impl Bill {
    /// The cap is reached: what the cache holds beyond the plan goes, whatever its owner pays for otherwise.
    #[must_use]
    pub const fn is_capped(&self) -> bool {
        self.withheld.minor > 0
    }

    /// What that means, for the customer.
    #[must_use]
    pub fn sentence(&self, period: Period) -> Option<String> {
        self.is_capped().then(|| {
            format!(
                "Your limit of {} is reached. Until {} nothing more is charged for what is used, and other servers' media is pruned \
                 to what the plan includes; your own media and posts stay.",
                self.total,
                period.end.date_naive()
            )
        })
    }
}

/// What a period's hours come to. A GiB for the whole period costs the rate, however long its month is.
///
/// # Errors
/// Where the cap is of another currency, or an amount is too large.
pub fn bill(period: Period, hours: &[HourCharge], rates: &Rates, currency: Currency, cap: Option<Money>) -> Result<Bill, MoneyError> {
    let mut left = match cap {
        Some(cap) if cap.currency != currency => return Err(MoneyError::Mixed(cap.currency, currency)),
        Some(cap) => cap.minor.max(0),
        None => i64::MAX,
    };
    let whole = GIB * u128::from((period.end - period.start).num_hours().max(1).unsigned_abs());
    let (mut charges, mut withheld) = (Vec::new(), Money::zero(currency));
    for class in Class::ALL.iter().copied() {
        let byte_hours = sum(period, hours, class);
        let rated = match rates.of(class, currency) {
            Some(rate) => rate.times_part(byte_hours, whole, currency)?,
            None => Money::zero(currency),
        };
        let billed = Money::new(rated.minor.min(left), currency);
        left -= billed.minor;
        withheld = withheld.plus(Money::new(rated.minor - billed.minor, currency))?;
        charges.push(Charge { class, byte_hours, rated, billed });
    }
    let total = Money::sum(charges.iter().map(|it| it.billed), currency)?;
    Ok(Bill { charges, total, withheld })
}

/// What the whole period comes to if the last hour goes on to its end.
///
/// # Errors
/// As [`bill`].
pub fn forecast(period: Period, hours: &[HourCharge], rates: &Rates, currency: Currency, cap: Option<Money>) -> Result<Bill, MoneyError> {
    let last_of = |class| hours.iter().filter(|it| it.class == class && is_within(period, it.hour)).max_by_key(|it| it.hour);
    let mut all = hours.to_vec();
    for last in Class::ALL.iter().filter_map(|class| last_of(*class)) {
        let to_come = (1..).map(|later| last.hour + TimeDelta::hours(later)).take_while(|hour| *hour < period.end);
        all.extend(to_come.map(|hour| HourCharge { hour, ..*last }));
    }
    bill(period, &all, rates, currency, cap)
}

fn is_within(period: Period, hour: DateTime<Utc>) -> bool {
    period.start <= hour && hour < period.end
}

/// Of two rows of one hour, the one that is less counts.
fn sum(period: Period, hours: &[HourCharge], class: Class) -> u128 {
    let mut by_hour: BTreeMap<DateTime<Utc>, u128> = BTreeMap::new();
    for it in hours.iter().filter(|it| it.class == class && is_within(period, it.hour)) {
        by_hour.entry(it.hour).and_modify(|had| *had = it.byte_hours.min(*had)).or_insert(it.byte_hours);
    }
    by_hour.into_values().fold(0, u128::saturating_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plans::Plans;

    fn hour(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn euro() -> Currency {
        "EUR".parse().unwrap()
    }

    fn euros(minor: i64) -> Money {
        Money::new(minor, euro())
    }

    fn plans() -> Plans {
        Plans::built_in().unwrap()
    }

    fn small() -> Allowance {
        Allowance::of(plans().get("small").unwrap(), [])
    }

    /// 30 days.
    fn period() -> Period {
        Period { start: hour(0), end: hour(720) }
    }

    fn sample(at: DateTime<Utc>, own: u64, cached: u64, database: u64) -> Sample {
        let [own_media_bytes, cached_media_bytes, database_bytes] = [own, cached, database].map(|gib| gib << 30);
        Sample { at, own_media_bytes, cached_media_bytes, database_bytes, is_cache_pruned: true }
    }

    fn billed(bill: &Bill) -> [i64; 3] {
        [0, 1, 2].map(|line| bill.charges[line].billed.minor)
    }

    #[test]
    fn only_what_is_beyond_the_plan_is_rated() {
        let at = hour(5) + TimeDelta::minutes(59);
        let byte_hours = |sample: Sample| rate(&sample, &small()).map(|it| it.byte_hours >> 30);
        assert_eq!(byte_hours(sample(at, 10, 20, 5)), [0, 0, 0]);
        assert_eq!(byte_hours(sample(at, 12, 21, 8)), [2, 1, 3]);
        assert_eq!(byte_hours(Sample { is_cache_pruned: false, ..sample(at, 12, 900, 8) }), [2, 0, 3], "first it is pruned");
        assert!(rate(&sample(at, 0, 0, 0), &small()).iter().all(|it| it.hour == hour(5)));
    }

    #[test]
    fn a_gib_for_a_whole_period_costs_the_rate() {
        let hours: Vec<HourCharge> = (0..720).flat_map(|it| rate(&sample(hour(it), 11, 21, 6), &small())).collect();
        let bill = bill(period(), &hours, plans().rates(), euro(), None).unwrap();
        assert_eq!(billed(&bill), [9, 3, 25]);
        assert_eq!((bill.total, bill.withheld, bill.sentence(period())), (euros(37), euros(0), None));
    }

    #[test]
    fn each_hour_counts_once_and_only_in_its_period() {
        let one = rate(&sample(hour(0), 10 + 720, 0, 0), &small());
        let of = |hours: &[HourCharge]| bill(period(), hours, plans().rates(), euro(), None).unwrap().total;
        assert_eq!(of(&one), euros(9));
        assert_eq!(of(&[one, one].concat()), euros(9), "rated twice");
        assert_eq!(of(&rate(&sample(hour(720), 10 + 720, 0, 0), &small())), euros(0));
        assert_eq!(of(&rate(&sample(hour(-1), 10 + 720, 0, 0), &small())), euros(0));
    }

    #[test]
    fn the_cap_is_never_passed_and_says_what_follows() {
        let hours: Vec<HourCharge> = (0..720).flat_map(|it| rate(&sample(hour(it), 110, 120, 6), &small())).collect();
        let with = |cap| bill(period(), &hours, plans().rates(), euro(), cap).unwrap();
        assert_eq!(billed(&with(None)), [900, 300, 25]);
        let capped = with(Some(euros(1000)));
        assert_eq!((billed(&capped), capped.total, capped.withheld), ([900, 100, 0], euros(1000), euros(225)));
        assert!(capped.sentence(period()).unwrap().contains("10.00 EUR") && capped.is_capped());
        assert!(!with(Some(euros(1225))).is_capped());
        let francs = Some(Money::new(1, "CHF".parse().unwrap()));
        assert!(matches!(bill(period(), &hours, plans().rates(), euro(), francs), Err(MoneyError::Mixed(..))));
    }

    #[test]
    fn the_forecast_goes_on_as_the_last_hour_was() {
        let first: Vec<HourCharge> = (0..360).flat_map(|it| rate(&sample(hour(it), 10, 20, 5), &small())).collect();
        let after_growth = [first.clone(), rate(&sample(hour(360), 110, 20, 5), &small()).to_vec()].concat();
        let of = |hours: &[HourCharge], cap| forecast(period(), hours, plans().rates(), euro(), cap).unwrap();
        assert_eq!(of(&first, None).total, euros(0));
        assert_eq!(of(&after_growth, None).total, euros(450), "100 GiB for half of the period");
        assert_eq!(of(&after_growth, Some(euros(200))).total, euros(200));
        assert_eq!(of(&[], None).total, euros(0));
    }

    fn any_hours() -> impl Strategy<Value = Vec<HourCharge>> {
        prop::collection::vec((-10_i64..730, 0_usize..3, 0_u64..(1 << 44)), 0..60).prop_map(|all| {
            let row =
                |(at, class, bytes): (i64, usize, u64)| HourCharge { hour: hour(at), class: Class::ALL[class], byte_hours: bytes.into() };
            all.into_iter().map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn the_bill_adds_up_below_the_cap(hours in any_hours(), cap in prop::option::of(-5_i64..2_000)) {
            let plans = plans();
            let free = bill(period(), &hours, plans.rates(), euro(), None).unwrap();
            let it = bill(period(), &hours, plans.rates(), euro(), cap.map(euros)).unwrap();
            prop_assert!(it.total.minor <= cap.unwrap_or(i64::MAX).max(0));
            prop_assert_eq!(it.total.minor + it.withheld.minor, free.total.minor);
            prop_assert!(it.total.minor <= forecast(period(), &hours, plans.rates(), euro(), cap.map(euros)).unwrap().total.minor);
        }

        #[test]
        fn neither_order_nor_repetition_changes_a_bill(hours in any_hours().prop_flat_map(|it| (Just(it.clone()), Just([it.clone(), it].concat()).prop_shuffle()))) {
            let of = |hours: &[HourCharge]| bill(period(), hours, plans().rates(), euro(), None).unwrap();
            prop_assert_eq!(of(&hours.0), of(&hours.1));
        }
    }
}
