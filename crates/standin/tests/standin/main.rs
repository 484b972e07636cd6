//! The binary as the control plane meets it: called with Mastodon's command lines, on a real PostgreSQL and a real Redis.
//!
//! `HOWDAH_TEST_DATABASE_URL` is a superuser's URL; `cargo xtask test --quick` starts a server and sets it. Redis and an object store
//! that remembers what it was given are started here.

mod boot;
mod faults;
mod federation;
mod fill;
mod maintenance;
mod people;
mod schema;
mod support;
mod web;
