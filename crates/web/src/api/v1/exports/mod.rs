//! Exports: a server is taken along.

pub mod begin;
pub mod cancel;
pub mod key;
pub mod links;
pub mod list;
pub mod schedule;
pub mod show;
pub mod wire;
