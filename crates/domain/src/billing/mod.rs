//! What is paid, what that allows, and what becomes due: pure rules over what the payment provider says.
//!
//! [`facts`] is what is read of it, [`fold`] makes a standing of that, [`policy`] says what a server of that standing may do.

pub mod facts;
pub mod fold;
pub mod grant;
pub mod policy;

pub use policy::{Access, BillingFacts, ExportWindow, Provider, Terms, Verdict, access, standing_at_launch};
