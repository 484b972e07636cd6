//! One file a command.

pub mod crds;
pub mod migrate;
pub mod operator;
