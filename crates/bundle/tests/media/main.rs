//! The media store of a Mastodon server: a folder, a bucket that misbehaves, and the database that says which files are the server's own.
//!
//! `HOWDAH_TEST_DATABASE_URL` is a superuser's; `cargo xtask test --quick` starts a server and sets it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bucket;
mod copy;
mod database;
mod disk;
mod s3;
mod survey;
