//! Words that somebody else chose, before they are kept or shown.

/// Without what steers a terminal, and at most so many characters.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    text.chars().filter(|it| !it.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_has_an_end_and_steers_nothing() {
        assert_eq!(clipped("bé\u{1b}[31m\nrds", 5), "bé[31");
    }
}
