//! A server: whether it may be launched, what people see of it, and how it is upgraded.

pub mod actions;
pub mod launch;
pub mod phase;
pub mod upgrade;
