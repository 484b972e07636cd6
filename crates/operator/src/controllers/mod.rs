//! Controllers, one folder a kind.

pub mod instance;
