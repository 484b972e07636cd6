//! One file a command.

pub mod admin;
mod billing;
pub mod bundle;
pub mod crds;
pub mod media;
pub mod migrate;
pub mod notice;
pub mod operator;
pub mod server;
mod setup;
pub mod worker;
