//! What a child's status says, cut down to what the reconciler asks for.

use howdah_crd::{Reason, labels};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Namespace, Pod, Service};
use k8s_openapi::api::networking::v1::Ingress;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::kind::ChildKind;
use crate::size::Size;

/// On an Ingress: cert-manager orders a certificate for its hosts from this ClusterIssuer.
pub const CLUSTER_ISSUER: &str = "cert-manager.io/cluster-issuer";
/// Kubernetes' own limit of a termination message.
const MESSAGE_LIMIT: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Facts {
    #[default]
    Nothing,
    Namespace {
        terminating: bool,
    },
    Workload(WorkloadFacts),
    Job(JobFacts),
    Pod(PodFacts),
    Ingress(Option<CertificateOrder>),
    /// The process whose pods it leads to.
    Service(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadFacts {
    pub wanted: i32,
    pub updated: i32,
    pub ready: i32,
    /// All pods, those of the generation before among them.
    pub total: i32,
    /// The controller has seen the newest spec.
    pub observed: bool,
    /// The controller could not make a pod (quota, admission): its words.
    pub refused: Option<String>,
    /// How much its volume was asked with.
    pub claim: Option<String>,
}

impl WorkloadFacts {
    /// Every wanted pod is of the newest spec and ready, and none of the old ones is left.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.observed && self.updated == self.wanted && self.ready >= self.wanted && self.total == self.wanted
    }
}

/// What cert-manager is asked for by an Ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateOrder {
    /// A ClusterIssuer.
    pub issuer: String,
    pub hosts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFacts {
    pub kind: String,
    pub inputs: String,
    pub attempt: u32,
    pub outcome: JobOutcome,
    /// Kubernetes' reason of a failure: `BackoffLimitExceeded`, `DeadlineExceeded`, …
    pub failed_for: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    Running,
    Complete { at: Timestamp },
    Failed { at: Timestamp },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFacts {
    pub process: String,
    /// Name of the Job that made it.
    pub job: Option<String>,
    pub problem: Option<PodProblem>,
    /// What its container said at its end.
    pub message: Option<String>,
    /// Of an export's pod, while it runs: where it is asked how far it is.
    pub address: Option<String>,
    /// What it takes of its namespace's quota: nothing once it has ended.
    pub holds: Option<Size>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodProblem {
    pub reason: Reason,
    pub message: String,
}

impl Facts {
    /// `object` as it came, its status included. What doesn't parse has no facts, and so is not ready.
    #[must_use]
    pub fn of(kind: ChildKind, object: &Value) -> Self {
        match kind {
            ChildKind::Namespace => parse(object).map_or(Self::Nothing, |it| namespace(&it)),
            ChildKind::Deployment => parse(object).map_or(Self::Nothing, |it| deployment(&it)),
            ChildKind::StatefulSet => parse(object).map_or(Self::Nothing, |it| stateful_set(&it)),
            ChildKind::Job => parse(object).map_or(Self::Nothing, |it| job(&it)),
            ChildKind::Pod => parse(object).map_or(Self::Nothing, |it| pod(&it)),
            ChildKind::Ingress => parse(object).map_or(Self::Nothing, |it| Self::Ingress(order(&it))),
            ChildKind::Service => parse(object).map_or(Self::Nothing, |it| service(&it)),
            _ => Self::Nothing,
        }
    }
}

fn parse<T: DeserializeOwned>(object: &Value) -> Option<T> {
    T::deserialize(object).ok()
}

fn namespace(namespace: &Namespace) -> Facts {
    let phase = namespace.status.as_ref().and_then(|it| it.phase.as_deref());
    Facts::Namespace { terminating: phase == Some("Terminating") || namespace.metadata.deletion_timestamp.is_some() }
}

fn deployment(deployment: &Deployment) -> Facts {
    let wanted = deployment.spec.as_ref().and_then(|it| it.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let refused = status
        .conditions
        .iter()
        .flatten()
        .find(|it| it.type_ == "ReplicaFailure" && it.status == "True")
        .map(|it| it.message.clone().unwrap_or_default());
    Facts::Workload(WorkloadFacts {
        wanted,
        updated: status.updated_replicas.unwrap_or(0),
        ready: status.ready_replicas.unwrap_or(0),
        total: status.replicas.unwrap_or(0),
        observed: status.observed_generation >= deployment.metadata.generation,
        refused,
        claim: None,
    })
}

fn stateful_set(set: &StatefulSet) -> Facts {
    let wanted = set.spec.as_ref().and_then(|it| it.replicas).unwrap_or(1);
    let status = set.status.clone().unwrap_or_default();
    // A finished roll may leave `updatedReplicas` unset: then the current revision is the newest one.
    let rolled = status.current_revision == status.update_revision;
    let updated = status.updated_replicas.unwrap_or(if rolled { status.replicas } else { 0 });
    Facts::Workload(WorkloadFacts {
        wanted,
        updated: if rolled { status.replicas } else { updated },
        ready: status.ready_replicas.unwrap_or(0),
        total: status.replicas,
        observed: status.observed_generation >= set.metadata.generation,
        refused: None,
        claim: claim(set),
    })
}

fn claim(set: &StatefulSet) -> Option<String> {
    let claim = set.spec.as_ref()?.volume_claim_templates.as_ref()?.first()?;
    claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?.get("storage").map(|it| it.0.clone())
}

fn job(job: &Job) -> Facts {
    let label = |key: &str| job.metadata.labels.as_ref().and_then(|it| it.get(key)).cloned().unwrap_or_default();
    let condition = |wanted: &str| {
        let conditions = job.status.as_ref().and_then(|it| it.conditions.as_ref());
        conditions.and_then(|it| it.iter().find(|it| it.type_ == wanted && it.status == "True"))
    };
    let at = |it: &k8s_openapi::api::batch::v1::JobCondition| it.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |it| it.0);
    let outcome = match (condition("Complete"), condition("Failed")) {
        (Some(complete), _) => JobOutcome::Complete { at: at(complete) },
        (None, Some(failed)) => JobOutcome::Failed { at: at(failed) },
        (None, None) => JobOutcome::Running,
    };
    Facts::Job(JobFacts {
        kind: label(labels::JOB),
        inputs: label(labels::INPUTS),
        attempt: label(labels::ATTEMPT).parse().unwrap_or(1),
        outcome,
        failed_for: condition("Failed").and_then(|it| it.reason.clone()),
    })
}

fn service(service: &Service) -> Facts {
    let selector = service.spec.as_ref().and_then(|it| it.selector.as_ref());
    Facts::Service(selector.and_then(|it| it.get(labels::PROCESS)).cloned().unwrap_or_default())
}

fn order(ingress: &Ingress) -> Option<CertificateOrder> {
    let issuer = ingress.metadata.annotations.as_ref()?.get(CLUSTER_ISSUER)?.clone();
    let tls = ingress.spec.as_ref().and_then(|it| it.tls.as_ref());
    let hosts = tls.into_iter().flatten().flat_map(|it| it.hosts.iter().flatten().cloned());
    Some(CertificateOrder { issuer, hosts: hosts.collect() })
}

fn pod(pod: &Pod) -> Facts {
    let label = |key: &str| pod.metadata.labels.as_ref().and_then(|it| it.get(key)).cloned();
    let status = pod.status.clone().unwrap_or_default();
    let containers = status.container_statuses.unwrap_or_default();
    let leaving = pod.metadata.deletion_timestamp.is_some();
    // Of no other: each would be looked at once more when it gets one.
    let is_asked = status.phase.as_deref() == Some("Running") && label(labels::EXPORT).is_some();
    let has_ended = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    let unschedulable = status
        .conditions
        .iter()
        .flatten()
        .find(|it| it.type_ == "PodScheduled" && it.status == "False" && it.reason.as_deref() == Some("Unschedulable"))
        .map(|it| PodProblem { reason: Reason::Unschedulable, message: clip(it.message.as_deref().unwrap_or_default()) });
    let message = containers
        .iter()
        .filter_map(|it| it.state.as_ref()?.terminated.as_ref()?.message.as_deref())
        .map(|it| it.chars().take(MESSAGE_LIMIT).collect::<String>())
        .find(|it| !it.is_empty());
    Facts::Pod(PodFacts {
        process: label(labels::PROCESS).unwrap_or_default(),
        job: label("batch.kubernetes.io/job-name"),
        problem: if leaving { None } else { unschedulable.or_else(|| containers.iter().find_map(problem)) },
        message,
        address: status.pod_ip.filter(|_| is_asked),
        holds: if has_ended { None } else { pod.spec.as_ref().map(Size::of_pod) },
    })
}

fn problem(container: &ContainerStatus) -> Option<PodProblem> {
    let ended = |state: &Option<ContainerState>| state.as_ref().and_then(|it| it.terminated.clone());
    let last_end = ended(&container.state).or_else(|| ended(&container.last_state));
    let last_words = || last_end.as_ref().and_then(|it| it.message.clone()).filter(|it| !it.is_empty());
    let waiting = container.state.as_ref().and_then(|it| it.waiting.as_ref());
    let reason = match waiting.and_then(|it| it.reason.as_deref()) {
        Some("ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" | "RegistryUnavailable") => {
            Reason::ImagePullFailed
        }
        Some("CreateContainerConfigError" | "CreateContainerError" | "RunContainerError") => Reason::Error,
        Some("CrashLoopBackOff") => Reason::CrashLooping,
        // Between two crashes it runs for a moment: that is no recovery.
        _ if container.restart_count >= 2 && !container.ready && last_end.is_some() => Reason::CrashLooping,
        _ => return None,
    };
    let message = last_words().or_else(|| waiting.and_then(|it| it.message.clone())).unwrap_or_default();
    Some(PodProblem { reason, message: clip(&message) })
}

/// The end of it, where the error stands, short enough for a condition.
pub fn clip(text: &str) -> String {
    const MOST: usize = 300;
    let text = text.trim();
    let skipped = text.chars().count().saturating_sub(MOST);
    text.chars().skip(skipped).collect()
}
