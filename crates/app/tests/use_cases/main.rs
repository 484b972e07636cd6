//! Use cases against a real database: `HOWDAH_TEST_DATABASE_URL` names a server, which `cargo xtask test --quick` starts.
#![expect(clippy::unwrap_used, reason = "a test without its ground has failed")]

mod accounts;
mod ground;
mod launch;
mod leave;
mod mails;
mod people;
mod servers;
