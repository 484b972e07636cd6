//! Invitations into the account.

pub mod create;
pub mod list;
pub mod wire;
pub mod withdraw;
