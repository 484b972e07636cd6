//! Billing periods: whole intervals from an anchor, so that the 31st comes back after a short month.

use chrono::{DateTime, Datelike, Months};
use serde_json::Value;

use crate::clock::DAY;
use crate::json::Fields;

/// The end of the period that begins at `start`.
pub fn period_end(anchor: i64, start: i64, recurring: &Value) -> i64 {
    let count = recurring.int("interval_count").max(1);
    match recurring.text("interval") {
        "day" => start + count * DAY,
        "week" => start + count * 7 * DAY,
        "year" => months_after(anchor, start, 12 * count),
        _ => months_after(anchor, start, count),
    }
}

fn months_after(anchor: i64, start: i64, count: i64) -> i64 {
    let (Some(anchor), Some(start)) = (DateTime::from_timestamp(anchor, 0), DateTime::from_timestamp(start, 0)) else { return start };
    let passed = i64::from(start.year() - anchor.year()) * 12 + i64::from(start.month()) - i64::from(anchor.month());
    let months = u32::try_from(passed + count).unwrap_or_default();
    anchor.checked_add_months(Months::new(months)).unwrap_or(start).timestamp()
}

/// `amount` for the `part` of `whole` seconds, to the nearest minor unit, halves away from zero.
pub fn share(amount: i64, part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let (product, whole) = (i128::from(amount) * i128::from(part.clamp(0, whole)), i128::from(whole));
    let rounded = (2 * product.abs() + whole) / (2 * whole) * product.signum();
    i64::try_from(rounded).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};
    use serde_json::json;

    use super::*;

    fn day(year: i32, month: u32, day: u32) -> i64 {
        Utc.with_ymd_and_hms(year, month, day, 12, 0, 0).single().expect("a day").timestamp()
    }

    #[test]
    fn the_31st_comes_back_after_a_short_month() {
        let monthly = json!({"interval": "month", "interval_count": 1});
        let anchor = day(2027, 1, 31);
        assert_eq!(period_end(anchor, anchor, &monthly), day(2027, 2, 28));
        assert_eq!(period_end(anchor, day(2027, 2, 28), &monthly), day(2027, 3, 31));
        assert_eq!(period_end(anchor, day(2027, 12, 31), &monthly), day(2028, 1, 31));
        assert_eq!(period_end(day(2028, 2, 29), day(2028, 2, 29), &json!({"interval": "year", "interval_count": 1})), day(2029, 2, 28));
    }

    #[test]
    fn shares_are_rounded_to_the_nearest_unit() {
        assert_eq!(share(1000, 1, 3), 333);
        assert_eq!(share(-1000, 2, 3), -667);
        assert_eq!(share(1, 1, 2), 1);
        assert_eq!(share(-1, 1, 2), -1);
        assert_eq!(share(1000, 5, 0), 0);
    }
}
