//! The pages, as a browser meets them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod account;
mod activity;
mod address;
mod again;
mod billing;
mod by_api;
mod diverged;
mod entering;
mod fleet;
mod imports;
mod leaving;
mod lists;
mod look;
mod loss;
mod money;
mod move_out;
mod operator;
mod origin;
mod owner_link;
mod passkeys;
mod second_factor;
mod servers;
mod states;
mod take_along;
mod trouble;
