//! What the acceptance tests share: they run against a stack that is up, inside its network namespace.
//!
//! `cargo xtask test` starts the stack and sets `HOWDAH_STACK`; by hand it is `cargo xtask inside -- cargo test -p howdah-acceptance`.

pub mod netpol;
pub mod s3;
pub mod stack;

pub use stack::Stack;
