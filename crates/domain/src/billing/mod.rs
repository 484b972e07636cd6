//! Whether a server may run: one pure function of its standing, by an ordered chain of policies.

pub mod facts;
pub mod policy;

pub use policy::{Access, BillingFacts, Provider, Verdict, access, standing_at_launch};
