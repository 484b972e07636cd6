//! Worker and operator killed, stopped or many at once; parts of the stack away; pods that don't come up. Each test runs alone.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bad_days;
mod killed;
mod many;
mod servers;
mod twenty;
mod two_operators;
mod unlucky;
