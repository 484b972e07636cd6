//! A stateful simulator of the part of Stripe's API that a hosting control plane uses, for tests and for the development stack.
//!
//! It imitates somebody else's program and knows nothing of Howdah. It keeps one account in memory: objects as Stripe shows them, a clock
//! that is moved by hand, webhooks that are signed, retried and, by setting, doubled, lost and shuffled; and it fails when it is told to.
//! What it does not imitate it refuses (`parameter_unknown`, 404), so that nothing is believed to work because it was ignored.
//!
//! `/v1/…` is Stripe's API, `/pay`, `/portal` and `/invoice` are Stripe's hosted pages, `/_simulator/…` and `/` are for whoever tests.

// Stripe's larger objects have more members than `json!` takes in 128 steps.
#![recursion_limit = "256"]

mod api;
pub mod clock;
mod control;
mod deliveries;
mod error;
mod form;
mod http;
mod json;
mod pages;
mod server;
mod traffic;
mod world;

pub use api::Verb;
pub use deliveries::{Parcel, sign};
pub use error::ApiError;
pub use form::Form;
pub use json::Fields;
pub use server::{Outcome, Running, Settings, Simulator};
pub use traffic::{Failure, Fault, Reply};
pub use world::{AfterRetries, Answer, Delivery, Due, Instrument, Message, Payment, Presence, Rules, World};

/// The version of Stripe's API that objects and events are in.
pub const API_VERSION: &str = "2026-09-30.endive";
