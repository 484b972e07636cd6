//! One file a command.

pub mod crds;
pub mod media;
pub mod migrate;
pub mod operator;
