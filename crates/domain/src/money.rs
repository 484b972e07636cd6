//! Money: an integer of a currency's minor unit, and rates that are decimal strings, rounded once a line.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why an amount, a currency or a rate is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("`{0}` is no currency: three capital letters of ISO 4217")]
    Currency(String),
    #[error("`{0}` is no rate: digits with at most 12 behind one point")]
    Rate(String),
    #[error("amounts of {0} and {1} can't be added")]
    Mixed(Currency, Currency),
    #[error("the amount is too large")]
    Overflow,
}

/// ISO 4217, in capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn minor_digits(self) -> u32 {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "UGX" | "VND" | "VUV" | "XAF" | "XOF"
            | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(MoneyError::Currency(text.chars().take(16).collect())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount in minor units: cents of EUR, yen of JPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// # Errors
    /// Where it is too large to be turned round.
    pub fn negated(self) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_neg().ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// `part / whole` of it, rounded half away from zero. Of a whole of nothing, nothing.
    ///
    /// # Errors
    /// Where it is too large.
    pub fn part(self, part: i64, whole: i64) -> Result<Self, MoneyError> {
        if whole == 0 {
            return Ok(Self::zero(self.currency));
        }
        let (scaled, whole) = (i128::from(self.minor) * i128::from(part), i128::from(whole));
        let sign = scaled.signum() * whole.signum();
        let (scaled, whole) = (scaled.unsigned_abs(), whole.unsigned_abs());
        let rounded = scaled / whole + u128::from(scaled % whole >= whole.div_ceil(2));
        let minor = i128::try_from(rounded).ok().and_then(|it| i64::try_from(it * sign).ok()).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// # Errors
    /// As [`Self::plus`].
    pub fn sum(amounts: impl IntoIterator<Item = Self>, currency: Currency) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// # Errors
    /// Where the currencies differ or the sum is too large.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
}

impl fmt::Display for Money {
    /// `9.00 EUR`, `900 JPY`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.minor_digits();
        let unit = 10_u64.pow(digits);
        let sign = if self.minor < 0 { "-" } else { "" };
        let (whole, rest) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        match digits {
            0 => write!(f, "{sign}{whole} {}", self.currency),
            digits => write!(f, "{sign}{whole}.{rest:0width$} {}", self.currency, width = digits as usize),
        }
    }
}

/// A price a unit in *major* units, exact: `0.0015`. Multiplied first, rounded once.
///
/// In data files and JSON a string, so that no reader makes a float of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    mantissa: i128,
    decimals: u32,
}

impl Rate {
    const MAX_DECIMALS: usize = 12;

    /// `quantity` units at this rate, rounded half away from zero to the currency's minor unit.
    ///
    /// # Errors
    /// Where the amount is too large.
    pub fn times(self, quantity: u64, currency: Currency) -> Result<Money, MoneyError> {
        self.times_part(quantity.into(), 1, currency)
    }

    /// `part / whole` of a unit at this rate, rounded as in [`Self::times`]. A part of nothing is nothing.
    ///
    /// # Errors
    /// Where the amount is too large.
    pub fn times_part(self, part: u128, whole: u128, currency: Currency) -> Result<Money, MoneyError> {
        let digits = currency.minor_digits();
        let product = |factors: [u128; 3]| factors.into_iter().try_fold(1_u128, u128::checked_mul).ok_or(MoneyError::Overflow);
        let scaled = product([self.mantissa.unsigned_abs(), part, 10_u128.pow(digits.saturating_sub(self.decimals))])?;
        let divisor = product([whole.max(1), 10_u128.pow(self.decimals.saturating_sub(digits)), 1])?;
        let minor = scaled / divisor + u128::from(scaled % divisor >= divisor.div_ceil(2));
        Ok(Money { minor: i64::try_from(minor).map_err(|_| MoneyError::Overflow)?, currency })
    }
}

impl FromStr for Rate {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let error = || MoneyError::Rate(text.chars().take(40).collect());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits_only = |part: &str| part.bytes().all(|it| it.is_ascii_digit());
        let unfinished = text.contains('.') && decimals.is_empty();
        if whole.is_empty() || whole.len() > 15 || unfinished || !digits_only(whole) || !digits_only(decimals) {
            return Err(error());
        }
        if decimals.len() > Self::MAX_DECIMALS {
            return Err(error());
        }
        let mantissa = format!("{whole}{decimals}").parse().map_err(|_| error())?;
        Ok(Self { mantissa, decimals: u32::try_from(decimals.len()).map_err(|_| error())? })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(text: &str) -> Currency {
        text.parse().unwrap()
    }

    #[test]
    fn minor_units_follow_the_currency() {
        assert_eq!(Money::new(905, currency("EUR")).to_string(), "9.05 EUR");
        assert_eq!(Money::new(-5, currency("EUR")).to_string(), "-0.05 EUR");
        assert_eq!(Money::new(905, currency("JPY")).to_string(), "905 JPY");
        assert_eq!(Money::new(905, currency("KWD")).to_string(), "0.905 KWD");
    }

    #[test]
    fn a_line_is_rounded_once() {
        let rate: Rate = "0.0015".parse().unwrap();
        assert_eq!(rate.times(1000, currency("EUR")).unwrap().minor, 150);
        assert_eq!(rate.times(3, currency("EUR")).unwrap().minor, 0);
        assert_eq!(rate.times(10, currency("EUR")).unwrap().minor, 2, "1.5 cents, half away from zero");
        assert_eq!("1.5".parse::<Rate>().unwrap().times(1, currency("JPY")).unwrap().minor, 2);
        assert_eq!("12".parse::<Rate>().unwrap().times(2, currency("JPY")).unwrap().minor, 24);
        assert_eq!("0.5".parse::<Rate>().unwrap().times(1, currency("KWD")).unwrap().minor, 500);
    }

    #[test]
    fn a_part_of_a_unit_is_rounded_once() {
        let rate: Rate = "0.10".parse().unwrap();
        let part = |part, whole| rate.times_part(part, whole, currency("EUR")).unwrap().minor;
        assert_eq!([part(1, 1), part(1, 2), part(1, 3), part(1, 20), part(1, 21), part(0, 5)], [10, 5, 3, 1, 0, 0]);
        assert_eq!("1".parse::<Rate>().unwrap().times_part(1, 2, currency("JPY")).unwrap().minor, 1);
        assert_eq!(rate.times_part(u128::MAX, 1, currency("EUR")), Err(MoneyError::Overflow));
    }

    #[test]
    fn a_part_of_an_amount_is_rounded_once() {
        let part = |minor, part, whole| Money::new(minor, currency("EUR")).part(part, whole).unwrap().minor;
        assert_eq!([part(900, 1, 2), part(901, 1, 2), part(-901, 1, 2), part(100, 1, 3), part(200, 1, 3)], [450, 451, -451, 33, 67]);
        assert_eq!([part(-900, 1, -2), part(900, 0, 5), part(900, 5, 0), part(i64::MAX, 7, 7)], [450, 0, 0, i64::MAX]);
        assert_eq!(Money::new(i64::MAX, currency("EUR")).part(2, 1), Err(MoneyError::Overflow));
    }

    #[test]
    fn what_is_no_money_is_refused() {
        for text in ["", "eur", "EU", "EURO", "€€€"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "1e3", "1,5", "0.0000000000001", "1234567890123456"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        let sum = Money::new(1, currency("EUR")).plus(Money::new(1, currency("USD")));
        assert_eq!(sum, Err(MoneyError::Mixed(currency("EUR"), currency("USD"))));
        assert_eq!(Money::new(i64::MAX, currency("EUR")).plus(Money::new(1, currency("EUR"))), Err(MoneyError::Overflow));
        assert_eq!("999999999999999".parse::<Rate>().unwrap().times(u64::MAX, currency("EUR")), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn rounding_is_off_by_half_a_unit_at_most(mantissa in 0_u32..1_000_000, quantity in 0_u64..1_000_000) {
            let rate: Rate = format!("0.{mantissa:06}").parse().unwrap();
            let minor = i128::from(rate.times(quantity, currency("EUR")).unwrap().minor);
            let exact = i128::from(mantissa) * i128::from(quantity);
            prop_assert!((minor * 10_000 - exact).abs() <= 5_000);
        }
    }
}
