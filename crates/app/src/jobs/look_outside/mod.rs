//! Everything that is looked at from outside: servers at their addresses, the proofs of domains and their records, and what
//! servers say of themselves. A job of its own, because strangers' name servers and hosts may be slow, and nothing else is to
//! wait for them.

mod domains;
mod faces;
mod records;
mod servers;

pub(crate) use servers::ANOTHER_HOST;

use super::LookOutside;
use crate::worker::{WorkError, Worker};

/// Rows that one run takes of each kind.
const MOST: i64 = 2000;
/// Names and addresses that are looked at at a time.
const AT_ONCE: usize = 64;

pub async fn run(worker: &Worker, _: LookOutside) -> Result<(), WorkError> {
    let names = async {
        // What a record is called goes by its proof: that is looked for first.
        let domains = domains::check(worker).await;
        domains.and(records::look(worker).await)
    };
    let servers = async {
        let servers = servers::look(worker).await;
        servers.and(faces::look(worker).await)
    };
    let (servers, names) = futures::join!(servers, names);
    servers.and(names)
}
