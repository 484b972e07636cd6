//! Bundles in directories, tar files, pipes and buckets: written, killed, gone on with, built on, read; and hostile ones.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bucket;
mod earlier;
mod hostile;
mod kill;
mod sample;
mod tar;
mod tree;
