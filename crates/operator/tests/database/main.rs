//! Tenants' databases on a real PostgreSQL: made, brought back to what they should be, read as a hostile tenant's, destroyed.
//!
//! `HOWDAH_TEST_DATABASE_URL` is a superuser's; `cargo xtask test --quick` starts a server and sets it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod facts;
mod lifecycle;
mod server;
