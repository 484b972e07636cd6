//! Everything that time brings. Each part looks at rows and at the clock, does what is due, and leaves the rest to the next
//! tick; one part, or one server, that fails holds up no other.

mod anchors;
mod cleaning;
mod clusters;
mod exports;
mod holds;
mod live;
mod moved;
mod schedules;
mod unproven;

use std::fmt::Display;

use howdah_db::models::mail::Mail;

use super::{LookOutside, SendMails, Tick};
use crate::worker::{WorkError, Worker};

/// Rows that one tick takes of each kind.
const MOST: i64 = 2000;

pub async fn run(worker: &Worker, _: Tick) -> Result<(), WorkError> {
    log("begin the looks from outside", look_outside(worker).await);
    log("release who may run", holds::release(worker).await);
    log("look whether clusters are back", clusters::look_again(worker).await);
    log("close what nobody proves", unproven::close(worker).await);
    log("advance what is live", live::advance(worker).await);
    log("begin what is due to be taken along", schedules::begin(worker).await);
    log("send exports down", exports::send(worker).await);
    log("have final bundles verified", moved::verify(worker).await);
    log("begin to delete exports", exports::delete(worker).await);
    log("clean up", cleaning::clean(worker).await);
    log("look after what is paid", crate::billing::tick(worker).await);
    log("anchor the audit", anchors::anchor(worker).await);
    send_mails(worker).await
}

fn log<E: Display>(what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        tracing::warn!(%error, "a tick could not {what}; the next one tries again");
    }
}

async fn look_outside(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    LookOutside::default().enqueue(&mut conn).await?;
    Ok(())
}

async fn send_mails(worker: &Worker) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    if !Mail::waiting(&mut conn, 1).await?.is_empty() {
        SendMails::default().enqueue(&mut conn).await?;
    }
    Ok(())
}
