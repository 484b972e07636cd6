//! Jobs of Mastodon's image: `db:prepare`, the owner, the settings (of an import: the feeds), the owner's new link, and the two of a
//! farewell. Those that load an import's data are in `load`.
//!
//! A Job is named by the hash of what it is made from and by its try, runs once, and is wanted only until what it does is done.
//! A failed one is followed by the next try after a while; that goes on until the cause is gone.

use std::time::Duration;

use howdah_crd::labels::{self, job, process};
use howdah_crd::{FarewellStage, PowerState};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Desired, Jobs, environment, load, pod, quota};
use crate::cache::{ChildKind, Facts, JobFacts, JobOutcome, Snapshot};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::{NewLink, Valid};
use crate::digest::Digest;

/// A Job's own pool: Rails' default.
const POOL: i32 = 5;
/// Of what goes through all rows.
const LONGEST: Duration = Duration::from_secs(4 * 3600);
const FIRST_BACKOFF: Duration = Duration::from_secs(5);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

pub fn jobs(valid: &Valid<'_>) -> (Jobs, Option<Duration>) {
    let mut attempts = Attempts { valid, retry_in: None };
    let done = &valid.done;
    let farewell = valid.spec.power_state == PowerState::SelfDestruct;
    let sent = valid.farewell_stage == Some(FarewellStage::Sent);
    let loading = load::loading(valid, &mut attempts);
    let mut wanted = |is_wanted: bool, work: Work| is_wanted.then(|| attempts.of(work));
    let jobs = Jobs {
        loading,
        db_prepare: wanted(!done.schema, Work::db_prepare()),
        owner: wanted(!done.owner && valid.owner_secret.is_some(), Work::owner()),
        configure: wanted(!done.configured, if valid.import.is_some() { Work::feeds(valid) } else { Work::configure(valid) }),
        owner_link: match &valid.new_link {
            NewLink::Wanted { secret, .. } => wanted(true, Work::owner_link(secret)),
            NewLink::NotWanted | NewLink::Lacks { .. } => None,
        },
        farewell_token: wanted(farewell && !valid.farewell_on, Work::farewell_token()),
        farewell_progress: wanted(farewell && valid.farewell_on && valid.farewell_until.is_some() && !sent, Work::farewell_progress(valid)),
    };
    (jobs, attempts.retry_in)
}

/// What one Job of Mastodon's image runs.
pub struct Work {
    kind: &'static str,
    command: Vec<String>,
    env: Vec<Value>,
    limit: Duration,
    /// How long after a good end it is done again; absent: once is enough.
    again_after: Option<Duration>,
}

impl Work {
    fn rake(kind: &'static str, task: &str) -> Self {
        let command = ["bundle", "exec", "rake", task].map(str::to_owned).into();
        // Rails asks before it loads a schema over a database that it takes for one in use.
        let env = vec![environment::variable("SAFETY_ASSURED", "1"), environment::variable("DISABLE_DATABASE_ENVIRONMENT_CHECK", "1")];
        Self { kind, command, env, limit: LONGEST, again_after: None }
    }

    fn db_prepare() -> Self {
        Self::rake(job::DB_PREPARE, "db:prepare")
    }

    /// Whatever is there is dropped, and the release's tables are made anew.
    pub fn schema() -> Self {
        Self::rake(job::SCHEMA, "db:schema:load")
    }

    /// What no bundle has: feeds, which lie in Redis, and files of other servers. In a rehearsal nobody could fetch these, and its rows are
    /// to be as they came.
    fn feeds(valid: &Valid<'_>) -> Self {
        const BUILD: &str = "bin/tootctl feeds build";
        let command = match valid.rehearsal {
            Some(_) => ["sh", "-c", BUILD].map(str::to_owned).into(),
            None => {
                let script = format!(r#"bin/rails runner "$1" && {BUILD}"#);
                vec!["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned(), include_str!("../scripts/absent.rb").to_owned()]
            }
        };
        Self { kind: job::FEEDS, command, env: vec![], limit: LONGEST, again_after: None }
    }

    fn runner(kind: &'static str, script: &str, env: Vec<Value>) -> Self {
        let command = vec!["bin/rails".to_owned(), "runner".to_owned(), script.to_owned()];
        Self { kind, command, env, limit: Duration::from_secs(600), again_after: None }
    }

    fn owner() -> Self {
        let env = howdah_crd::secrets::owner::REQUIRED.map(|key| environment::from_secret(key, names::OWNER, key));
        Self::runner(job::OWNER, include_str!("../scripts/owner.rb"), env.into())
    }

    fn configure(valid: &Valid<'_>) -> Self {
        let key = howdah_crd::secrets::owner::USERNAME;
        let env = if valid.owner_secret.is_some() { vec![environment::from_secret(key, names::OWNER, key)] } else { vec![] };
        Self::runner(job::CONFIGURE, include_str!("../scripts/configure.rb"), env)
    }

    fn owner_link(secret: &str) -> Self {
        let env = howdah_crd::secrets::owner::LINK.map(|key| environment::from_secret(key, secret, key));
        Self::runner(job::OWNER_LINK, include_str!("../scripts/owner_link.rb"), env.into())
    }

    fn farewell_token() -> Self {
        Self::runner(job::FAREWELL_TOKEN, include_str!("../scripts/farewell_token.rb"), vec![])
    }

    /// With SELF_DESTRUCT set, `tootctl self-destruct` asks nothing and prints how far it is.
    fn farewell_progress(valid: &Valid<'_>) -> Self {
        let command = vec!["sh".to_owned(), "-c".to_owned(), "exec bin/tootctl self-destruct >/dev/termination-log".to_owned()];
        Self { kind: job::FAREWELL_PROGRESS, command, env: vec![], limit: Duration::from_secs(600), again_after: Some(valid.farewell_poll) }
    }
}

/// The try of each Job that is wanted now, and when the next of any of them is.
pub struct Attempts<'a> {
    valid: &'a Valid<'a>,
    retry_in: Option<Duration>,
}

impl Attempts<'_> {
    /// Of Mastodon's image.
    pub fn of(&mut self, work: Work) -> Desired {
        let Work { kind, command, env, limit, again_after } = work;
        let mut all = environment::rails(self.valid, POOL);
        all.extend(env);
        let mut container = json!({
            "image": self.valid.spec.image.mastodon,
            "command": command,
            "env": all,
            "resources": pod::resources(&quota::JOB.resources()),
        });
        // Rails wants the relay's variables to boot.
        container["envFrom"] = environment::smtp(self.valid);
        let template = pod::mastodon(self.valid, process::JOB, 30, container);
        self.next(kind, template, json!({"backoffLimit": 0, "activeDeadlineSeconds": limit.as_secs()}), again_after)
    }

    /// Of any image: `spec` is the Job's, but for its template.
    pub fn next(&mut self, kind: &str, mut template: Value, mut spec: Value, again_after: Option<Duration>) -> Desired {
        let valid = self.valid;
        template["spec"]["restartPolicy"] = json!("Never");
        // A Job's pod lives by what it started with; that a Secret changes is no reason to run it again. Another pass is.
        template["metadata"]["annotations"] = valid.import.as_ref().map_or(json!({}), |it| json!({labels::PASS: it.mark}));
        let inputs = Digest::of(&template).short();

        let (attempt, wait) = attempt(valid.children, kind, &inputs, again_after, valid.now);
        self.retry_in = soonest(self.retry_in, wait);
        template["metadata"]["labels"][labels::JOB] = json!(kind);
        spec["template"] = template;
        let labels = json!({labels::JOB: kind, labels::INPUTS: inputs, labels::ATTEMPT: attempt.to_string()});
        let body = json!({"metadata": {"labels": labels}, "spec": spec});
        Desired::new(valid.id, ChildKind::Job, Some(&valid.namespace), &format!("{kind}-{inputs}-{attempt}"), body)
    }
}

/// The wanted try, and how long until the next one where this one has failed, or is to be done again.
fn attempt(children: &Snapshot, kind: &str, inputs: &str, again_after: Option<Duration>, now: Timestamp) -> (u32, Option<Duration>) {
    let last = children
        .values()
        .filter_map(|child| match &child.facts {
            Facts::Job(facts) if facts.kind == kind && facts.inputs == inputs => Some(facts),
            _ => None,
        })
        .max_by_key(|facts| facts.attempt);
    let Some(JobFacts { attempt, outcome, .. }) = last else { return (1, None) };
    let (ended, pause) = match (outcome, again_after) {
        (JobOutcome::Failed { at }, _) => (at, backoff(*attempt)),
        (JobOutcome::Complete { at }, Some(pause)) => (at, pause),
        (JobOutcome::Running, _) | (JobOutcome::Complete { .. }, None) => return (*attempt, None),
    };
    let over = Duration::try_from(now.duration_since(*ended)).unwrap_or_default();
    match pause.checked_sub(over).filter(|it| !it.is_zero()) {
        Some(left) => (*attempt, Some(left)),
        None => (attempt.saturating_add(1), None),
    }
}

/// How long to wait after the n-th failure.
#[must_use]
pub fn backoff(failures: u32) -> Duration {
    let factor = 1 << failures.saturating_sub(1).min(6);
    (FIRST_BACKOFF * factor).min(LONGEST_BACKOFF)
}

fn soonest(first: Option<Duration>, second: Option<Duration>) -> Option<Duration> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first.min(second)),
        (first, second) => first.or(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Children;

    fn children(outcomes: &[(&str, &str)]) -> Snapshot {
        let children = Children::default();
        let id = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";
        for (number, (condition, at)) in outcomes.iter().enumerate() {
            let conditions = if condition.is_empty() {
                json!([])
            } else {
                json!([{"type": condition, "status": "True", "lastTransitionTime": at, "lastProbeTime": null}])
            };
            let object = json!({
                "apiVersion": "batch/v1", "kind": "Job",
                "metadata": {
                    "name": format!("j{number}"), "namespace": "n", "uid": number.to_string(), "resourceVersion": "1",
                    "labels": {
                        labels::INSTANCE: id, labels::JOB: "owner", labels::INPUTS: "abc", labels::ATTEMPT: (number + 1).to_string(),
                    },
                },
                "status": {"conditions": conditions},
            });
            children.put(ChildKind::Job, &serde_json::from_value(object).unwrap());
        }
        children.snapshot(id.parse().unwrap())
    }

    #[test]
    fn a_failed_job_is_tried_again_after_a_while() {
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        let seconds = Duration::from_secs;
        for (outcomes, wanted) in [
            (vec![], (1, None)),
            (vec![("", "")], (1, None)),
            (vec![("Complete", "2026-01-01T00:00:59Z")], (1, None)),
            (vec![("Failed", "2026-01-01T00:00:58Z")], (1, Some(seconds(3)))),
            (vec![("Failed", "2026-01-01T00:00:50Z")], (2, None)),
            (vec![("Failed", "2026-01-01T00:00:40Z"), ("Failed", "2026-01-01T00:00:55Z")], (2, Some(seconds(5)))),
        ] {
            assert_eq!(attempt(&children(&outcomes), "owner", "abc", None, now), wanted, "{outcomes:?}");
        }
        assert_eq!(attempt(&children(&[("Failed", "2026-01-01T00:00:58Z")]), "owner", "other", None, now), (1, None));
        let complete = [("Complete", "2026-01-01T00:00:40Z")];
        assert_eq!(attempt(&children(&complete), "owner", "abc", Some(seconds(30)), now), (1, Some(seconds(10))));
        assert_eq!(attempt(&children(&complete), "owner", "abc", Some(seconds(20)), now), (2, None));
    }

    #[test]
    fn the_wait_grows_to_a_minute() {
        let waits: Vec<u64> = [1, 2, 3, 4, 5, 6, 40].map(|it| backoff(it).as_secs()).into();
        assert_eq!(waits, [5, 10, 20, 40, 60, 60, 60]);
    }
}
