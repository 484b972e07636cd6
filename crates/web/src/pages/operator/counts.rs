//! How many servers a list of the fleet holds, of how many.

use howdah_app::instances::{ServerCounts, ServerQuery};
use howdah_domain::listing::ServerFilter;

/// `12 of 10,000 servers`. `rows`: how many are shown, where that is the whole list: they are counted by the reader.
/// `counts`: of what the list is narrowed to; `all`: of everything.
pub fn words(query: &ServerQuery, rows: Option<i64>, counts: &ServerCounts, all: &ServerCounts) -> String {
    let gone = |it: &ServerCounts| it.in_state(ServerFilter::Gone);
    let is_reference = query.names_one();
    let (found, of, what) = match query.state {
        Some(ServerFilter::Gone) => (gone(counts), gone(all), "that are gone"),
        Some(state) => (counts.in_state(state), all.all - gone(all), ""),
        // By its reference also one that is gone is found.
        None if is_reference => (counts.all, all.all, "counting those that are gone"),
        None => (counts.all - gone(counts), all.all - gone(all), ""),
    };
    let found = rows.unwrap_or(found);
    // What is counted a moment apart may differ by a launch.
    let of = of.max(found);
    let servers = if of == 1 { "server" } else { "servers" };
    let counted = if found == of { with_commas(of) } else { format!("{} of {}", with_commas(found), with_commas(of)) };
    format!("{counted} {servers} {what}").trim_end().to_owned()
}

/// `10,000`.
pub fn with_commas(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(all: i64, launching: i64, gone: i64) -> ServerCounts {
        ServerCounts { all, by_state: vec![(ServerFilter::Launching, launching), (ServerFilter::Gone, gone)] }
    }

    #[test]
    fn a_count_says_of_what() {
        let all = counts(10_030, 1_200, 30);
        let state = |state| ServerQuery { state, ..ServerQuery::default() };
        let reference = ServerQuery { search: "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d".to_owned(), ..ServerQuery::default() };
        let table = [
            (state(None), None, all.clone(), "10,000 servers"),
            (state(None), None, counts(14, 1, 2), "12 of 10,000 servers"),
            (state(None), Some(0), counts(0, 0, 0), "0 of 10,000 servers"),
            (state(Some(ServerFilter::Launching)), None, all.clone(), "1,200 of 10,000 servers"),
            (state(Some(ServerFilter::Launching)), Some(3), counts(14, 2, 0), "3 of 10,000 servers"),
            (state(Some(ServerFilter::Gone)), None, all.clone(), "30 servers that are gone"),
            (state(Some(ServerFilter::Gone)), None, counts(14, 1, 2), "2 of 30 servers that are gone"),
            (reference, Some(1), counts(1, 0, 1), "1 of 10,030 servers counting those that are gone"),
        ];
        for (query, rows, narrowed, expected) in table {
            assert_eq!(words(&query, rows, &narrowed, &all), expected);
        }
        assert_eq!(words(&state(None), Some(1), &counts(0, 0, 0), &counts(0, 0, 0)), "1 server", "it was launched a moment ago");
    }

    #[test]
    fn thousands_can_be_read() {
        let table = [(0, "0"), (999, "999"), (1_000, "1,000"), (10_030, "10,030"), (1_234_567, "1,234,567")];
        for (count, words) in table {
            assert_eq!(with_commas(count), words);
        }
    }
}
