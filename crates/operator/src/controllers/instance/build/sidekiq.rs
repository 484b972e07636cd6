//! Sidekiq twice: any number of pods without the queue `scheduler`, and exactly one pod that listens to it. Two of the latter
//! would run every cron job twice. Both are recreated rather than rolled, so that no old process takes a job it doesn't know.

use howdah_crd::ProcessResources;
use howdah_crd::labels::process;
use serde_json::{Value, json};

use super::object::process_labels;
use super::{Desired, environment, pod, web};
use crate::cache::ChildKind;
use crate::controllers::instance::validate::Valid;

const READY_FILE: &str = "sidekiq_process_has_started_and_will_begin_processing_jobs";
/// Sidekiq gives its jobs 25 s to end, and then puts them back.
const GRACE_SECONDS: i64 = 45;

pub fn sidekiq(valid: &Valid<'_>) -> Vec<Desired> {
    let sidekiq = &valid.spec.resources.sidekiq;
    let scheduler = &valid.spec.resources.scheduler;
    let on = !valid.farewell_paused() && !valid.is_suspended();
    let mut objects = vec![
        deployment(valid, process::SIDEKIQ, if on { sidekiq.replicas } else { 0 }, sidekiq.threads, &queues(valid), &sidekiq.process),
        deployment(valid, process::SCHEDULER, i32::from(on), scheduler.threads, &["scheduler"], &scheduler.process),
    ];
    objects.extend(web::budget(valid, process::SIDEKIQ, sidekiq.replicas));
    objects
}

/// With Mastodon's own weights (UP:config/sidekiq.yml). `fasp` came with 4.4.
fn queues(valid: &Valid<'_>) -> Vec<&'static str> {
    let mut queues = vec!["default,8", "push,6", "ingress,4", "mailers,2", "pull"];
    if valid.minor >= (4, 4) {
        queues.push("fasp");
    }
    queues
}

fn deployment(valid: &Valid<'_>, name: &str, replicas: i32, threads: i32, queues: &[&str], process: &ProcessResources) -> Desired {
    let mut command: Vec<String> = ["bundle", "exec", "sidekiq", "-c"].map(str::to_owned).into();
    command.push(threads.to_string());
    for queue in queues {
        command.extend(["-q".to_owned(), (*queue).to_owned()]);
    }
    // One more than its threads: the scheduler's own poller asks the database too.
    let mut env = environment::rails(valid, threads + 1);
    env.push(environment::variable("MASTODON_SIDEKIQ_READY_FILENAME", READY_FILE));
    let container = json!({
        "image": valid.spec.image.mastodon,
        "command": command,
        "env": env,
        "envFrom": environment::smtp(valid),
        "startupProbe": ready_probe(1, 300),
        "readinessProbe": ready_probe(10, 3),
        "resources": pod::resources(process),
    });
    let body = json!({
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": process_labels(valid.id, name)},
            "strategy": {"type": "Recreate"},
            "template": pod::mastodon(valid, name, GRACE_SECONDS, container),
        },
    });
    Desired::new(valid.id, ChildKind::Deployment, Some(&valid.namespace), name, body)
}

fn ready_probe(period_seconds: u32, failures: u32) -> Value {
    json!({
        "exec": {"command": ["cat", format!("/opt/mastodon/tmp/{READY_FILE}")]},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    })
}
