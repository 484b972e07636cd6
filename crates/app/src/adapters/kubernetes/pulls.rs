//! Jobs that pull bundles, in a namespace of their own. What they run (image, rights, walls) is the operator's of the platform to say, in a
//! `PodTemplate` that lies there; the worker adds a name and the environment of one run, in a Secret.

use std::collections::BTreeMap;

use howdah_crd::WORKER_FIELD_MANAGER;
use howdah_crd::export::LASTING_FAILURE;
use k8s_openapi::ByteString;
use k8s_openapi::api::batch::v1::{Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule};
use k8s_openapi::api::core::v1::{EnvFromSource, PodTemplate, PodTemplateSpec, Secret, SecretEnvSource};
use kube::Client;
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams};

use super::{gone_is_done, patiently};
use crate::ports::cluster::{ClusterError, PullJob, PullRun};

const NAMESPACE: &str = "howdah-bundles";
const TEMPLATE: &str = "howdah-pull";
/// A week: the largest bundle on a slow line.
const DEADLINE: i64 = 7 * 24 * 3600;
/// Each goes on where the one before was.
const TRIES: i32 = 6;
/// If nobody deletes it.
const KEPT: i32 = 24 * 3600;

pub async fn put(client: &Client, pull: &PullJob) -> Result<(), ClusterError> {
    let name = &pull.name;
    let jobs: Api<Job> = Api::namespaced(client.clone(), NAMESPACE);
    if patiently(format!("read Job {name}"), jobs.get_metadata_opt(name)).await?.is_some() {
        return Ok(());
    }
    let templates: Api<PodTemplate> = Api::namespaced(client.clone(), NAMESPACE);
    let template = patiently(format!("read PodTemplate {TEMPLATE}"), templates.get_opt(TEMPLATE)).await?;
    let Some(template) = template.and_then(|it| it.template) else {
        let message = format!("there is no PodTemplate {TEMPLATE} in {NAMESPACE}: apply deploy/worker/pulls.yaml");
        return Err(ClusterError::Refused { what: format!("Job {name}"), message });
    };
    let params = PatchParams::apply(WORKER_FIELD_MANAGER).force();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    patiently(format!("write Secret {name}"), secrets.patch(name, &params, &Patch::Apply(&secret(pull)))).await?;
    patiently(format!("write Job {name}"), jobs.patch(name, &params, &Patch::Apply(&job(name, template)))).await?;
    Ok(())
}

pub async fn run(client: &Client, name: &str) -> Result<Option<PullRun>, ClusterError> {
    let jobs: Api<Job> = Api::namespaced(client.clone(), NAMESPACE);
    Ok(patiently(format!("read Job {name}"), jobs.get_opt(name)).await?.map(|it| ended(&it)))
}

/// The Job first: its pods have read the Secret by then, or never will.
pub async fn delete(client: &Client, name: &str) -> Result<(), ClusterError> {
    let params = DeleteParams::background();
    let jobs: Api<Job> = Api::namespaced(client.clone(), NAMESPACE);
    patiently(format!("delete Job {name}"), gone_is_done(jobs.delete(name, &params))).await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    patiently(format!("delete Secret {name}"), gone_is_done(secrets.delete(name, &params))).await
}

fn ended(job: &Job) -> PullRun {
    let conditions = job.status.iter().flat_map(|it| it.conditions.iter().flatten());
    let is = |kind: &str| conditions.clone().any(|it| it.type_ == kind && it.status == "True");
    match (is("Complete"), is("Failed")) {
        (true, _) => PullRun::Succeeded,
        (false, true) => PullRun::Failed,
        (false, false) => PullRun::Running,
    }
}

fn metadata(name: &str) -> ObjectMeta {
    let labels = BTreeMap::from([("app.kubernetes.io/part-of".to_owned(), "howdah".to_owned())]);
    ObjectMeta { name: Some(name.to_owned()), namespace: Some(NAMESPACE.to_owned()), labels: Some(labels), ..ObjectMeta::default() }
}

fn secret(pull: &PullJob) -> Secret {
    let data = pull.variables.iter().map(|(name, value)| (name.clone(), ByteString(value.clone().into_bytes())));
    Secret { metadata: metadata(&pull.name), data: Some(data.collect()), type_: Some("Opaque".to_owned()), ..Secret::default() }
}

fn job(name: &str, mut template: PodTemplateSpec) -> Job {
    if let Some(spec) = &mut template.spec {
        spec.restart_policy = Some("Never".to_owned());
        // The whole environment of a run that differs from others.
        let secret = SecretEnvSource { name: name.to_owned(), optional: None };
        for container in &mut spec.containers {
            let source = EnvFromSource { secret_ref: Some(secret.clone()), ..EnvFromSource::default() };
            container.env_from.get_or_insert_default().push(source);
        }
    }
    let given_up = PodFailurePolicyOnExitCodesRequirement {
        operator: "In".to_owned(),
        values: vec![i32::from(LASTING_FAILURE)],
        ..PodFailurePolicyOnExitCodesRequirement::default()
    };
    let rule = PodFailurePolicyRule { action: "FailJob".to_owned(), on_exit_codes: Some(given_up), ..PodFailurePolicyRule::default() };
    Job {
        metadata: metadata(name),
        spec: Some(JobSpec {
            backoff_limit: Some(TRIES),
            active_deadline_seconds: Some(DEADLINE),
            ttl_seconds_after_finished: Some(KEPT),
            pod_failure_policy: Some(PodFailurePolicy { rules: vec![rule] }),
            template,
            ..JobSpec::default()
        }),
        ..Job::default()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::batch::v1::{JobCondition, JobStatus};
    use k8s_openapi::api::core::v1::{Container, PodSpec};

    use super::*;

    #[test]
    fn a_job_is_the_template_with_one_runs_environment() {
        let container = Container { name: "pull".to_owned(), image: Some("howdah:1".to_owned()), ..Container::default() };
        let spec = PodSpec { containers: vec![container], automount_service_account_token: Some(false), ..PodSpec::default() };
        let job = job("pull-7", PodTemplateSpec { spec: Some(spec), ..PodTemplateSpec::default() });
        let pod = job.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
        assert_eq!((pod.restart_policy.as_deref(), pod.automount_service_account_token), (Some("Never"), Some(false)));
        let from = pod.containers[0].env_from.as_ref().unwrap();
        assert_eq!(from.iter().map(|it| it.secret_ref.as_ref().unwrap().name.as_str()).collect::<Vec<_>>(), ["pull-7"]);
        assert_eq!(pod.containers[0].image.as_deref(), Some("howdah:1"));
        assert!(pod.containers[0].env.is_none(), "no key stands in a Job");
    }

    #[test]
    fn how_far_a_run_is() {
        let with = |kind: Option<&str>| {
            let condition = kind.map(|it| JobCondition { type_: it.to_owned(), status: "True".to_owned(), ..JobCondition::default() });
            let status = JobStatus { conditions: Some(condition.into_iter().collect()), ..JobStatus::default() };
            ended(&Job { status: Some(status), ..Job::default() })
        };
        assert_eq!(with(None), PullRun::Running);
        assert_eq!((with(Some("Complete")), with(Some("Failed"))), (PullRun::Succeeded, PullRun::Failed));
        assert_eq!(with(Some("Suspended")), PullRun::Running);
    }
}
