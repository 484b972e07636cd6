//! A server that a bundle holds: which pass is wanted, whether it is loaded, and what it is loaded from. Pure.

use howdah_crd::{Bootstrap, ConditionType, ImportSpec, MastodonInstanceSpec, MastodonInstanceStatus, PowerState, Reason, secrets};

use super::conditions::{self, Verdict};
use super::dereference::Dereferenced;
use super::names;
use super::validate::Refusal;
use crate::cache::SecretSeen;
use crate::config::{BundlesConfig, OperatorConfig};
use crate::provider::ObjectStore;

pub struct Import<'a> {
    /// What the database is marked with once the wanted pass is loaded.
    pub mark: String,
    /// Rows and media of the wanted pass are there.
    pub is_loaded: bool,
    /// Where the bundle lies; `None`: the operator's configuration has no place for bundles.
    pub source: Option<Source<'a>>,
    /// `None`: its Secret is not there. It is asked for only until the last pass is loaded.
    pub key: Option<Key>,
    /// Name of the key's Secret in the inbox.
    pub key_from: &'a str,
}

/// Where a bundle lies, in the platform's bucket of bundles.
pub struct Source<'a> {
    pub bundles: &'a BundlesConfig,
    pub store: &'a ObjectStore,
    pub prefix: &'a str,
}

/// What opens the bundle's seal.
pub struct Key {
    /// The copy in the server's namespace.
    pub secret: String,
    /// There is something in it: the bundle is sealed.
    pub opens: bool,
}

impl<'a> Import<'a> {
    /// `None` for a new server.
    pub fn of(found: &'a Dereferenced, config: &'a OperatorConfig, status: &MastodonInstanceStatus) -> Result<Option<Self>, Refusal> {
        let spec = &found.cr.spec;
        let Bootstrap::Import(import) = &spec.bootstrap else { return Ok(None) };
        check(spec, import, status)?;
        let source = config.bundles.as_ref().zip(found.bundle_store.as_ref());
        Ok(Some(Self {
            mark: import.mark(),
            is_loaded: status.loaded.as_ref() == Some(&import.mark()),
            source: source.map(|(bundles, store)| Source { bundles, store, prefix: &import.prefix }),
            key: key(found),
            key_from: &import.key_secret_ref.name,
        }))
    }

    /// What keeps it from being loaded.
    #[must_use]
    pub fn lacks(&self) -> Verdict {
        match &self.source {
            None => Verdict::not(Reason::NotConfigured, "bundles"),
            Some(_) => Verdict::not(Reason::SecretNotFound, self.key_from),
        }
    }
}

/// The mark of the wanted pass; `None` for a new server.
#[must_use]
pub fn mark(spec: &MastodonInstanceSpec) -> Option<String> {
    match &spec.bootstrap {
        Bootstrap::Import(import) => Some(import.mark()),
        Bootstrap::New { .. } => None,
    }
}

/// What the wanted pass being loaded means: in a rehearsal it is good for looking at alone.
#[must_use]
pub fn loaded(spec: &MastodonInstanceSpec) -> Verdict {
    match spec.power_state {
        PowerState::Rehearsal => Verdict { reason: Reason::Rehearsed, ..Verdict::ready() },
        PowerState::Running | PowerState::ReadOnly | PowerState::Suspended | PowerState::SelfDestruct | PowerState::MovedOut => {
            Verdict::ready()
        }
    }
}

/// What was tried out in a rehearsal is never served, and what is served is never loaded over.
fn check(spec: &MastodonInstanceSpec, import: &ImportSpec, status: &MastodonInstanceStatus) -> Result<(), Refusal> {
    let is_wanted = status.loaded.as_ref() == Some(&import.mark());
    let was_rehearsed = conditions::reason(status, ConditionType::DataLoaded) == Some(Reason::Rehearsed);
    let is_rehearsal = spec.power_state == PowerState::Rehearsal;
    let refuse = |message| Err(Refusal { reason: Reason::Rehearsed, message });
    match &status.loaded {
        Some(_) if is_wanted && was_rehearsed && !is_rehearsal => {
            refuse(format!("pass {} was rehearsed: a greater one has to be loaded", import.pass))
        }
        Some(loaded) if !is_wanted && !was_rehearsed && status.version.is_some() => {
            refuse(format!("{loaded} is served: what is served is not loaded over"))
        }
        _ => Ok(()),
    }
}

/// The copy stands in for what the inbox has lost.
fn key(found: &Dereferenced) -> Option<Key> {
    let opens = |seen: &SecretSeen| seen.keys.contains(secrets::import::IDENTITY);
    match &found.bundle_key {
        Some(seen) => Some(Key { secret: names::bundle_key(seen.digest), opens: opens(seen) }),
        None => {
            let copy = found.secrets.iter().find(|(name, _)| names::is_bundle_key(name));
            copy.map(|(name, seen)| Key { secret: name.clone(), opens: opens(seen) })
        }
    }
}
