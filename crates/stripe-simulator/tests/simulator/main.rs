//! The simulator over HTTP, as a client of Stripe's meets it.

mod catalogue;
mod changes;
mod checkout;
mod faults;
mod histories;
mod pages;
mod renewals;
mod support;
mod webhooks;
