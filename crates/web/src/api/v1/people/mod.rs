//! The people of the account.

pub mod change_role;
pub mod list;
pub mod remove;
pub mod wire;
