//! The worker's half against a real database and the real queue, with a cluster, an outside world and a relay in memory:
//! `HOWDAH_TEST_DATABASE_URL` names a server, which `cargo xtask test --quick` starts.

#![expect(clippy::unwrap_used, reason = "a test that can't build its input has failed")]

mod addresses;
mod bad_days;
mod billing;
mod diverged;
mod exports;
mod fakes;
mod final_bundle;
mod ground;
mod imports;
mod life;
mod metrics;
mod move_out;
mod own_buckets;
mod owner_link_mails;
mod owner_links;
mod periodic;
mod pulls;
mod queue;
mod schedules;
