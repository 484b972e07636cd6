//! What every object of Stripe's is read by: ids, times, money, lists.

use chrono::{DateTime, Utc};
use howdah_domain::InstanceId;
use howdah_domain::billing::facts::Sold;
use howdah_domain::money::{Currency, Money};
use serde::de::DeserializeOwned;
use serde_json::Value;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};

use crate::objects::{InvoiceLine, List};
use crate::operation::{Key, Metadata, metadata};
use crate::{BillingError, Stripe};

/// More than any list of ours has: one that goes on and on is no list.
const LIST_LIMIT: usize = 100_000;

/// Whether this may be an id of Stripe's, and so a part of a path.
pub(crate) fn is_id(text: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-');
    (1..=255).contains(&text.len()) && text.bytes().all(is_plain)
}

/// The same text, where it is an id; async-stripe makes a path of any.
pub(crate) fn id<'a>(kind: &'static str, text: &'a str) -> Result<&'a str, BillingError> {
    let error = || BillingError::NotAnId { kind, value: text.chars().take(80).collect() };
    is_id(text).then_some(text).ok_or_else(error)
}

pub(crate) fn time(object: &str, seconds: i64) -> Result<DateTime<Utc>, BillingError> {
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| BillingError::unreadable(object, format!("{seconds} is no time")))
}

pub(crate) fn optional_time(object: &str, seconds: Option<i64>) -> Result<Option<DateTime<Utc>>, BillingError> {
    seconds.map(|it| time(object, it)).transpose()
}

/// Stripe counts a hundredth of these, which have no minor unit: five shillings are 500.
const COUNTED_IN_HUNDREDTHS: &[&str] = &["UGX"];

pub(crate) fn currency(object: &str, currency: &str) -> Result<Currency, BillingError> {
    currency.to_ascii_uppercase().parse().map_err(|error| BillingError::unreadable(object, error))
}

pub(crate) fn money(object: &str, amount: i64, currency: &str) -> Result<Money, BillingError> {
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

pub(crate) fn sold(metadata: Option<&Metadata>) -> Sold {
    let get = |key| metadata.and_then(|it| it.get(key)).cloned();
    get(metadata::PLAN).map(Sold::Plan).or_else(|| get(metadata::ADD_ON).map(Sold::AddOn)).unwrap_or(Sold::Unknown)
}

pub(crate) fn instance(metadata: Option<&Metadata>) -> Option<InstanceId> {
    metadata?.get(metadata::INSTANCE)?.parse().ok()
}

/// Asks for something; nothing is changed.
pub(crate) async fn ask<T: DeserializeOwned>(stripe: &Stripe, request: &impl StripeRequest) -> Result<T, BillingError> {
    let request = request.build();
    let path = request.path.clone();
    object(&path, &stripe.transport.send(request, None).await?)
}

/// Changes something, and answers what it is then.
pub(crate) async fn post<T: DeserializeOwned>(stripe: &Stripe, request: &impl StripeRequest, key: Key) -> Result<T, BillingError> {
    let request = request.build();
    let path = request.path.clone();
    object(&path, &stripe.transport.send(request, Some(key)).await?)
}

fn object<T: DeserializeOwned>(path: &str, answer: &[u8]) -> Result<T, BillingError> {
    serde_json::from_slice(answer).map_err(|error| BillingError::unreadable(path, error))
}

/// Every page of a list.
pub(crate) async fn all<T: DeserializeOwned>(stripe: &Stripe, request: &impl StripeRequest) -> Result<Vec<T>, BillingError> {
    let first = request.build();
    let query = first.query.unwrap_or_default();
    pages(stripe, &first.path, query).await?.into_iter().map(|it| item(&first.path, it)).collect()
}

/// async-stripe has no request for these.
pub(crate) async fn every_line(stripe: &Stripe, invoice: &str) -> Result<Vec<InvoiceLine>, BillingError> {
    let path = format!("/invoices/{invoice}/lines");
    pages(stripe, &path, "limit=100".to_owned()).await?.into_iter().map(|it| item(&path, it)).collect()
}

/// Every page of a list, its objects as they are.
pub(crate) async fn pages(stripe: &Stripe, path: &str, query: String) -> Result<Vec<Value>, BillingError> {
    let mut found: Vec<Value> = Vec::new();
    let mut after = String::new();
    while found.len() < LIST_LIMIT {
        let mut request = RequestBuilder::new(StripeMethod::Get, path);
        request.query = Some(format!("{query}{after}"));
        let page: List<Value> = object(path, &stripe.transport.send(request, None).await?)?;
        found.extend(page.data);
        let last = found.last().and_then(|it| it["id"].as_str());
        match last.filter(|it| page.has_more && is_id(it)) {
            Some(last) => after = format!("&starting_after={last}"),
            None => return Ok(found),
        }
    }
    Err(BillingError::unreadable(path, "a list without an end"))
}

fn item<T: DeserializeOwned>(path: &str, value: Value) -> Result<T, BillingError> {
    let id = value["id"].as_str().unwrap_or(path).to_owned();
    serde_json::from_value(value).map_err(|error| BillingError::unreadable(id, error))
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
            assert_eq!(self::money("x", theirs, &code.to_ascii_lowercase()).unwrap(), money, "{code}");
        }
        assert!(self::money("x", 501, "ugx").is_err());
        assert!(self::money("x", 1, "€").is_err());
        assert!(amount(Money::new(i64::MAX, "UGX".parse().unwrap())).is_err());
    }

    #[test]
    fn what_is_sold_is_in_the_metadata() {
        let of = |pairs: &[(&str, &str)]| sold(Some(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()));
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
