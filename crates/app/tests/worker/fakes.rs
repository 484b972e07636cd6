//! A cluster with an operator in it, the outside world and a relay, in memory and as unreliable as a test wants them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use howdah_app::ports::cluster::{Cluster, ClusterError, InboxSecret, PullJob, PullRun};
use howdah_app::ports::mailer::{Envelope, MailError, Mailer};
use howdah_app::ports::outside::{Addresses, Answer, NameRecords, Outside, OutsideError};
use howdah_app::ports::relay::{Relay, RelayError};
use howdah_app::sealed::Variables;
use howdah_crd::{Bootstrap, ConditionType, MastodonExport, MastodonInstance, MastodonInstanceStatus, PowerState, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// When a call fails: before it has an effect, or after it, as when the answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    Before(usize),
    After(usize),
}

#[derive(Default)]
struct State {
    resources: BTreeMap<String, MastodonInstance>,
    secrets: BTreeMap<String, BTreeMap<String, String>>,
    /// By namespace and name.
    exports: BTreeMap<(String, String), MastodonExport>,
    /// Jobs that pull bundles: their environment, and how far they are.
    pulls: BTreeMap<String, (BTreeMap<String, String>, PullRun)>,
    version: u64,
    /// Ids whose data the operator destroyed.
    destroyed: Vec<String>,
    /// Every identity that was ever written, by Secret.
    identities: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    writes: usize,
}

/// Status, where it redirects to, and the body.
pub type Site = (u16, Option<String>, String);

#[derive(Default)]
pub struct FakeCluster {
    state: Mutex<State>,
    calls: AtomicUsize,
    /// Numbers of the calls that were writes.
    written: Mutex<Vec<usize>>,
    breaks: Mutex<Option<Break>>,
    pub away: Mutex<bool>,
    pub refusal: Mutex<Option<String>>,
    /// Of every server: its account is deleted.
    pub owner_is_gone: Mutex<bool>,
}

type Answered<'a, T> = BoxFuture<'a, Result<T, ClusterError>>;

impl FakeCluster {
    pub fn break_at(&self, at: Option<Break>) {
        self.calls.store(0, Ordering::SeqCst);
        self.written.lock().unwrap().clear();
        *self.breaks.lock().unwrap() = at;
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub fn written(&self) -> Vec<usize> {
        self.written.lock().unwrap().clone()
    }

    pub fn writes(&self) -> usize {
        self.state.lock().unwrap().writes
    }

    pub fn resource(&self, name: &str) -> Option<MastodonInstance> {
        self.state.lock().unwrap().resources.get(name).cloned()
    }

    pub fn resources(&self) -> Vec<MastodonInstance> {
        self.state.lock().unwrap().resources.values().cloned().collect()
    }

    pub fn secrets(&self) -> Vec<String> {
        self.state.lock().unwrap().secrets.keys().cloned().collect()
    }

    pub fn secret(&self, name: &str) -> Option<BTreeMap<String, String>> {
        self.state.lock().unwrap().secrets.get(name).cloned()
    }

    pub fn exports(&self) -> Vec<MastodonExport> {
        self.state.lock().unwrap().exports.values().cloned().collect()
    }

    /// The environment of each Job that pulls.
    pub fn pulls(&self) -> Vec<BTreeMap<String, String>> {
        self.state.lock().unwrap().pulls.values().map(|(variables, _)| variables.clone()).collect()
    }

    /// All of them come to that end.
    pub fn end_pulls(&self, end: PullRun) {
        self.state.lock().unwrap().pulls.values_mut().for_each(|(_, run)| *run = end);
    }

    /// Somebody's `kubectl delete jobs`.
    pub fn lose_pulls(&self) {
        self.state.lock().unwrap().pulls.clear();
    }

    /// Of the Secrets about a server's owner, the one that is there.
    pub fn owner_secret(&self, resource: &str) -> Option<BTreeMap<String, String>> {
        let state = self.state.lock().unwrap();
        let of_owner = |name: &str| name.starts_with(resource) && name.ends_with("-owner");
        let mut found = state.secrets.iter().filter(|(name, _)| of_owner(name));
        let first = found.next().map(|(_, it)| it.clone());
        assert_eq!(found.next().map(|(name, _)| name), None, "one is enough");
        first
    }

    pub fn destroyed(&self) -> Vec<String> {
        self.state.lock().unwrap().destroyed.clone()
    }

    /// How many different identities a Secret ever had.
    pub fn identities(&self, secret: &str) -> usize {
        self.state.lock().unwrap().identities.get(secret).map_or(0, Vec::len)
    }

    /// Somebody's `kubectl`.
    pub fn edit(&self, name: &str, change: impl FnOnce(&mut MastodonInstance)) {
        let mut state = self.state.lock().unwrap();
        state.version += 1;
        let version = state.version.to_string();
        if let Some(resource) = state.resources.get_mut(name) {
            change(resource);
            resource.metadata.resource_version = Some(version);
        }
    }

    pub fn put(&self, resource: MastodonInstance) {
        let name = resource.metadata.name.clone().unwrap();
        self.state.lock().unwrap().resources.insert(name, resource);
    }

    /// Somebody's `kubectl delete`, or ours carried out: data goes only where the teardown was confirmed.
    pub fn finish_deletion(&self, name: &str) {
        let mut state = self.state.lock().unwrap();
        if let Some(resource) = state.resources.remove(name)
            && is_met(&resource, ConditionType::TeardownConfirmed)
        {
            state.destroyed.push(resource.spec.id);
        }
    }

    /// One pass of the operator: everything that the specs ask for is there at once, and what is deleted goes.
    pub fn operate(&self, now: DateTime<Utc>) {
        let leaving: Vec<String> = {
            let owner_is_gone = *self.owner_is_gone.lock().unwrap();
            let mut state = self.state.lock().unwrap();
            for resource in state.resources.values_mut() {
                report(resource, owner_is_gone, now);
            }
            let leaving = state.resources.iter().filter(|(_, it)| it.metadata.deletion_timestamp.is_some());
            leaving.map(|(name, _)| name.clone()).collect()
        };
        for name in leaving {
            self.finish_deletion(&name);
        }
    }

    fn call<T: Send + 'static>(&self, work: impl FnOnce(&mut State) -> Result<T, ClusterError>) -> Answered<'static, T> {
        let unavailable = || Err(ClusterError::Unavailable("connection reset".to_owned()));
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let breaks = *self.breaks.lock().unwrap();
        if *self.away.lock().unwrap() || breaks == Some(Break::Before(number)) {
            return ready(unavailable()).boxed();
        }
        let mut state = self.state.lock().unwrap();
        let writes = state.writes;
        let answer = work(&mut state);
        if state.writes > writes {
            self.written.lock().unwrap().push(number);
        }
        drop(state);
        if breaks == Some(Break::After(number)) {
            return ready(unavailable()).boxed();
        }
        ready(answer).boxed()
    }
}

pub fn is_met(resource: &MastodonInstance, condition: ConditionType) -> bool {
    let conditions = resource.status.iter().flat_map(|it| &it.conditions);
    conditions.into_iter().any(|it| it.type_ == condition.as_str() && it.status == "True")
}

pub fn condition(type_: ConditionType, is_met: bool, reason: Reason) -> Condition {
    Condition {
        type_: type_.as_str().to_owned(),
        status: if is_met { "True" } else { "False" }.to_owned(),
        reason: reason.as_str().to_owned(),
        message: "said so".to_owned(),
        last_transition_time: Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH),
        observed_generation: None,
    }
}

fn report(resource: &mut MastodonInstance, owner_is_gone: bool, now: DateTime<Utc>) {
    let spec = &resource.spec;
    let mut conditions: Vec<Condition> = ConditionType::LAUNCH.iter().map(|it| condition(*it, true, Reason::Ready)).collect();
    if spec.routing.enabled {
        conditions.push(condition(ConditionType::RouteReady, true, Reason::Ready));
        conditions.push(condition(ConditionType::Ready, true, Reason::Ready));
    }
    if spec.power_state == PowerState::SelfDestruct {
        let is_allowed = spec.farewell_allowed_until.as_ref().is_some_and(|it| it.0.as_second() > now.timestamp());
        let reason = if is_allowed { Reason::Ready } else { Reason::Paused };
        conditions.push(condition(ConditionType::FarewellComplete, is_allowed, reason));
    }
    if spec.power_state == PowerState::Suspended {
        conditions.push(condition(ConditionType::Stopped, true, Reason::Ready));
    }
    let link = spec.owner_link.as_ref().map(|it| it.issued.clone());
    if link.is_some() {
        let reason = if owner_is_gone { Reason::AccountNotFound } else { Reason::Ready };
        conditions.push(condition(ConditionType::OwnerLinkReady, !owner_is_gone, reason));
    }
    let before = resource.status.take().and_then(|it| it.owner_link_issued);
    if spec.teardown.is_some() {
        conditions.push(condition(ConditionType::TeardownConfirmed, true, Reason::Ready));
    }
    resource.status = Some(MastodonInstanceStatus {
        observed_revision: Some(spec.revision),
        version: Some(spec.version.clone()),
        schema_version: Some(spec.version.clone()),
        owner_link_issued: link.filter(|_| !owner_is_gone).or(before),
        loaded: match &spec.bootstrap {
            Bootstrap::New { .. } => None,
            Bootstrap::Import(import) => Some(import.mark()),
        },
        conditions,
        ..MastodonInstanceStatus::default()
    });
}

impl Cluster for FakeCluster {
    fn get<'a>(&'a self, name: &'a str) -> Answered<'a, Option<MastodonInstance>> {
        self.call(|state| Ok(state.resources.get(name).cloned()))
    }

    fn list(&self) -> Answered<'_, Vec<MastodonInstance>> {
        self.call(|state| Ok(state.resources.values().cloned().collect()))
    }

    fn apply<'a>(&'a self, instance: &'a MastodonInstance) -> Answered<'a, ()> {
        let refusal = self.refusal.lock().unwrap().clone();
        self.call(|state| {
            if let Some(message) = refusal {
                let what = "MastodonInstance".to_owned();
                return Err(ClusterError::Refused { what, message });
            }
            state.version += 1;
            state.writes += 1;
            let name = instance.metadata.name.clone().unwrap();
            let old = state.resources.remove(&name);
            let mut new = instance.clone();
            new.metadata.uid =
                Some(old.as_ref().and_then(|it| it.metadata.uid.clone()).unwrap_or_else(|| format!("uid-{}", state.version)));
            new.metadata.resource_version = Some(state.version.to_string());
            new.metadata.deletion_timestamp = old.as_ref().and_then(|it| it.metadata.deletion_timestamp.clone());
            new.status = old.and_then(|it| it.status);
            state.resources.insert(name, new);
            Ok(())
        })
    }

    fn delete<'a>(&'a self, name: &'a str, uid: &'a str, resource_version: &'a str) -> Answered<'a, ()> {
        self.call(|state| {
            let Some(found) = state.resources.get_mut(name) else { return Ok(()) };
            let metadata = &mut found.metadata;
            if metadata.uid.as_deref() != Some(uid) || metadata.resource_version.as_deref() != Some(resource_version) {
                return Err(ClusterError::Conflict { what: name.to_owned() });
            }
            state.writes += 1;
            metadata.deletion_timestamp = Some(Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH));
            Ok(())
        })
    }

    fn put_export<'a>(&'a self, export: &'a MastodonExport) -> Answered<'a, ()> {
        let refusal = self.refusal.lock().unwrap().clone();
        self.call(|state| {
            if let Some(message) = refusal {
                return Err(ClusterError::Refused { what: "MastodonExport".to_owned(), message });
            }
            let key = (export.metadata.namespace.clone().unwrap(), export.metadata.name.clone().unwrap());
            if !state.exports.contains_key(&key) {
                state.writes += 1;
                state.exports.insert(key, export.clone());
            }
            Ok(())
        })
    }

    fn delete_export<'a>(&'a self, namespace: &'a str, name: &'a str) -> Answered<'a, ()> {
        self.call(|state| {
            if state.exports.remove(&(namespace.to_owned(), name.to_owned())).is_some() {
                state.writes += 1;
            }
            Ok(())
        })
    }

    fn put_pull<'a>(&'a self, pull: &'a PullJob) -> Answered<'a, ()> {
        let refusal = self.refusal.lock().unwrap().clone();
        self.call(|state| {
            if let Some(message) = refusal {
                return Err(ClusterError::Refused { what: "Job".to_owned(), message });
            }
            if !state.pulls.contains_key(&pull.name) {
                state.writes += 1;
                state.pulls.insert(pull.name.clone(), (pull.variables.clone(), PullRun::Running));
            }
            Ok(())
        })
    }

    fn pull<'a>(&'a self, name: &'a str) -> Answered<'a, Option<PullRun>> {
        self.call(|state| Ok(state.pulls.get(name).map(|(_, run)| *run)))
    }

    fn delete_pull<'a>(&'a self, name: &'a str) -> Answered<'a, ()> {
        self.call(|state| {
            if state.pulls.remove(name).is_some() {
                state.writes += 1;
            }
            Ok(())
        })
    }

    fn put_secret<'a>(&'a self, secret: &'a InboxSecret) -> Answered<'a, ()> {
        self.call(|state| {
            if state.secrets.get(&secret.name) == Some(&secret.variables) {
                return Ok(());
            }
            state.writes += 1;
            if secret.immutable {
                let known = state.identities.entry(secret.name.clone()).or_default();
                if !known.contains(&secret.variables) {
                    known.push(secret.variables.clone());
                }
            }
            state.secrets.insert(secret.name.clone(), secret.variables.clone());
            Ok(())
        })
    }

    fn delete_secret<'a>(&'a self, name: &'a str) -> Answered<'a, ()> {
        self.call(|state| {
            if state.secrets.remove(name).is_some() {
                state.writes += 1;
            }
            Ok(())
        })
    }
}

/// The outside world: what DNS says, and what answers behind it.
pub struct FakeOutside {
    pub txt: Mutex<BTreeMap<String, Vec<String>>>,
    pub addresses: Mutex<BTreeMap<String, Vec<IpAddr>>>,
    pub cname: Mutex<BTreeMap<String, String>>,
    /// Whom a name's CAA records let issue certificates.
    pub caa: Mutex<BTreeMap<String, Vec<String>>>,
    /// What sites that are not ours answer, by their address: host and path, then status, location and body.
    pub sites: Mutex<BTreeMap<String, Site>>,
    /// Whether our ingress has the server.
    pub answers: Mutex<bool>,
    /// Addresses that pass on to our ingress, and that itself.
    pub fronts: Mutex<Vec<IpAddr>>,
    /// Addresses at which a copy of every server answers, with all its data.
    pub copies: Mutex<Vec<IpAddr>>,
    cluster: Arc<FakeCluster>,
}

impl FakeOutside {
    pub fn new(cluster: &Arc<FakeCluster>, ingress: &str) -> Self {
        Self {
            txt: Mutex::default(),
            addresses: Mutex::default(),
            cname: Mutex::default(),
            caa: Mutex::default(),
            sites: Mutex::default(),
            answers: Mutex::default(),
            fronts: Mutex::new(vec![ingress.parse().unwrap()]),
            copies: Mutex::default(),
            cluster: cluster.clone(),
        }
    }

    pub fn lead(&self, name: &str, to: &str) {
        self.addresses.lock().unwrap().insert(name.to_owned(), vec![to.parse().unwrap()]);
    }

    fn answer(&self, address: IpAddr, host: &str, path: &str) -> Result<Answer, OutsideError> {
        let site = format!("{host}{}", path.split('?').next().unwrap_or_default());
        if let Some((status, location, body)) = self.sites.lock().unwrap().get(&site) {
            return Ok(Answer { status: *status, location: location.clone(), is_cached: false, body: body.clone().into_bytes() });
        }
        let is_copy = self.copies.lock().unwrap().contains(&address);
        let is_front = self.fronts.lock().unwrap().contains(&address);
        if !is_copy && !is_front {
            return Err(OutsideError("connection refused".to_owned()));
        }
        let resources = self.cluster.resources();
        let server = resources.iter().find(|it| it.spec.web_domain() == host).filter(|_| *self.answers.lock().unwrap());
        if is_front && server.is_some_and(|it| it.spec.power_state == PowerState::Suspended) {
            return Ok(Answer { status: 503, location: None, is_cached: false, body: Vec::new() });
        }
        let body = match (path.split('?').next().unwrap_or_default(), server) {
            ("/.well-known/nodeinfo", Some(_)) => Some(format!(r#"{{"links":[{{"rel":"x","href":"https://{host}/nodeinfo/2.0"}}]}}"#)),
            (howdah_crd::MARK_PATH, Some(server)) if !is_copy => server.metadata.name.clone(),
            _ => None,
        };
        let status = if body.is_some() { 200 } else { 404 };
        Ok(Answer { status, location: None, is_cached: false, body: body.unwrap_or_default().into_bytes() })
    }
}

impl Outside for FakeOutside {
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, OutsideError>> {
        ready(Ok(self.txt.lock().unwrap().get(name).cloned().unwrap_or_default())).boxed()
    }

    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Addresses, OutsideError>> {
        let addresses = self.addresses.lock().unwrap().get(name).cloned().unwrap_or_default();
        ready(Ok(Addresses { cname: vec![], addresses })).boxed()
    }

    fn records<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<NameRecords, OutsideError>> {
        let found = self.addresses.lock().unwrap().get(name).cloned().unwrap_or_default();
        let cname: Vec<String> = self.cname.lock().unwrap().get(name).cloned().into_iter().collect();
        let mut records = NameRecords { exists: !(found.is_empty() && cname.is_empty()), cname, ..NameRecords::default() };
        for address in found {
            match address {
                IpAddr::V4(it) => records.v4.push(it),
                IpAddr::V6(it) => records.v6.push(it),
            }
        }
        ready(Ok(records)).boxed()
    }

    fn caa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<String>>, OutsideError>> {
        ready(Ok(self.caa.lock().unwrap().get(name).cloned())).boxed()
    }

    fn get<'a>(&'a self, address: IpAddr, host: &'a str, path: &'a str) -> BoxFuture<'a, Result<Answer, OutsideError>> {
        ready(self.answer(address, host, path)).boxed()
    }
}

#[derive(Default)]
pub struct FakeMailer {
    pub sent: Mutex<Vec<Envelope>>,
    pub refuses: Mutex<bool>,
}

impl Mailer for FakeMailer {
    fn send<'a>(&'a self, mail: &'a Envelope) -> BoxFuture<'a, Result<(), MailError>> {
        if *self.refuses.lock().unwrap() {
            return ready(Err(MailError("550 go away".to_owned()))).boxed();
        }
        self.sent.lock().unwrap().push(mail.clone());
        ready(Ok(())).boxed()
    }
}

/// A relay that takes every login, until it is told to refuse.
#[derive(Default)]
pub struct FakeRelay {
    pub refuses: Mutex<bool>,
}

impl Relay for FakeRelay {
    fn try_login<'a>(&'a self, _: &'a Variables) -> BoxFuture<'a, Result<(), RelayError>> {
        let refuses = *self.refuses.lock().unwrap();
        ready(if refuses { Err(RelayError::Refused("535 who are you".to_owned())) } else { Ok(()) }).boxed()
    }
}
