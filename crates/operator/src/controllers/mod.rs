//! Controllers, one folder a kind.

pub mod export;
pub mod instance;

#[cfg(test)]
mod fake_iam;
