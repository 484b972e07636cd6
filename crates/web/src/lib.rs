//! HTTP: the pages, the API of `/api/v1`, its description, and the two health checks.
//!
//! A handler parses, calls one use case of `app`, and renders. Which status and problem type a meaning of `app` gets is decided
//! in [`problem`] and nowhere else. This crate must not know tables, Kubernetes or Stripe.

pub mod openapi;
pub mod problem;
pub mod server;

mod api;
mod body;
mod caller;
mod conditional;
mod fetching;
mod headers;
mod health;
mod idempotency;
mod limits;
mod page;
mod pages;
mod request_log;
mod resource;
mod streams;
mod webhooks;

pub use limits::Rate;
pub use server::{Bound, Settings, bind, serve};
