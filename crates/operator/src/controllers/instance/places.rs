//! Who is worked on when more wants to be done than there are places. A launch, a change or a close has somebody who waits for
//! it; a resync, an upgrade of many or the first look of a new leader has nobody, and leaves some places free.

use howdah_crd::{MastodonInstance, PowerState};
use tokio::sync::{Semaphore, SemaphorePermit};

pub struct Places {
    all: Semaphore,
    /// Fewer: the most that work which nobody waits for ever holds.
    bulk: Semaphore,
}

/// Held for as long as a pass lasts.
pub struct Place<'a> {
    _all: SemaphorePermit<'a>,
    _bulk: Option<SemaphorePermit<'a>>,
}

impl Places {
    #[must_use]
    pub fn new(all: u16) -> Self {
        let bulk = (all - all.div_ceil(4)).max(1);
        Self { all: Semaphore::new(all.into()), bulk: Semaphore::new(bulk.into()) }
    }

    pub async fn awaited(&self) -> Place<'_> {
        Place { _all: take(&self.all).await, _bulk: None }
    }

    /// `None` once `hurry` is done: somebody waits for it now, and it is to be begun anew.
    pub async fn bulk(&self, hurry: impl Future<Output = ()>) -> Option<Place<'_>> {
        let place = async {
            let bulk = take(&self.bulk).await;
            Place { _all: take(&self.all).await, _bulk: Some(bulk) }
        };
        tokio::select! {
            biased;
            () = hurry => None,
            place = place => Some(place),
        }
    }
}

async fn take(places: &Semaphore) -> SemaphorePermit<'_> {
    places.acquire().await.expect("places are never closed")
}

/// Does somebody wait for what becomes of it? A new version comes to all servers at once, so it alone is no reason.
#[must_use]
pub fn is_awaited(cr: &MastodonInstance) -> bool {
    let status = cr.status.as_ref();
    let Some(version) = status.and_then(|it| it.version.as_ref()) else { return true };
    // What has moved out is torn down as far as it is to be, for a year.
    let is_torn_down = cr.spec.teardown.is_some() && cr.spec.power_state != PowerState::MovedOut;
    let leaves = cr.metadata.deletion_timestamp.is_some() || is_torn_down || cr.spec.power_state == PowerState::SelfDestruct;
    let is_changed = status.and_then(|it| it.observed_generation) != cr.metadata.generation;
    leaves || (is_changed && *version == cr.spec.version)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::controllers::instance::fixture::{ID, resource};

    #[test]
    fn bulk_work_leaves_places_free() {
        let places = Places::new(4);
        let bulk = || places.bulk(pending()).now_or_never().flatten();
        let mut held: Vec<_> = (0..4).filter_map(|_| bulk()).collect();
        assert_eq!(held.len(), 3);
        let awaited = places.awaited().now_or_never();
        assert!(awaited.is_some());
        assert!(places.awaited().now_or_never().is_none(), "four are all");
        drop(awaited);
        held.pop();
        assert!(bulk().is_some());
        assert!(places.bulk(ready(())).now_or_never().is_some_and(|it| it.is_none()), "somebody waits for it now");
        assert!(Places::new(1).bulk(pending()).now_or_never().flatten().is_some());
    }

    #[test]
    fn what_somebody_waits_for() {
        type Change = fn(&mut Value);
        let table: [(&str, Change, bool); 7] = [
            ("at rest", |_| {}, false),
            ("a launch", |it| it["status"]["version"] = Value::Null, true),
            ("a change", |it| it["metadata"]["generation"] = json!(4), true),
            (
                "an upgrade",
                |it| {
                    it["metadata"]["generation"] = json!(4);
                    it["spec"]["version"] = json!("4.6.5");
                },
                false,
            ),
            ("a farewell", |it| it["spec"]["powerState"] = json!("SelfDestruct"), true),
            ("a teardown", |it| it["spec"]["teardown"] = json!({"kind": "Remove", "confirm": ID}), true),
            ("a deletion", |it| it["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:01:00Z"), true),
        ];
        for (what, change, awaited) in table {
            let mut resource = resource();
            resource["status"] = json!({"version": "4.5.11", "observedGeneration": 3, "conditions": []});
            change(&mut resource);
            assert_eq!(is_awaited(&serde_json::from_value(resource).unwrap()), awaited, "{what}");
        }
    }
}
