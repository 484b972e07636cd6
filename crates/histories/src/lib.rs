//! Random histories of what customers pay: Stripe's simulator on one side, billing as the app does it on the other, fourteen months
//! of a clock between them, and all that can go wrong on the way. Whatever happens, nobody is charged twice, nobody is held
//! back who may run, and nobody runs on unpaid.
//!
//! What is the product's own code here: every request and every reading of an answer (`howdah-billing`, in process instead of over
//! a socket), the webhook's signature, and every decision (`howdah_domain::billing`: the fold, the policy, when a read is
//! fresh, notices, removal, the nightly comparison). What is a model of it: the order of these in `howdah-app`, whose use cases want
//! PostgreSQL ([`platform`] names the function that each of its own stands for). Left out: grants, usage beyond a plan,
//! and the ledger. Stripe is `howdah-stripe-simulator`, which is held to Stripe's by tests of its own.
//!
//! [`watch`] holds the rules, against what is so in the simulator's world; [`Broken`] breaks the platform on purpose, to see them
//! fail.

mod acts;
mod dice;
pub mod history;
pub mod platform;
mod record;
mod truth;
pub mod watch;
mod wire;

use history::History;
use watch::Violation;

/// A rule of the platform's that is left out, to see that it is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A slow answer takes the place of a newer one.
    FoldsWhatWasOvertaken,
    /// Whom Stripe can't be asked about is taken for somebody who doesn't pay.
    TakesErrorsForAnswers,
    /// Each tab has a page of its own to pay at.
    OpensAPageEachTime,
}

/// A history in which a rule was broken.
#[derive(Debug)]
pub struct Failed {
    pub seed: u64,
    pub violation: Violation,
    pub steps: Vec<String>,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const LAST: usize = 40;
        writeln!(f, "seed {}: {}: {}", self.seed, self.violation.rule, self.violation.what)?;
        for step in self.steps.iter().skip(self.steps.len().saturating_sub(LAST)) {
            writeln!(f, "  {step}")?;
        }
        write!(f, "alone: cargo xtask histories --seed {} --count 1", self.seed)
    }
}

/// Plays the history of a seed.
///
/// # Errors
/// [`Failed`], with the first rule that was broken.
pub fn play(seed: u64, broken: Option<Broken>) -> Result<(), Box<Failed>> {
    let mut history = History::new(seed, broken);
    history.play().map_err(|violation| Box::new(Failed { seed, violation, steps: history.steps().to_vec() }))
}
