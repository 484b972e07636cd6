//! Numbers as people read them: with a unit, money with its currency.

use howdah_domain::{Money, Plan};

/// `€ 9`, `€ 9.50`, `9.50 CHF`.
pub fn money(it: Money) -> String {
    let text = it.to_string();
    let (amount, code) = text.split_once(' ').unwrap_or((&text, ""));
    let amount = amount.strip_suffix(".00").unwrap_or(amount);
    match code {
        "EUR" => format!("€ {amount}"),
        "USD" => format!("$ {amount}"),
        "GBP" => format!("£ {amount}"),
        _ => format!("{amount} {code}"),
    }
}

/// `5,000`.
pub fn count(it: u64) -> String {
    let digits = it.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A plan with its numbers, as it is chosen or shown.
#[derive(Clone, Debug)]
pub struct PlanWords {
    pub id: String,
    pub name: String,
    pub description: String,
    /// Of a month, in the first currency of the catalogue.
    pub price: String,
    /// The same in the others.
    pub others: String,
    pub people: String,
    pub own_media: String,
    pub cached_media: String,
}

impl From<&Plan> for PlanWords {
    fn from(plan: &Plan) -> Self {
        let mut prices = plan.prices().map(money);
        Self {
            id: plan.id.clone(),
            name: plan.name.clone(),
            description: plan.description.clone(),
            price: prices.next().unwrap_or_default(),
            others: prices.collect::<Vec<_>>().join(" or "),
            people: count(plan.included.users.into()),
            own_media: format!("{} GB", count(plan.included.own_media_gib.into())),
            cached_media: format!("{} GB", count(plan.included.cached_media_gib.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read() {
        let of = |minor, code: &str| money(Money::new(minor, code.parse().unwrap()));
        assert_eq!([of(900, "EUR"), of(950, "USD"), of(900, "JPY"), of(1234, "CHF")], ["€ 9", "$ 9.50", "900 JPY", "12.34 CHF"]);
        assert_eq!([count(0), count(999), count(1_000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
    }
}
