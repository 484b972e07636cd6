//! The API: addresses and what answers there. One action a file, the wire's types in the same folder.

pub mod v1;
pub mod words;
