//! What the workers have to do.

pub mod list;
pub mod retry;
pub mod wire;
