//! The reader of dumps: against real ones of each version, cut and corrupted ones, and ones made up.

mod damaged;
mod hostile;
mod made;
mod plain;
mod real;
mod support;
mod writer;
