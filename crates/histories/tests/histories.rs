//! Histories of the usual test run. `cargo xtask histories` plays a hundred thousand.

use std::time::Instant;

use howdah_histories::{Broken, play};

const FIRST: u64 = 1;
const COUNT: u64 = 150;

#[test]
fn nobody_is_charged_twice_held_back_wrongly_or_runs_on_unpaid() {
    let begun = Instant::now();
    println!("seeds {FIRST} to {}", FIRST + COUNT - 1);
    let failed: Vec<String> = (FIRST..FIRST + COUNT).filter_map(|seed| play(seed, None).err()).map(|it| it.to_string()).take(3).collect();
    println!("{COUNT} histories in {:?}", begun.elapsed());
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// The rules that one left out breaks, within so many seeds.
fn broken_by(broken: Broken) -> Option<&'static str> {
    (FIRST..FIRST + 200).find_map(|seed| play(seed, Some(broken)).err()).map(|it| it.violation.rule)
}

#[test]
fn a_slow_answer_in_a_newer_ones_place_is_seen() {
    assert_eq!(broken_by(Broken::FoldsWhatWasOvertaken), Some("nobody is held back who may run"));
}

#[test]
fn an_error_that_is_taken_for_an_answer_is_seen() {
    assert_eq!(broken_by(Broken::TakesErrorsForAnswers), Some("nobody is held back who may run"));
}

#[test]
fn a_page_for_each_tab_is_seen() {
    assert_eq!(broken_by(Broken::OpensAPageEachTime), Some("no period is paid twice"));
}
