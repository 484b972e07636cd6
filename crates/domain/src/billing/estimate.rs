//! The next bill, line by line, before it is made: each line with what causes it, so that the customer can see that and change it.
//!
//! A change is pro-rated to the second, both ways, as Stripe does it: unused time of what goes is given back, the remaining time of
//! what comes is charged, and each of these lines is rounded once.

use chrono::{DateTime, Utc};

use super::facts::{Item, Period, Sold};
use super::usage::Bill;
use crate::money::{Currency, Money, MoneyError};
use crate::plans::{Class, Plans};

/// Why a line is on the bill.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cause {
    /// By its id.
    Plan(String),
    AddOn(String),
    /// A price that is not of the catalogue, by the provider's id.
    Other(String),
    Usage(Class),
    /// Of what was paid for and is not had any more.
    UnusedTime(String),
    /// Of what is had from now to the period's end.
    RemainingTime(String),
    /// What the customer has with us.
    Credit,
}

impl Cause {
    /// Stable: pages link by it, and the API says it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Plan(_) => "plan",
            Self::AddOn(_) => "add_on",
            Self::Other(_) => "other",
            Self::Usage(_) => "usage",
            Self::UnusedTime(_) => "unused_time",
            Self::RemainingTime(_) => "remaining_time",
            Self::Credit => "credit",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub cause: Cause,
    pub description: String,
    pub quantity: u32,
    /// Without tax, which only the provider knows. Of usage: as forecast.
    pub amount: Money,
    /// Of usage: what it comes to until now.
    pub so_far: Option<Money>,
}

/// What the next bill is made of.
#[derive(Debug, Clone, Copy)]
pub struct Coming<'a> {
    pub items: &'a [Item],
    /// Of the period that ends with this bill: until now, and as it will be.
    pub usage: &'a Bill,
    pub forecast: &'a Bill,
    /// Of changes in this period that are not billed yet.
    pub prorations: &'a [Line],
    /// What the customer has with us; not below nothing.
    pub credit: Money,
    /// When it is made: the period's end.
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    pub at: DateTime<Utc>,
    pub lines: Vec<Line>,
    /// What will be asked for; never below nothing.
    pub due: Money,
    /// What the customer then has with us.
    pub credit_left: Money,
}

/// The next bill.
///
/// # Errors
/// Where amounts are of several currencies or too large.
pub fn next_bill(coming: &Coming<'_>, catalogue: &Plans) -> Result<Estimate, MoneyError> {
    let currency = coming.credit.currency;
    let mut lines = coming.items.iter().map(|it| of_item(it, catalogue)).collect::<Result<Vec<_>, _>>()?;
    lines.extend(coming.prorations.iter().cloned());
    lines.extend(of_usage(coming.usage, coming.forecast, currency));
    let sum = Money::sum(lines.iter().map(|it| it.amount), currency)?;
    let used = Money::new(coming.credit.minor.min(sum.minor).max(0), currency);
    if used.minor > 0 {
        let description = "Your credit".to_owned();
        lines.push(Line { cause: Cause::Credit, description, quantity: 1, amount: used.negated()?, so_far: None });
    }
    let rest = sum.plus(used.negated()?)?;
    let given = Money::new(rest.minor.min(0), currency).negated()?;
    let credit_left = coming.credit.plus(used.negated()?)?.plus(given)?;
    Ok(Estimate { at: coming.at, lines, due: Money::new(rest.minor.max(0), currency), credit_left })
}

/// What a change costs now and what the next bill is with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    pub before: Estimate,
    pub after: Estimate,
    /// These are on `after` too.
    pub prorations: Vec<Line>,
}

/// The next bill as it is, and as it would be with other items from `at` on. `forecast`: of the usage, with what is included then.
/// `paid`: the period that was paid for; in a trial there is none, and nothing to be pro-rated.
///
/// # Errors
/// As [`next_bill`].
pub fn preview(
    coming: &Coming<'_>,
    items: &[Item],
    forecast: &Bill,
    paid: Option<Period>,
    at: DateTime<Utc>,
    catalogue: &Plans,
) -> Result<Preview, MoneyError> {
    let before = next_bill(coming, catalogue)?;
    let prorations = match paid {
        Some(period) => prorate(coming.items, items, period, at, catalogue)?,
        None => Vec::new(),
    };
    let all = [coming.prorations, &prorations].concat();
    let after = next_bill(&Coming { items, forecast, prorations: &all, ..*coming }, catalogue)?;
    Ok(Preview { before, after, prorations })
}

/// The lines of a change at a time within a period: first what is given back, then what is charged. What stays as it is has none.
///
/// # Errors
/// As [`next_bill`].
pub fn prorate(old: &[Item], new: &[Item], period: Period, at: DateTime<Utc>, catalogue: &Plans) -> Result<Vec<Line>, MoneyError> {
    let whole = (period.end - period.start).num_seconds();
    let left = (period.end - at).num_seconds().clamp(0, whole);
    let is_in = |all: &[Item], item: &Item| all.iter().any(|it| it.price == item.price && it.quantity == item.quantity);
    let mut lines = Vec::new();
    for item in old.iter().filter(|it| !is_in(new, it)) {
        let amount = price(item)?.part(left, whole)?.negated()?;
        let name = name(item, catalogue);
        let description = format!("Unused time of {name}");
        lines.push(Line { cause: Cause::UnusedTime(name), description, quantity: item.quantity, amount, so_far: None });
    }
    for item in new.iter().filter(|it| !is_in(old, it)) {
        let amount = price(item)?.part(left, whole)?;
        let name = name(item, catalogue);
        let description = format!("Remaining time of {name}");
        lines.push(Line { cause: Cause::RemainingTime(name), description, quantity: item.quantity, amount, so_far: None });
    }
    Ok(lines)
}

fn of_item(item: &Item, catalogue: &Plans) -> Result<Line, MoneyError> {
    let cause = match &item.sold {
        Sold::Plan(id) => Cause::Plan(id.clone()),
        Sold::AddOn(id) => Cause::AddOn(id.clone()),
        Sold::Unknown => Cause::Other(item.price.clone()),
    };
    Ok(Line { cause, description: name(item, catalogue), quantity: item.quantity, amount: price(item)?, so_far: None })
}

/// Classes of which nothing is and will be charged have no line.
fn of_usage(usage: &Bill, forecast: &Bill, currency: Currency) -> Vec<Line> {
    let line = |class: &Class| {
        let of = |bill: &Bill| bill.charges.iter().find(|it| it.class == *class).map_or(Money::zero(currency), |it| it.billed);
        let (so_far, amount) = (of(usage), of(forecast));
        let description = format!("{} beyond what is included", class.label());
        let is_any = so_far.minor != 0 || amount.minor != 0;
        is_any.then_some(Line { cause: Cause::Usage(*class), description, quantity: 1, amount, so_far: Some(so_far) })
    };
    Class::ALL.iter().filter_map(line).collect()
}

fn price(item: &Item) -> Result<Money, MoneyError> {
    item.unit.part(item.quantity.into(), 1)
}

fn name(item: &Item, catalogue: &Plans) -> String {
    let known = match &item.sold {
        Sold::Plan(id) => catalogue.get(id).map(|it| it.name.clone()),
        Sold::AddOn(id) => catalogue.add_on(id).map(|it| it.name.clone()),
        Sold::Unknown => None,
    };
    known.unwrap_or_else(|| item.price.clone())
}

#[cfg(test)]
#[path = "estimate_tests.rs"]
mod tests;
