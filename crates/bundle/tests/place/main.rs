//! Bundles in directories, tar files, pipes and buckets: written, killed, gone on with, built on, read, brought elsewhere; and hostile ones.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bucket;
mod earlier;
mod fetch;
mod guarded;
mod hostile;
mod kill;
mod push;
mod sample;
mod tar;
mod tree;
mod web;
