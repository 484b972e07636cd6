//! What every object of Stripe's is read by: ids, times, money, lists.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use howdah_domain::InstanceId;
use howdah_domain::billing::facts::Sold;
use howdah_domain::money::{Currency, Money};
use stripe_client_core::{ListPaginator, PaginableList};

use crate::operation::{Metadata, metadata};
use crate::{BillingError, Stripe};

/// More than any list of ours has: one that goes on and on is no list.
const LIST_LIMIT: usize = 100_000;

/// Whether this may be an id of Stripe's, and so a part of a path.
pub(crate) fn is_id(text: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-');
    (1..=255).contains(&text.len()) && text.bytes().all(is_plain)
}

/// An id as async-stripe wants it, which takes any text.
pub(crate) fn id<T: FromStr>(kind: &'static str, text: &str) -> Result<T, BillingError> {
    let error = || BillingError::NotAnId { kind, value: text.chars().take(80).collect() };
    if is_id(text) { text.parse().map_err(|_| error()) } else { Err(error()) }
}

pub(crate) fn time(object: &str, seconds: i64) -> Result<DateTime<Utc>, BillingError> {
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| BillingError::unreadable(object, format!("{seconds} is no time")))
}

pub(crate) fn optional_time(object: &str, seconds: Option<i64>) -> Result<Option<DateTime<Utc>>, BillingError> {
    seconds.map(|it| time(object, it)).transpose()
}

/// Stripe counts a hundredth of these, which have no minor unit: five shillings are 500.
const COUNTED_IN_HUNDREDTHS: &[&str] = &["UGX"];

pub(crate) fn currency(object: &str, currency: &stripe_types::Currency) -> Result<Currency, BillingError> {
    currency.to_string().to_ascii_uppercase().parse().map_err(|error| BillingError::unreadable(object, error))
}

pub(crate) fn money(object: &str, amount: i64, currency: &stripe_types::Currency) -> Result<Money, BillingError> {
    let currency = self::currency(object, currency)?;
    if !COUNTED_IN_HUNDREDTHS.contains(&currency.as_str()) {
        return Ok(Money::new(amount, currency));
    }
    let broken = || BillingError::unreadable(object, format!("{amount} is no amount of {currency}"));
    if amount % 100 == 0 { Ok(Money::new(amount / 100, currency)) } else { Err(broken()) }
}

/// As Stripe counts it.
pub(crate) fn amount(money: Money) -> Result<i64, BillingError> {
    let factor = if COUNTED_IN_HUNDREDTHS.contains(&money.currency.as_str()) { 100 } else { 1 };
    money.minor.checked_mul(factor).ok_or_else(|| BillingError::Setup(format!("{money} is more than Stripe can count")))
}

pub(crate) fn stripe_currency(currency: Currency) -> stripe_types::Currency {
    let code = currency.as_str().to_ascii_lowercase();
    code.parse().unwrap_or(stripe_types::Currency::Unknown(code))
}

pub(crate) fn sold(metadata: &Metadata) -> Sold {
    let get = |key| metadata.get(key).cloned();
    get(metadata::PLAN).map(Sold::Plan).or_else(|| get(metadata::ADD_ON).map(Sold::AddOn)).unwrap_or(Sold::Unknown)
}

pub(crate) fn instance(metadata: Option<&Metadata>) -> Option<InstanceId> {
    metadata?.get(metadata::INSTANCE)?.parse().ok()
}

/// Every page of a list.
pub(crate) async fn all<T>(stripe: &Stripe, list: ListPaginator<T>) -> Result<Vec<T::Data>, BillingError>
where
    T: Sync + Send + 'static + PaginableList,
{
    list.stream(&stripe.transport).take(LIST_LIMIT).try_collect().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_no_path() {
        for text in ["cus_1", "sub_1Mow", "howdah_plan_small-2"] {
            assert!(is_id(text), "{text}");
        }
        for text in ["", "..", "a/b", "a?b", "a b", "é", "%2e", &"x".repeat(256)] {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn amounts_are_stripes_and_back() {
        for (code, ours, theirs) in [("EUR", 905, 905), ("JPY", 905, 905), ("KWD", 905, 905), ("UGX", 5, 500), ("UGX", -5, -500)] {
            let money = Money::new(ours, code.parse().unwrap());
            assert_eq!(amount(money).unwrap(), theirs, "{code}");
            assert_eq!(self::money("x", theirs, &stripe_currency(money.currency)).unwrap(), money, "{code}");
        }
        assert!(self::money("x", 501, &stripe_types::Currency::UGX).is_err());
        assert!(self::money("x", 1, &stripe_types::Currency::Unknown("€".to_owned())).is_err());
        assert!(amount(Money::new(i64::MAX, "UGX".parse().unwrap())).is_err());
    }

    #[test]
    fn what_is_sold_is_in_the_metadata() {
        let of = |pairs: &[(&str, &str)]| sold(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect());
        assert_eq!(of(&[("howdah_plan", "small")]), Sold::Plan("small".to_owned()));
        assert_eq!(of(&[("howdah_add_on", "search")]), Sold::AddOn("search".to_owned()));
        assert_eq!(of(&[("plan", "small")]), Sold::Unknown);
    }

    #[test]
    fn metadata_of_somebody_else_names_no_server() {
        let of = |value: &str| instance(Some(&Metadata::from([("howdah_instance".to_owned(), value.to_owned())])));
        assert!(of("0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d").is_some());
        assert_eq!(of("mi-1"), None);
        assert_eq!(instance(None), None);
    }
}
