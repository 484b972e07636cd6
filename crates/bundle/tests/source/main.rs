//! A server's database as a bundle is made of it: facts, checks, `pg_dump`, and what somebody may have left in it.
//!
//! `HOWDAH_TEST_DATABASE_URL` is a superuser's URL of a PostgreSQL for tests, and its version's `pg_dump` is on this machine.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod again;
#[expect(dead_code, reason = "the media's own tests ask for more of it")]
#[path = "../media/bucket.rs"]
mod bucket;
mod checks;
mod duplicates;
mod facts;
mod from_dump;
mod loaded;
mod round_trip;
mod server;
mod signed;
mod support;
mod tls;
mod traps;
mod turncoat;
