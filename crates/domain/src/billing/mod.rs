//! What is paid, what that allows, and what becomes due: pure rules over what the payment provider says.
//!
//! [`facts`] is what is read of it, [`fold`] makes a standing of that, [`policy`] says what a server of that standing may do, [`fresh`] when that may be done, [`timeline`]
//! when what follows, [`notices`] what is to be told, and [`removal`] whether it may end. [`usage`] rates what is used, [`estimate`]
//! says what the next bill will be, [`ledger`] keeps the books, and [`reconcile`] finds where those who should agree do not.

pub mod estimate;
pub mod facts;
pub mod fold;
pub mod fresh;
pub mod grant;
pub mod ledger;
pub mod notices;
pub mod policy;
pub mod reconcile;
pub mod removal;
pub mod timeline;
pub mod usage;

#[cfg(test)]
mod histories;

pub use policy::{Access, BillingFacts, ExportWindow, Provider, Terms, Verdict, access, standing_at_launch};
