//! The simulator over HTTP, as a client of Stripe's meets it.

mod catalogue;
mod changes;
mod checkout;
mod clock;
mod faults;
mod histories;
mod invoices;
mod pages;
mod renewals;
mod subscriptions;
mod support;
mod webhooks;
