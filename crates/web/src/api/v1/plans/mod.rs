//! The catalogue of plans.

pub mod list;
