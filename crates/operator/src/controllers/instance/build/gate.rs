//! Who answers for a server that is suspended or read-only: the gate, `howdah notice`, in its namespace; and to whom its Services lead.
//!
//! A Service is turned to the gate once that is ready, and back once a process is, so that somebody answers at every moment: what is built
//! depends on what is there. Until it is turned, what ran goes on running; but not for long, because a gate that can't start is no reason to
//! go on with what is to stop.

use std::time::Duration;

use howdah_crd::PowerState;
use howdah_crd::labels::process;
use jiff::SignedDuration;
use serde_json::json;

use super::pod::{self, PodWish};
use super::{Desired, bundle, quota, streaming, web};
use crate::cache::{Child, ChildKey, ChildKind, Facts, WorkloadFacts};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;

pub const PORT: u16 = 8080;
/// The Service by which the gate finds web, while web's own leads to the gate.
const ORIGIN: &str = "origin";
/// How long what is to stop waits for a gate that is not ready.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// A stopped gate answers those who don't know that yet, and then ends what is under way.
const GRACE_SECONDS: i64 = 40;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Suspended,
    ReadOnly,
}

/// Who answers now.
pub struct Front {
    /// Its Deployment, and the Service of what it stands before. Before the Services that lead to it.
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
    let mode = mode(valid);
    let gate = valid.notice_image.map(|image| deployment(valid, image, mode.unwrap_or(Mode::Suspended)));
    let is_ready = gate.as_ref().is_some_and(|it| is_as_wanted(valid, it));
    let leads_to_gate = |name: &str, is_gates: bool| gate.is_some() && leads_to_gate(valid, name, is_gates, is_ready);
    let web_is_gates = leads_to_gate(process::WEB, mode.is_some());
    let mut services = vec![service(valid, process::WEB, web::PORT, web_is_gates)];
    let mut streaming_is_gates = false;
    if valid.rehearsal.is_none() {
        streaming_is_gates = leads_to_gate(process::STREAMING, mode == Some(Mode::Suspended));
        services.push(service(valid, process::STREAMING, streaming::PORT, streaming_is_gates));
    }
    let mut objects = Vec::new();
    if mode.is_some() || web_is_gates || streaming_is_gates {
        objects.extend(gate);
    }
    if is_proxy(valid) {
        objects.push(web::service(valid, (ORIGIN, web::PORT), (process::WEB, web::PORT)));
    }
    let rest = if is_ready || objects.is_empty() { None } else { rest_of_patience(valid) };
    Front { gate: objects, services, may_stop: rest.is_none(), retry_in: rest.filter(|_| valid.is_suspended()) }
}

/// `None` where no gate is wanted, or where the operator's configuration names none: the ingress then says 503 by itself.
fn mode(valid: &Valid<'_>) -> Option<Mode> {
    valid.notice_image?;
    match valid.spec.power_state {
        PowerState::Suspended => Some(Mode::Suspended),
        PowerState::ReadOnly => Some(Mode::ReadOnly),
        PowerState::Running | PowerState::Rehearsal | PowerState::SelfDestruct | PowerState::MovedOut => None,
    }
}

/// It is wanted, or was and is still there.
pub fn is_there(valid: &Valid<'_>) -> bool {
    mode(valid).is_some() || seen(valid, ChildKind::Deployment, process::GATE).is_some()
}

/// It passes requests on to web; or did, and who came to it then is still answered.
pub fn is_proxy(valid: &Valid<'_>) -> bool {
    mode(valid) == Some(Mode::ReadOnly) || (is_there(valid) && seen(valid, ChildKind::Service, ORIGIN).is_some())
}

fn seen<'a>(valid: &'a Valid<'_>, kind: ChildKind, name: &str) -> Option<&'a Child> {
    valid.children.get(&ChildKey { kind, namespace: Some(valid.namespace.clone()), name: name.to_owned() })
}

fn workload<'a>(valid: &'a Valid<'_>, name: &str) -> Option<&'a WorkloadFacts> {
    match &seen(valid, ChildKind::Deployment, name)?.facts {
        Facts::Workload(facts) => Some(facts),
        _ => None,
    }
}

/// Its pods are those of this very state, and ready.
fn is_as_wanted(valid: &Valid<'_>, gate: &Desired) -> bool {
    let child = seen(valid, ChildKind::Deployment, process::GATE);
    child.is_some_and(|it| !it.leaving && it.is_as(&gate.body, gate.digest))
        && workload(valid, process::GATE).is_some_and(WorkloadFacts::is_ready)
}

/// `is_gates`: it is to lead there once it can.
fn leads_to_gate(valid: &Valid<'_>, name: &str, is_gates: bool, is_ready: bool) -> bool {
    let leads_there = seen(valid, ChildKind::Service, name).map(|it| it.facts == Facts::Service(process::GATE.to_owned()));
    match (is_gates, leads_there) {
        // Nobody is led anywhere yet.
        (true, None) => true,
        (true, Some(leads_there)) => is_ready || leads_there,
        (false, Some(true)) => {
            let gate_is_there = seen(valid, ChildKind::Deployment, process::GATE).is_some_and(|it| !it.leaving);
            gate_is_there && !workload(valid, name).is_some_and(|it| it.observed && it.ready > 0)
        }
        (false, _) => false,
    }
}

/// `None` where it is over, or nothing runs that could wait.
fn rest_of_patience(valid: &Valid<'_>) -> Option<Duration> {
    if workload(valid, process::WEB).is_none_or(|it| it.wanted == 0) {
        return None;
    }
    let Some(gate) = seen(valid, ChildKind::Deployment, process::GATE) else { return Some(PATIENCE.unsigned_abs()) };
    let end = gate.created + PATIENCE;
    (end > valid.now).then(|| end.duration_since(valid.now).unsigned_abs())
}

fn deployment(valid: &Valid<'_>, image: &str, mode: Mode) -> Desired {
    let mut arguments = vec!["notice".to_owned(), "--listen".to_owned(), format!("0.0.0.0:{PORT}")];
    if mode == Mode::ReadOnly {
        arguments.extend(["--origin".to_owned(), format!("{ORIGIN}:{}", web::PORT)]);
    }
    let probe = |period: u32, failures: u32| json!({"tcpSocket": {"port": PORT}, "periodSeconds": period, "failureThreshold": failures});
    let container = json!({
        "name": process::GATE,
        "image": image,
        "args": arguments,
        "ports": [{"name": "http", "containerPort": PORT}],
        // By HTTP every path is answered with 503.
        "startupProbe": probe(1, 60),
        "readinessProbe": probe(5, 3),
        "livenessProbe": probe(20, 6),
        "resources": pod::resources(&quota::GATE.resources()),
    });
    let (process, account) = (process::GATE, names::GATE_ACCOUNT);
    let wish = PodWish { process, account, user: bundle::USER, grace_seconds: GRACE_SECONDS, volumes: json!([]), container };
    let mut template = pod::template(valid, wish);
    // It knows no Secret.
    template["metadata"]["annotations"] = json!({});
    web::rolling(valid, process, 1, template)
}

/// What an Ingress names: `name` is the process that it is for.
fn service(valid: &Valid<'_>, name: &str, port: u16, is_gates: bool) -> Desired {
    let (process, target) = if is_gates { (process::GATE, PORT) } else { (name, port) };
    web::service(valid, (name, port), (process, target))
}
