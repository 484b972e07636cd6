//! Who answers for a server that is suspended or read-only: a gate, `howdah notice`, in its namespace; and to whom its Services lead.
//!
//! There are two gates, each a Deployment of its own: one says 503 to everybody, the other stands before web. So which of them is there says
//! what its pods do, also while one takes the other's place.
//!
//! A Service is turned once whom it is to lead to is ready, so that somebody answers at every moment: what is built depends on what is there.
//! Until it is turned, what ran goes on running, and whom it leads to stays; but not for long, because a gate that can't start is no reason to
//! go on with what is to stop.

use std::time::Duration;

use howdah_crd::labels::process;
use howdah_crd::{ConditionType, PowerState};
use jiff::SignedDuration;
use serde_json::json;

use super::pod::{self, PodWish};
use super::{Desired, bundle, quota, streaming, web};
use crate::cache::{Child, ChildKey, ChildKind, Facts};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;

pub const PORT: u16 = 8080;
/// The Service by which the gate of a read-only server finds web, while web's own leads to the gate.
const ORIGIN: &str = "origin";
/// How long what is to stop waits for a gate that is not ready.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// A stopped gate answers those who don't know that yet, and then ends what is under way.
const GRACE_SECONDS: i64 = 40;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    Suspended,
    ReadOnly,
}

impl Gate {
    pub const ALL: [Self; 2] = [Self::Suspended, Self::ReadOnly];

    pub const fn process(self) -> &'static str {
        match self {
            Self::Suspended => process::GATE,
            Self::ReadOnly => process::READ_ONLY_GATE,
        }
    }
}

/// Who answers now.
pub struct Front {
    /// Deployments, and the Service of what one stands before. Before the Services that lead to them.
    pub gate: Vec<Desired>,
    /// Before the workloads: what is stopped is led to no more.
    pub services: Vec<Desired>,
    /// Of a server that is to stop: web and streaming may.
    pub may_stop: bool,
    /// When they may without the gate.
    pub retry_in: Option<Duration>,
}

/// Nobody, for nobody.
pub fn none() -> Front {
    Front { gate: vec![], services: vec![], may_stop: true, retry_in: None }
}

pub fn front(valid: &Valid<'_>) -> Front {
    let wanted = wanted(valid);
    let lead = |name: &'static str, gate: Option<Gate>| (name, leads_to(valid, name, gate.map_or(name, Gate::process)));
    let mut led = vec![lead(process::WEB, wanted)];
    if valid.rehearsal.is_none() {
        // A read-only server's streaming tells what happens, and takes nothing.
        led.push(lead(process::STREAMING, wanted.filter(|it| *it == Gate::Suspended)));
    }
    let stays = |gate: &Gate| wanted == Some(*gate) || led.iter().any(|(_, process)| *process == gate.process());
    let mut objects = Vec::new();
    if let Some(image) = valid.notice_image {
        objects.extend(Gate::ALL.into_iter().filter(stays).map(|gate| deployment(valid, image, gate)));
    }
    if is_proxy(valid) {
        objects.push(web::service(valid, (ORIGIN, web::PORT), (process::WEB, web::PORT)));
    }
    let waits = wanted == Some(Gate::Suspended) && led.iter().any(|(_, process)| *process != process::GATE);
    let rest = if waits { rest_of_patience(valid) } else { None };
    let services = led.iter().map(|(name, process)| service(valid, name, process)).collect();
    Front { gate: objects, services, may_stop: rest.is_none(), retry_in: rest }
}

/// `None` where no gate is wanted, or where the operator's configuration names none: the ingress then says 503 by itself.
fn wanted(valid: &Valid<'_>) -> Option<Gate> {
    valid.notice_image?;
    match valid.spec.power_state {
        PowerState::Suspended => Some(Gate::Suspended),
        PowerState::ReadOnly => Some(Gate::ReadOnly),
        PowerState::Running | PowerState::Rehearsal | PowerState::SelfDestruct | PowerState::MovedOut => None,
    }
}

/// It is wanted, or was and is still there, to its last pod.
pub fn is_there(valid: &Valid<'_>, gate: Gate) -> bool {
    wanted(valid) == Some(gate) || workload(valid, gate.process()).is_some()
}

/// Requests are passed on to web, or were, and who came then is still answered.
pub fn is_proxy(valid: &Valid<'_>) -> bool {
    is_there(valid, Gate::ReadOnly)
}

fn seen<'a>(valid: &'a Valid<'_>, kind: ChildKind, name: &str) -> Option<&'a Child> {
    valid.children.get(&ChildKey { kind, namespace: Some(valid.namespace.clone()), name: name.to_owned() })
}

fn workload<'a>(valid: &'a Valid<'_>, name: &str) -> Option<&'a Child> {
    seen(valid, ChildKind::Deployment, name)
}

/// Somebody who is led to this process is answered, and will be.
fn is_ready(valid: &Valid<'_>, process: &str) -> bool {
    workload(valid, process).is_some_and(|it| match &it.facts {
        Facts::Workload(facts) => !it.leaving && facts.observed && facts.ready > 0,
        _ => false,
    })
}

/// Where the Service of this name leads from now on: on to `wanted` once that is ready, or where nobody is led anywhere yet.
fn leads_to(valid: &Valid<'_>, name: &'static str, wanted: &'static str) -> &'static str {
    let before = seen(valid, ChildKind::Service, name).and_then(|it| match &it.facts {
        Facts::Service(process) => [name, process::GATE, process::READ_ONLY_GATE].into_iter().find(|it| it == process),
        _ => None,
    });
    match before {
        Some(before) if before != wanted && !is_ready(valid, wanted) && may_stay(valid, name, before) => before,
        _ => wanted,
    }
}

/// A gate that goes, or can't be made, is nobody to be led to.
fn may_stay(valid: &Valid<'_>, name: &str, process: &str) -> bool {
    process == name || (valid.notice_image.is_some() && workload(valid, process).is_some_and(|it| !it.leaving))
}

/// Of a server that is asked to stop: `None` where it is over, or nothing runs that could wait.
fn rest_of_patience(valid: &Valid<'_>) -> Option<Duration> {
    let runs = |it: &Child| matches!(&it.facts, Facts::Workload(facts) if facts.wanted > 0);
    if !workload(valid, process::WEB).is_some_and(runs) {
        return None;
    }
    let conditions = valid.cr.status.iter().flat_map(|it| &it.conditions);
    let asked = conditions.filter(|it| it.status == "False").find(|it| it.type_ == ConditionType::Stopped.as_str());
    let end = asked.map_or(valid.now, |it| it.last_transition_time.0) + PATIENCE;
    (end > valid.now).then(|| end.duration_since(valid.now).unsigned_abs())
}

fn deployment(valid: &Valid<'_>, image: &str, gate: Gate) -> Desired {
    let process = gate.process();
    let mut arguments = vec!["notice".to_owned(), "--listen".to_owned(), format!("0.0.0.0:{PORT}")];
    if gate == Gate::ReadOnly {
        arguments.extend(["--origin".to_owned(), format!("{ORIGIN}:{}", web::PORT)]);
    }
    let probe = |period: u32, failures: u32| json!({"tcpSocket": {"port": PORT}, "periodSeconds": period, "failureThreshold": failures});
    let container = json!({
        "name": process,
        "image": image,
        "args": arguments,
        "ports": [{"name": "http", "containerPort": PORT}],
        // By HTTP every path is answered with 503.
        "startupProbe": probe(1, 60),
        "readinessProbe": probe(5, 3),
        "livenessProbe": probe(20, 6),
        "resources": pod::resources(&quota::GATE.resources()),
    });
    let account = names::GATE_ACCOUNT;
    let wish = PodWish { process, account, user: bundle::USER, grace_seconds: GRACE_SECONDS, volumes: json!([]), container };
    let mut template = pod::template(valid, wish);
    // It knows no Secret.
    template["metadata"]["annotations"] = json!({});
    web::rolling(valid, process, 1, template)
}

/// What an Ingress names: `name` is the process that it is for.
fn service(valid: &Valid<'_>, name: &str, process: &str) -> Desired {
    let port = if name == process::STREAMING { streaming::PORT } else { web::PORT };
    let target = if process == name { port } else { PORT };
    web::service(valid, (name, port), (process, target))
}
