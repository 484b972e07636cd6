//! The calls of the API that do what buttons of the pages do.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod billing;
mod people;
mod platform;
mod repeated;
