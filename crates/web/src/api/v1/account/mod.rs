//! The account that a token speaks for, and what was done in it.

pub mod activity;
pub mod show;
