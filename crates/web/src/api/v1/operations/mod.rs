//! Operations: long work with a name, steps and an end.

pub mod events;
pub mod show;
pub mod wire;
