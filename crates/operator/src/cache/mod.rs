//! What is there: for each server its children, each cut down to metadata, a digest and a few facts of its status.
//!
//! The operator's own writes go in as soon as they are answered, with their resourceVersion, and an event that is older than
//! what is known is dropped: so the cache is never behind the operator itself, and nothing is written twice because a watch
//! lags. Secrets are not in here: there is no cluster-wide right to them.

mod facts;
mod kind;
mod secrets;
pub mod watch;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use howdah_crd::labels;
use howdah_domain::InstanceId;
use jiff::Timestamp;
use kube::api::{DynamicObject, Preconditions};
use serde_json::Value;

pub use facts::{CLUSTER_ISSUER, CertificateOrder, Facts, JobFacts, JobOutcome, PodFacts, PodProblem, WorkloadFacts, clip};
pub use kind::{ChildKey, ChildKind};
pub use secrets::{SecretChange, SecretSeen, SecretStore, Secrets};

use crate::digest::{self, Digest};

/// One child as last seen.
#[derive(Clone, Debug)]
pub struct Child {
    pub uid: String,
    pub resource_version: String,
    pub owner_uid: Option<String>,
    pub created: Timestamp,
    pub leaving: bool,
    pub facts: Facts,
    /// When the operator itself wrote it, where that is the newest that is known of it.
    written: Option<Instant>,
    digest: Digest,
    state: Verified,
}

#[derive(Clone, Debug)]
enum Verified {
    /// It says what a wish of this digest asks for.
    Against(Digest),
    /// Not yet compared: the whole object, until it is.
    Not(Arc<Value>),
}

impl Child {
    fn new(kind: ChildKind, object: &DynamicObject) -> Option<Self> {
        let mut value = serde_json::to_value(object).ok()?;
        let facts = Facts::of(kind, &value);
        digest::strip(&mut value);
        // In a list an object doesn't say what it is.
        let resource = kind.resource();
        value["apiVersion"] = resource.api_version.into();
        value["kind"] = resource.kind.into();
        let owner = object.metadata.owner_references.iter().flatten().find(|it| it.controller == Some(true));
        Some(Self {
            uid: object.metadata.uid.clone()?,
            resource_version: object.metadata.resource_version.clone()?,
            owner_uid: owner.map(|it| it.uid.clone()),
            created: object.metadata.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |it| it.0),
            leaving: object.metadata.deletion_timestamp.is_some(),
            facts,
            written: None,
            digest: Digest::of(&value),
            state: Verified::Not(Arc::new(value)),
        })
    }

    /// For a delete of exactly this state of exactly this object.
    #[must_use]
    pub fn preconditions(&self) -> Preconditions {
        Preconditions { uid: Some(self.uid.clone()), resource_version: Some(self.resource_version.clone()) }
    }

    /// Is it as wanted? Cheap once it was compared; the comparison is made once a change.
    #[must_use]
    pub fn is_as(&self, wanted: &Value, wanted_digest: Digest) -> bool {
        match &self.state {
            Verified::Against(digest) => *digest == wanted_digest,
            Verified::Not(found) => {
                let noted = found.pointer("/metadata/annotations").and_then(|it| it.get(labels::DESIRED)).and_then(Value::as_str);
                noted == Some(wanted_digest.hex().as_str()) && digest::contains(found, wanted)
            }
        }
    }
}

/// The children of one server, as they were when it was asked.
pub type Snapshot = BTreeMap<ChildKey, Child>;

/// Longer than any answer to a write is under way.
const REMEMBERED: Duration = Duration::from_secs(180);

#[derive(Default)]
pub struct Children {
    by_instance: Mutex<HashMap<InstanceId, Snapshot>>,
    /// At which version a child went, and when: the answer to our write of an earlier one may still be on its way.
    gone: Mutex<HashMap<(InstanceId, ChildKey), (String, Instant)>>,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, HashMap<InstanceId, Snapshot>> {
        self.by_instance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn snapshot(&self, id: InstanceId) -> Snapshot {
        self.lock().get(&id).cloned().unwrap_or_default()
    }

    /// Takes in what the API server answered to a write, which now says what a wish of this digest asks for.
    pub fn written(&self, kind: ChildKind, object: &DynamicObject, wanted: Digest) {
        self.put(kind, object);
        let Some((id, key)) = identify(kind, object) else { return };
        if let Some(child) = self.lock().get_mut(&id).and_then(|it| it.get_mut(&key)) {
            child.written = Some(Instant::now());
            // What a watch sent meanwhile may be somebody else's change of it.
            if Some(&child.resource_version) == object.metadata.resource_version.as_ref() {
                child.state = Verified::Against(wanted);
            }
        }
    }

    /// Takes in what a watch sent. Returns whose child it is, if it is news.
    pub fn put(&self, kind: ChildKind, object: &DynamicObject) -> Option<InstanceId> {
        let (id, key) = identify(kind, object)?;
        let mut child = Child::new(kind, object)?;
        let mut all = self.lock();
        if self.went_at(id, &key).is_some_and(|at| !is_older(&at, &child.resource_version)) {
            return None;
        }
        let children = all.entry(id).or_default();
        if let Some(known) = children.get(&key) {
            if is_older(&child.resource_version, &known.resource_version) {
                return None;
            }
            if known.uid == child.uid && known.digest == child.digest {
                child.state = known.state.clone();
                if known.facts == child.facts && known.leaving == child.leaving {
                    children.insert(key, child);
                    return None;
                }
            }
        }
        children.insert(key, child);
        Some(id)
    }

    /// Notes that the child, as it was when it was compared, says what a wish of this digest asks for.
    pub fn verified(&self, id: InstanceId, key: &ChildKey, compared: &Child, wanted: Digest) {
        if let Some(child) = self.lock().get_mut(&id).and_then(|it| it.get_mut(key))
            && (&child.uid, child.digest) == (&compared.uid, compared.digest)
        {
            child.state = Verified::Against(wanted);
        }
    }

    pub fn remove(&self, kind: ChildKind, object: &DynamicObject) -> Option<InstanceId> {
        let (id, key) = identify(kind, object)?;
        let mut all = self.lock();
        let children = all.get_mut(&id)?;
        let version = object.metadata.resource_version.as_deref().unwrap_or_default();
        if children.get(&key).is_some_and(|known| is_older(version, &known.resource_version)) {
            return None;
        }
        children.remove(&key)?;
        self.note_gone(id, key, version);
        if children.is_empty() {
            all.remove(&id);
        }
        Some(id)
    }

    fn went_at(&self, id: InstanceId, key: &ChildKey) -> Option<String> {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.get(&(id, key.clone())).map(|(version, _)| version.clone())
    }

    fn note_gone(&self, id: InstanceId, key: ChildKey, version: &str) {
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|_, (_, at)| at.elapsed() < REMEMBERED);
        gone.insert((id, key), (version.to_owned(), Instant::now()));
    }

    /// After a complete list begun at `since`: what it did not name is gone, but for what the operator has written since.
    fn retain(&self, kind: ChildKind, listed: &HashSet<ChildKey>, since: Instant) -> Vec<InstanceId> {
        let mut touched = Vec::new();
        self.lock().retain(|id, children| {
            let before = children.len();
            children.retain(|key, child| key.kind != kind || listed.contains(key) || child.written.is_some_and(|at| at > since));
            if children.len() != before {
                touched.push(*id);
            }
            !children.is_empty()
        });
        touched
    }
}

fn identify(kind: ChildKind, object: &DynamicObject) -> Option<(InstanceId, ChildKey)> {
    let label = object.metadata.labels.as_ref()?.get(labels::INSTANCE)?;
    let id = InstanceId::from_str(label).ok()?;
    let key = ChildKey { kind, namespace: object.metadata.namespace.clone(), name: object.metadata.name.clone()? };
    Some((id, key))
}

/// Resource versions of one kind are decimal numbers of any length that grow.
#[must_use]
pub fn is_older(version: &str, than: &str) -> bool {
    (version.len(), version) < (than.len(), than)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";

    fn object(version: u64, replicas: u64, ready: u64) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "mi-a", "uid": "u", "resourceVersion": version.to_string(), "generation": 1,
                "labels": {labels::INSTANCE: ID}, "annotations": {labels::DESIRED: wanted(2).1.hex()}
            },
            "spec": {"replicas": replicas, "selector": {}, "template": {}}, "status": {"readyReplicas": ready}
        }))
        .unwrap()
    }

    fn wanted(replicas: u64) -> (Value, Digest) {
        let value = json!({"spec": {"replicas": replicas}});
        let digest = Digest::of(&value);
        (value, digest)
    }

    fn only(children: &Children) -> Child {
        children.snapshot(ID.parse().unwrap()).into_values().next().unwrap()
    }

    #[test]
    fn a_change_of_status_keeps_the_child_verified() {
        let children = Children::default();
        assert!(children.put(ChildKind::Deployment, &object(1, 2, 0)).is_some());
        let (value, digest) = wanted(2);
        assert!(only(&children).is_as(&value, digest));
        let key = children.snapshot(ID.parse().unwrap()).into_keys().next().unwrap();
        children.verified(ID.parse().unwrap(), &key, &only(&children), digest);
        assert!(children.put(ChildKind::Deployment, &object(2, 2, 1)).is_some());
        assert!(matches!(only(&children).state, Verified::Against(_)));
        assert!(children.put(ChildKind::Deployment, &object(3, 2, 1)).is_none(), "nothing new");
    }

    #[test]
    fn a_change_of_the_spec_is_drift() {
        let children = Children::default();
        children.put(ChildKind::Deployment, &object(1, 2, 0));
        children.put(ChildKind::Deployment, &object(2, 5, 0));
        let (value, digest) = wanted(2);
        assert!(!only(&children).is_as(&value, digest));
    }

    #[test]
    fn a_change_that_comes_while_the_child_is_compared_or_written_is_drift() {
        let children = Children::default();
        let (value, digest) = wanted(2);
        children.put(ChildKind::Deployment, &object(1, 2, 0));
        let compared = only(&children);
        children.put(ChildKind::Deployment, &object(2, 5, 0));
        let key = children.snapshot(ID.parse().unwrap()).into_keys().next().unwrap();
        children.verified(ID.parse().unwrap(), &key, &compared, digest);
        assert!(!only(&children).is_as(&value, digest), "compared was what it said before");

        children.put(ChildKind::Deployment, &object(4, 5, 0));
        children.written(ChildKind::Deployment, &object(3, 2, 0), digest);
        assert!(!only(&children).is_as(&value, digest), "written was what it said before");
    }

    #[test]
    fn an_event_older_than_our_own_write_is_dropped() {
        let children = Children::default();
        children.put(ChildKind::Deployment, &object(10, 2, 0));
        assert!(children.put(ChildKind::Deployment, &object(9, 5, 0)).is_none());
        assert!(children.remove(ChildKind::Deployment, &object(9, 5, 0)).is_none());
        assert_eq!(only(&children).resource_version, "10");
    }

    #[test]
    fn a_child_that_is_gone_does_not_come_back_by_the_late_answer_to_a_write() {
        let children = Children::default();
        children.put(ChildKind::Deployment, &object(1, 5, 0));
        assert!(children.remove(ChildKind::Deployment, &object(3, 2, 0)).is_some());
        children.written(ChildKind::Deployment, &object(2, 2, 0), wanted(2).1);
        assert!(children.snapshot(ID.parse().unwrap()).is_empty(), "version 2 went at version 3");
        children.written(ChildKind::Deployment, &object(4, 2, 0), wanted(2).1);
        assert_eq!(only(&children).resource_version, "4");
    }

    #[test]
    fn a_list_removes_what_it_does_not_name_but_for_what_was_written_since() {
        let children = Children::default();
        let begun = Instant::now();
        children.written(ChildKind::Deployment, &object(10, 2, 0), wanted(2).1);
        assert!(children.retain(ChildKind::Deployment, &HashSet::new(), begun).is_empty());
        assert_eq!(children.retain(ChildKind::Deployment, &HashSet::new(), Instant::now()).len(), 1);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_older("9", "10"));
        assert!(!is_older("10", "10"));
        assert!(!is_older("100", "99"));
    }
}
