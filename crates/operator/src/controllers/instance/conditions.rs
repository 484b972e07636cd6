//! Conditions while they are being found out, and what the facts of children say about them. All pure.

use std::collections::BTreeMap;
use std::time::Duration;

use howdah_crd::{Bootstrap, ConditionType, Farewell, InstanceUsage, MastodonInstanceSpec, MastodonInstanceStatus, Reason};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::build::Desired;
use crate::cache::{Child, ChildKey, Facts, JobOutcome, PodFacts, PodProblem, Snapshot};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    True,
    False,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub truth: Truth,
    pub reason: Reason,
    pub message: String,
}

impl Verdict {
    #[must_use]
    pub fn ready() -> Self {
        Self { truth: Truth::True, reason: Reason::Ready, message: String::new() }
    }

    #[must_use]
    pub fn not(reason: Reason, message: impl Into<String>) -> Self {
        Self { truth: Truth::False, reason, message: message.into() }
    }

    #[must_use]
    pub fn is_true(&self) -> bool {
        self.truth == Truth::True
    }
}

/// What one pass found out. A condition that it says nothing about stays as it was.
#[derive(Debug, Default)]
pub struct Progress {
    pub verdicts: BTreeMap<ConditionType, Verdict>,
    /// Something that objects are built from has changed: another pass at once.
    pub again: bool,
    /// When to look again without cause.
    pub wake_in: Option<Duration>,
    pub schema_version: Option<String>,
    /// Of the token that Mastodon takes now.
    pub owner_link_issued: Option<Time>,
    pub farewell: Option<Farewell>,
    pub usage: Option<InstanceUsage>,
}

impl Progress {
    pub fn set(&mut self, condition: ConditionType, verdict: Verdict) -> bool {
        let is_true = verdict.is_true();
        self.verdicts.insert(condition, verdict);
        is_true
    }

    pub fn ready(&mut self, condition: ConditionType) {
        self.set(condition, Verdict::ready());
    }

    pub fn not(&mut self, condition: ConditionType, reason: Reason, message: impl Into<String>) {
        self.set(condition, Verdict::not(reason, message));
    }

    #[must_use]
    pub fn is_ready(&self, condition: ConditionType) -> bool {
        self.verdicts.get(&condition).is_some_and(Verdict::is_true)
    }

    pub fn wake(&mut self, after: Duration) {
        self.wake_in = Some(self.wake_in.map_or(after, |it| it.min(after)));
    }
}

#[must_use]
pub fn is_true(status: &MastodonInstanceStatus, condition: ConditionType) -> bool {
    status.conditions.iter().any(|it| it.type_ == condition.as_str() && it.status == "True")
}

#[must_use]
pub fn reason(status: &MastodonInstanceStatus, condition: ConditionType) -> Option<Reason> {
    status.conditions.iter().find(|it| it.type_ == condition.as_str()).and_then(|it| Reason::parse(&it.reason))
}

/// The steps of this server's launch: only an import has data to load.
pub fn launch(spec: &MastodonInstanceSpec) -> impl Iterator<Item = ConditionType> + use<> {
    let is_import = matches!(spec.bootstrap, Bootstrap::Import(_));
    ConditionType::LAUNCH.into_iter().filter(move |it| is_import || *it != ConditionType::DataLoaded)
}

/// Of these workloads, the first that is not as wanted speaks.
#[must_use]
pub fn workloads(children: &Snapshot, wanted: &[&Desired]) -> Verdict {
    for desired in wanted {
        let verdict = workload(children, &desired.key);
        if !verdict.is_true() {
            return verdict;
        }
    }
    Verdict::ready()
}

/// No pod of these workloads is left, nor one that ends: a Deployment doesn't count those.
#[must_use]
pub fn is_stopped(children: &Snapshot, workloads: &[&Desired]) -> bool {
    let is_of_them = |process: &str| workloads.iter().any(|it| it.key.name == process);
    !children.values().any(|child| matches!(&child.facts, Facts::Pod(pod) if is_of_them(&pod.process) && pod.holds.is_some()))
}

fn workload(children: &Snapshot, key: &ChildKey) -> Verdict {
    let Some(Child { facts: Facts::Workload(facts), .. }) = children.get(key) else {
        return Verdict::not(Reason::Progressing, String::new());
    };
    if facts.is_ready() {
        return Verdict::ready();
    }
    if let Some(words) = &facts.refused {
        let reason = if words.contains("exceeded quota") { Reason::QuotaExceeded } else { Reason::Error };
        return Verdict::not(reason, format!("{}: {}", key.name, crate::cache::clip(words)));
    }
    match problem(children, |pod| pod.process == key.name) {
        Some(PodProblem { reason, message }) => Verdict::not(reason, format!("{}: {message}", key.name)),
        // Which of them it is changes with every pod, and is nobody's news.
        None => Verdict::not(Reason::Progressing, String::new()),
    }
}

/// The first problem of a pod of this kind, the worst first.
fn problem(children: &Snapshot, of: impl Fn(&PodFacts) -> bool) -> Option<PodProblem> {
    let pods = children.values().filter_map(|child| match &child.facts {
        Facts::Pod(pod) if of(pod) => pod.problem.clone(),
        _ => None,
    });
    pods.min_by_key(|it| (it.reason, it.message.clone()))
}

/// How a wanted Job is doing.
#[must_use]
pub fn job(children: &Snapshot, desired: &Desired) -> Verdict {
    let name = &desired.key.name;
    let Some(Child { facts: Facts::Job(facts), .. }) = children.get(&desired.key) else {
        return Verdict::not(Reason::Progressing, String::new());
    };
    let pod_problem = || problem(children, |pod| pod.job.as_ref() == Some(name));
    match facts.outcome {
        JobOutcome::Complete { .. } => Verdict::ready(),
        JobOutcome::Failed { .. } => {
            let words = last_words(children, name).or_else(|| pod_problem().map(|it| it.message));
            Verdict::not(Reason::JobFailed, crate::cache::clip(&words.unwrap_or_default()))
        }
        JobOutcome::Running => match pod_problem() {
            Some(PodProblem { reason, message }) => Verdict::not(reason, message),
            // The try before has failed, and nothing says yet that this one won't.
            None if facts.attempt > 1 => Verdict::not(Reason::JobFailed, String::new()),
            None => Verdict::not(Reason::Progressing, String::new()),
        },
    }
}

/// What the Job's pod said at its end.
#[must_use]
pub fn last_words(children: &Snapshot, job: &str) -> Option<String> {
    newest_pod(children, job)?.message.clone()
}

/// Of the Job's tries.
#[must_use]
pub fn newest_pod<'a>(children: &'a Snapshot, job: &str) -> Option<&'a PodFacts> {
    let pods = children.values().filter_map(|it| match it {
        Child { facts: Facts::Pod(pod), created, .. } if pod.job.as_deref() == Some(job) => Some((created, pod)),
        _ => None,
    });
    pods.max_by_key(|(created, _)| *created).map(|(_, pod)| pod)
}

/// The condition as it is written: its time moves only when its truth does.
#[must_use]
pub fn condition(type_: &str, verdict: &Verdict, before: Option<&Condition>, generation: Option<i64>, now: Timestamp) -> Condition {
    let status = match verdict.truth {
        Truth::True => "True",
        Truth::False => "False",
    };
    // For the same reason without a word: the words that were said of it still hold.
    let said = before.filter(|it| verdict.message.is_empty() && it.status == status && it.reason == verdict.reason.as_str());
    let since = before.filter(|it| it.status == status).map_or(Time(now), |it| it.last_transition_time.clone());
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: verdict.reason.as_str().to_owned(),
        message: said.map_or_else(|| verdict.message.clone(), |it| it.message.clone()),
        last_transition_time: since,
        observed_generation: generation,
    }
}
