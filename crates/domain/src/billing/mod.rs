//! What is paid, what that allows, and what becomes due: pure rules over what the payment provider says.
//!
//! [`facts`] is what is read of it, [`fold`] makes a standing of that, [`policy`] says what a server of that standing may do, [`timeline`]
//! when what follows, [`notices`] what is to be told, and [`removal`] whether it may end.

pub mod facts;
pub mod fold;
pub mod grant;
pub mod notices;
pub mod policy;
pub mod removal;
pub mod timeline;

pub use policy::{Access, BillingFacts, ExportWindow, Provider, Terms, Verdict, access, standing_at_launch};
