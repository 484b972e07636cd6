//! What customers pay: the provider's objects as they were last read, what was asked of it, and the ledgers.

mod charge;
mod customer;
mod event;
mod folded;
mod grant;
mod invoice;
mod ledger;
mod notice;
mod operation;
mod reconciliation;
mod run;
mod subscription;
mod usage;

pub use charge::{Charge, SpendingCap};
pub use customer::BillingCustomer;
pub use event::{BillingEvent, EventPage, EventRow};
pub use folded::InstanceBilling;
pub use grant::Grant;
pub use invoice::{InvoiceRow, Paid};
pub use ledger::LedgerEntry;
pub use notice::Notice;
pub use operation::{BillingOperation, Checkout};
pub use reconciliation::Reconciliation;
pub use run::Run;
pub use subscription::SubscriptionRow;
pub use usage::UsageHour;
