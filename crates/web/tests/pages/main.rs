//! The pages, as a browser meets them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod account;
mod again;
mod entering;
mod fleet;
mod look;
mod operator;
mod origin;
mod second_factor;
mod servers;
mod trouble;
