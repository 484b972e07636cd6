//! Operations: long work with a name, steps and an end.

pub mod events;
pub mod retry;
pub mod show;
pub mod wire;
