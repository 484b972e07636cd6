//! `howdah bundle`, run as a program: killed at many points and gone on with, signed, and brought back by stock tools alone.
//!
//! `HOWDAH_TEST_DATABASE_URL` is a superuser's URL of a PostgreSQL for tests, and its version's `pg_dump` and `psql` are on this machine.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod database;
mod kill;
mod load;
mod server;
mod signed;
mod stock;
