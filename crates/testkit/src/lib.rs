//! What tests stand on: a real database for each, and builders for the rows that a test is not about.
//!
//! Nothing here is part of the product, and whatever goes wrong here panics: a test without its ground has failed.

#[cfg(feature = "app")]
pub mod app;
#[cfg(feature = "app")]
pub mod arriving;
#[cfg(feature = "app")]
pub mod authenticator;
#[cfg(feature = "app")]
pub mod bundles;
mod database;
#[cfg(feature = "app")]
pub mod own_buckets;
pub mod proxy;
pub mod rows;
pub mod wait;

pub use database::TestDatabase;
