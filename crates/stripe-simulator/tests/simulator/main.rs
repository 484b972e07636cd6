//! The simulator over HTTP, as a client of Stripe's meets it.

mod catalogue;
mod changes;
mod checkout;
mod clock;
mod faults;
mod pages;
mod renewals;
mod support;
mod webhooks;
