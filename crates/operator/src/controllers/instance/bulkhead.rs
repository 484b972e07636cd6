//! A bulkhead before one database server or object store: only so many at once, and none while it is known to be away. So a server
//! outside that hangs costs those who need it their turn, and nobody else a place among the workers.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

const AT_ONCE: usize = 8;
/// How long after a failure nobody tries.
const REST: Duration = Duration::from_secs(2);

pub struct Bulkhead {
    places: Semaphore,
    away_since: Mutex<Option<Instant>>,
}

impl Default for Bulkhead {
    fn default() -> Self {
        Self { places: Semaphore::new(AT_ONCE), away_since: Mutex::default() }
    }
}

/// Why one may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// All places are taken: in a moment.
    Full,
    /// It did not answer a moment ago.
    Away,
}

impl Bulkhead {
    /// Never waits: whoever can't pass comes back later.
    pub fn enter(&self) -> Result<SemaphorePermit<'_>, Shut> {
        let away = self.away_since.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|it| it.elapsed() < REST);
        if away {
            return Err(Shut::Away);
        }
        self.places.try_acquire().map_err(|_| Shut::Full)
    }

    /// Whether it answered.
    pub fn answered(&self, answered: bool) {
        *self.away_since.lock().unwrap_or_else(PoisonError::into_inner) = if answered { None } else { Some(Instant::now()) };
    }
}
