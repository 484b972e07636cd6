//! Which resources claim which id, domain and hosts. Two that claim the same can't both be served: the older one keeps it. The media
//! gateway comes to the same by itself (`howdah_gateway`, hosts).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use howdah_crd::{MastodonInstance, Reason};
use howdah_domain::InstanceId;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;

use super::dereference::Rivalry;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    id: String,
    hosts: BTreeSet<String>,
    age: (Option<Time>, String),
}

impl Claim {
    fn of(cr: &MastodonInstance) -> Option<Self> {
        cr.metadata.creation_timestamp.as_ref()?;
        Some(Self { id: cr.spec.id.clone(), hosts: cr.spec.hosts(), age: cr.seniority() })
    }
}

#[derive(Default)]
struct Claims {
    by_name: HashMap<String, Claim>,
    by_id: HashMap<String, BTreeSet<String>>,
    by_host: HashMap<String, BTreeSet<String>>,
    /// Names that a list under way has given.
    listed: Option<BTreeSet<String>>,
}

#[derive(Default)]
pub struct Registry {
    claims: Mutex<Claims>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an event; returns the resources that it may matter to: the one itself, and whoever it stood against.
    pub fn take(&self, event: &watcher::Event<MastodonInstance>) -> Vec<ObjectRef<MastodonInstance>> {
        let mut claims = self.lock();
        let touched = match event {
            watcher::Event::Init => {
                claims.listed = Some(BTreeSet::new());
                BTreeSet::new()
            }
            watcher::Event::InitApply(cr) | watcher::Event::Apply(cr) => claims.put(cr),
            watcher::Event::Delete(cr) => {
                let name = cr.metadata.name.clone().unwrap_or_default();
                let mut touched = claims.remove(&name);
                touched.remove(&name);
                touched
            }
            watcher::Event::InitDone => {
                let listed = claims.listed.take().unwrap_or_default();
                let gone: Vec<String> = claims.by_name.keys().filter(|it| !listed.contains(*it)).cloned().collect();
                gone.iter().flat_map(|name| claims.remove(name)).filter(|it| !gone.contains(it)).collect()
            }
        };
        touched.into_iter().map(|name| ObjectRef::new(&name)).collect()
    }

    /// The resources of this id: one, unless two claim it.
    #[must_use]
    pub fn of(&self, id: InstanceId) -> Vec<ObjectRef<MastodonInstance>> {
        let claims = self.lock();
        claims.by_id.get(&id.to_string()).into_iter().flatten().map(|name| ObjectRef::new(name)).collect()
    }

    #[must_use]
    pub fn all(&self) -> Vec<ObjectRef<MastodonInstance>> {
        self.lock().by_name.keys().map(|name| ObjectRef::new(name)).collect()
    }

    /// An older resource with the same id, or with one of the same hosts.
    #[must_use]
    pub fn rivalry(&self, cr: &MastodonInstance) -> Option<Rivalry> {
        let claim = Claim::of(cr)?;
        let claims = self.lock();
        let older = |names: Option<&BTreeSet<String>>| {
            let others = names.into_iter().flatten().filter_map(|name| claims.by_name.get(name));
            others.filter(|other| other.age < claim.age).map(|other| other.age.1.clone()).next()
        };
        if let Some(other) = older(claims.by_id.get(&claim.id)) {
            return Some(Rivalry { reason: Reason::IdConflict, other });
        }
        let other = claim.hosts.iter().find_map(|host| older(claims.by_host.get(host)))?;
        Some(Rivalry { reason: Reason::DomainConflict, other })
    }

    /// Does another resource, older or younger, claim this id?
    #[must_use]
    pub fn is_shared(&self, cr: &MastodonInstance) -> bool {
        self.lock().by_id.get(&cr.spec.id).is_some_and(|names| names.len() > 1)
    }
}

impl Claims {
    fn put(&mut self, cr: &MastodonInstance) -> BTreeSet<String> {
        let Some(claim) = Claim::of(cr) else { return BTreeSet::new() };
        let name = claim.age.1.clone();
        if let Some(listed) = &mut self.listed {
            listed.insert(name.clone());
        }
        let mut touched = BTreeSet::from([name.clone()]);
        if self.by_name.get(&name) != Some(&claim) {
            touched.extend(self.remove(&name));
            self.by_id.entry(claim.id.clone()).or_default().insert(name.clone());
            for host in &claim.hosts {
                self.by_host.entry(host.clone()).or_default().insert(name.clone());
            }
            self.by_name.insert(name, claim);
        }
        touched
    }

    /// Also returns who had the same id or a host of it.
    fn remove(&mut self, name: &str) -> BTreeSet<String> {
        let Some(claim) = self.by_name.remove(name) else { return BTreeSet::new() };
        let mut touched = BTreeSet::new();
        touched.extend(withdraw(&mut self.by_id, &claim.id, name));
        for host in &claim.hosts {
            touched.extend(withdraw(&mut self.by_host, host, name));
        }
        touched
    }
}

/// Takes `name` off `key`, and returns who is left there.
fn withdraw(index: &mut HashMap<String, BTreeSet<String>>, key: &str, name: &str) -> BTreeSet<String> {
    let Some(names) = index.get_mut(key) else { return BTreeSet::new() };
    names.remove(name);
    let left = names.clone();
    if left.is_empty() {
        index.remove(key);
    }
    left
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
