//! What applies to the whole platform.

pub mod change;
pub mod show;
pub mod wire;
