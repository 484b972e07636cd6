//! What customers pay. The payment provider is asked by `howdah-billing` alone; here is decided when, and what follows from its answers.
//!
//! An answer is folded into the record by [`sync`], whoever had a reason to ask: an event, the page that a customer comes back to, the
//! clock. What is asked for is written down first ([`operation`]), so that a process that is killed asks for the same thing again.

mod abandoned;
mod by_invoice;
mod catalogue;
mod change;
mod checkout;
mod ending;
mod events;
mod hourly;
mod intake;
mod leaving;
mod ledger;
mod operation;
mod operator;
mod reconcile;
mod rows;
mod standing;
mod sync;
mod usage;
mod view;

pub use by_invoice::{DAYS_UNTIL_DUE, InvoiceOrder, order_by_invoice};
pub use catalogue::{WEBHOOK, apply as apply_catalogue, plan as plan_catalogue};
pub use change::{PlanPreview, cancel, change_plan, portal, preview_plan, set_cap, take_back_cancel};
pub use checkout::{Payable, finish, pay};
pub(crate) use ending::look_after as look_after_endings;
pub(crate) use events::handle as handle_events;
pub(crate) use hourly::{tick, upkeep};
pub use intake::{Intake, IntakeError};
pub use operator::{
    DifferenceView, EventView, GrantRequest, MoneyView, ReconciliationView, Share, Total, end_grant, events, grant, money, reconciliations,
    replay,
};
pub(crate) use standing::facts;
pub use view::{BillView, InvoiceView, LineView, Offer, SubscriptionView, banner, bill};

use chrono::TimeDelta;
pub use howdah_billing::checkout::Trial;
use howdah_billing::{BillingError, Stripe};
use howdah_domain::billing::{ExportWindow, Terms};
use howdah_domain::money::Currency;
use secrecy::SecretString;
use tokio::sync::RwLock;

use crate::{App, Error};

/// How long each stage of a server's way down lasts.
pub(crate) const TERMS: Terms = Terms {
    grace: TimeDelta::days(14),
    invoice_grace: TimeDelta::days(30),
    read_only: TimeDelta::days(30),
    export_window: ExportWindow::LEAST,
};

/// The payment provider, where there is one.
#[derive(Debug)]
pub struct Billing {
    pub stripe: Stripe,
    /// Of the webhook's endpoint; two while one is rolled.
    pub webhook_secrets: Vec<SecretString>,
    /// What new accounts pay in, where they choose none.
    pub currency: Currency,
    pub trial: Option<Trial>,
    /// Taxes are the provider's to work out.
    pub automatic_tax: bool,
    prices: RwLock<Option<checkout::Prices>>,
}

impl Billing {
    #[must_use]
    pub fn new(stripe: Stripe, webhook_secrets: Vec<SecretString>, currency: Currency) -> Self {
        Self { stripe, webhook_secrets, currency, trial: None, automatic_tax: false, prices: RwLock::new(None) }
    }
}

impl App {
    pub(crate) fn billing(&self) -> Result<&Billing, Error> {
        self.billing.as_deref().ok_or_else(|| Error::Conflict {
            reason: "billing_off",
            sentence: "Nothing is paid for on this platform: an operator grants servers.".to_owned(),
        })
    }
}

impl From<BillingError> for Error {
    fn from(error: BillingError) -> Self {
        match error {
            error if error.passes() => Self::Unavailable { source: Box::new(error) },
            BillingError::Card { message, .. } => {
                let sentence = format!("The payment did not go through: {message} Nothing was changed.");
                Self::Conflict { reason: "payment_failed", sentence }
            }
            error => Self::internal(error),
        }
    }
}
