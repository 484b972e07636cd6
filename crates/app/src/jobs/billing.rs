//! What is paid: events, and what time brings.

use super::{BillingUpkeep, HandleBillingEvents, LookAfterEndings};
use crate::billing;
use crate::worker::{WorkError, Worker};

pub async fn events(worker: &Worker, _: HandleBillingEvents) -> Result<(), WorkError> {
    Ok(billing::handle_events(&worker.app).await?)
}

pub async fn endings(worker: &Worker, _: LookAfterEndings) -> Result<(), WorkError> {
    Ok(billing::look_after_endings(worker).await?)
}

pub async fn upkeep(worker: &Worker, _: BillingUpkeep) -> Result<(), WorkError> {
    Ok(billing::upkeep(&worker.app).await?)
}
