//! Amounts beside each other, as bars, with the table of the same numbers: made here, drawn by no script.

use std::fmt::Display;

use askama::Template;

use super::is_html;

const HEIGHT: usize = 30;
/// Of the longest bar.
const LONGEST: u64 = 380;

pub struct Bar {
    pub label: String,
    /// What the bar's length is of.
    pub value: u64,
    /// The number as people read it, with its unit.
    pub words: String,
    /// What the table says besides.
    pub more: String,
}

#[derive(Template)]
#[template(path = "components/bars.html")]
pub struct Bars {
    /// Of the page's elements.
    id: String,
    title: String,
    /// What the table's columns are called.
    columns: [&'static str; 3],
    bars: Vec<Bar>,
}

impl Bars {
    /// `part` and `of` are its id in the page.
    pub fn new(part: &'static str, of: impl Display, title: impl Into<String>, columns: [&'static str; 3], bars: Vec<Bar>) -> Self {
        Self { id: format!("{part}-{of}"), title: title.into(), columns, bars }
    }

    fn height(&self) -> usize {
        self.bars.len() * HEIGHT
    }

    /// The place of each bar: its top, the line that its words stand on, its length, and where the words begin after it.
    fn placed(&self) -> impl Iterator<Item = (&Bar, usize, usize, u64, u64)> {
        let most = self.bars.iter().map(|it| it.value).max().unwrap_or_default().max(1);
        self.bars.iter().enumerate().map(move |(at, bar)| {
            let length = bar.value.saturating_mul(LONGEST) / most;
            (bar, at * HEIGHT + 4, at * HEIGHT + 20, length, length + 158)
        })
    }
}

is_html!(Bars);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_of_the_most_and_the_table_has_the_same_numbers() {
        let bar = |label: &str, value, words: &str| Bar { label: label.into(), value, words: words.into(), more: "1".into() };
        let bars = Bars::new(
            "plans",
            "EUR",
            "By plan",
            ["Plan", "A month", "Servers"],
            vec![bar("Small", 900, "9.00 EUR"), bar("<Large>", 1800, "18.00 EUR")],
        );
        let html = bars.render().unwrap();
        assert!(html.contains("width=\"380\"") && html.contains("width=\"190\""), "{html}");
        assert!(html.matches("18.00 EUR").count() == 2 && !html.contains("<Large>"), "{html}");
        assert!(Bars::new("none", "EUR", "Nothing", ["", "", ""], Vec::new()).render().is_ok());
    }
}
