//! Everything that time brings. Each part looks at rows and at the clock, does what is due, and leaves the rest to the next
//! tick; one part, or one server, that fails holds up no other.

mod cleaning;
mod deletions;
mod domains;
mod holds;
mod look;

use std::fmt::Display;

use howdah_db::models::mail::Mail;

use super::{SendMails, Tick};
use crate::worker::{WorkError, Worker};

/// Rows that one tick takes of each kind.
const MOST: i64 = 2000;
/// Names and addresses that are looked at from outside at a time.
const AT_ONCE: usize = 16;

pub async fn run(worker: &Worker, _: Tick) -> Result<(), WorkError> {
    log("release who may run", holds::release(worker).await);
    // The looks come first: a farewell goes on by them alone.
    log("look at the servers from outside", look::look(worker).await);
    log("advance what is live", deletions::advance_live(worker).await);
    log("look for the proofs of domains", domains::check(worker).await);
    log("clean up", cleaning::clean(worker).await);
    send_mails(worker).await
}

fn log<E: Display>(what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        tracing::warn!(%error, "a tick could not {what}; the next one tries again");
    }
}

async fn send_mails(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    if !Mail::waiting(&mut conn, 1).await?.is_empty() {
        SendMails::default().enqueue(&mut conn).await?;
    }
    Ok(())
}
