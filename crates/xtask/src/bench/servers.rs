//! Two hundred servers launched through the API onto the fake node, synced anew and removed, on a stack of its own start: the ignored
//! test `two_hundred_servers` of `crates/acceptance/tests/faults`, which prints the table.

use anyhow::{Context, Result};

use crate::{
    built,
    places::Places,
    progress::Progress,
    stack::{self, Billing, Scope},
    test,
};

const TEST: (&str, &str) = ("howdah-acceptance", "faults");
const NAME: &str = "two_hundred_servers";

pub fn run(places: &Places) -> Result<()> {
    let tests = Progress::start().step("building every test (minutes the first time)", || built::tests(places))?;
    let faults = tests.iter().find(|it| (&*it.package, &*it.name) == TEST).context("the bench is among the acceptance tests")?;
    stack::up(places.clone(), Scope::Whole, Billing::Off)?;
    let measured = test::one_by_one([faults], |it| test::inside(places, places, it, &["--ignored", "--nocapture", NAME]));
    test::together([measured, stack::down(places)])
}
