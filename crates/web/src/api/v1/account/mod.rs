//! The account that a token speaks for.

pub mod show;
