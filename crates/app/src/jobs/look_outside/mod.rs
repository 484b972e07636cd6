//! Everything that is looked at from outside: servers at their addresses, and the proofs of domains. A job of its own, because
//! strangers' name servers and hosts may be slow, and nothing else is to wait for them.

mod domains;
mod servers;

use super::LookOutside;
use crate::worker::{WorkError, Worker};

/// Rows that one run takes of each kind.
const MOST: i64 = 2000;
/// Names and addresses that are looked at at a time.
const AT_ONCE: usize = 64;

pub async fn run(worker: &Worker, _: LookOutside) -> Result<(), WorkError> {
    let (servers, domains) = futures::join!(servers::look(worker), domains::check(worker));
    servers.and(domains)
}
