//! What an operator sets in Stripe's dashboard.

use serde::{Deserialize, Serialize};

/// What becomes of a subscription when the last retry has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterRetries {
    #[default]
    Unpaid,
    Cancel,
    LeavePastDue,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Days from each failed attempt to the next.
    pub retry_days: Vec<i64>,
    pub after_retries: AfterRetries,
    /// Days an invoice by mail may be overdue before `after_retries` is done.
    pub overdue_days: i64,
    /// Days a bank debit takes.
    pub bank_debit_days: i64,
    /// Days before a renewal on which `invoice.upcoming` is sent.
    pub upcoming_days: i64,
    /// Requests a second, of the machine's time, before 429; 0 is no limit.
    pub requests_per_second: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            retry_days: vec![3, 5, 7],
            after_retries: AfterRetries::Unpaid,
            overdue_days: 30,
            bank_debit_days: 3,
            upcoming_days: 7,
            requests_per_second: 0,
        }
    }
}
