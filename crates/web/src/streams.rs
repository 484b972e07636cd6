//! Streams of events that are open: so many in all, so many of one account, however many sessions and tokens it has, and each
//! ends when the server does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::Data;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use uuid::Uuid;

use crate::problem::Problem;

pub struct Streams {
    places: Arc<Semaphore>,
    of_one: usize,
    holders: Mutex<HashMap<Uuid, usize>>,
    pub stopping: watch::Receiver<bool>,
}

/// A stream's place, given back when it ends.
pub struct Place {
    streams: Data<Streams>,
    holder: Uuid,
    _permit: OwnedSemaphorePermit,
}

impl Streams {
    pub fn new(in_all: usize, of_one: usize, stopping: watch::Receiver<bool>) -> Self {
        Self { places: Arc::new(Semaphore::new(in_all)), of_one, holders: Mutex::default(), stopping }
    }
}

impl Place {
    /// `holder`: the account's id.
    pub fn take(streams: &Data<Streams>, holder: Uuid) -> Result<Self, Problem> {
        let permit = streams.places.clone().try_acquire_owned().map_err(|_| Problem::too_many_streams())?;
        let mut holders = streams.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let open = holders.entry(holder).or_default();
        if *open >= streams.of_one {
            return Err(Problem::too_many_streams());
        }
        *open += 1;
        Ok(Self { streams: streams.clone(), holder, _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut holders = self.streams.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = holders.get_mut(&self.holder) else { return };
        *open -= 1;
        if *open == 0 {
            holders.remove(&self.holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_some_and_gives_them_back() {
        let (_stop, stopping) = watch::channel(false);
        let streams = Data::new(Streams::new(3, 2, stopping));
        let (ada, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = Place::take(&streams, ada).unwrap();
        let _second = Place::take(&streams, ada).unwrap();
        assert!(Place::take(&streams, ada).is_err());
        let _third = Place::take(&streams, bob).unwrap();
        assert!(Place::take(&streams, bob).is_err(), "three in all");
        drop(first);
        assert!(Place::take(&streams, ada).is_ok());
    }
}
