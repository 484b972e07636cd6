//! Who has signed up and waits for an operator.

pub mod approve;
pub mod list;
pub mod refuse;
pub mod wire;
