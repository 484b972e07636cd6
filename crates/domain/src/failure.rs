//! The catalogue of sentences: what a machine reason means to people, at which step, and what can be done.
//!
//! Reasons are the operator's (of the custom resource's conditions) and the control plane's own. Details, which may name hosts
//! and pods, are not part of it: they are for operators' eyes.

use serde::Serialize;

use crate::lifecycle::{Cause, LaunchStep, StepName};

/// What holds up or ended an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub reason: String,
    /// At which step.
    pub step: String,
    /// What happened and why.
    pub sentence: String,
    /// What can be done, and by whom.
    pub way_out: String,
}

/// Reasons of a step that is under way or waits for another: nothing is wrong.
const IN_ORDER: [&str; 7] = ["Ready", "Progressing", "Waiting", "NotWanted", "NotReady", "Announcing", "CertificatePending"];

/// Whether a reason means that something is wrong.
#[must_use]
pub fn is_trouble(reason: &str) -> bool {
    !IN_ORDER.contains(&reason)
}

const RETRIED: &str = "It is tried again and goes on by itself.";
const RELAY_CHECKED: &str =
    "The operator of this platform checks the relay's login. It is tried every few seconds and goes on by itself once the relay accepts.";

/// The sentence and the way out of a cause at a step.
#[must_use]
pub fn explain(step: StepName, cause: &Cause) -> Failure {
    let (sentence, way_out) = words(step, &cause.reason);
    Failure { reason: cause.reason.clone(), step: step.as_str().to_owned(), sentence, way_out: way_out.to_owned() }
}

fn words(step: StepName, reason: &str) -> (String, &'static str) {
    if matches!(step, StepName::Bundle | StepName::FinalBundle)
        && let Some((sentence, way_out)) = of_bundle(step, reason)
    {
        return (sentence.to_owned(), way_out);
    }
    if step == StepName::Launch(LaunchStep::Secrets)
        && let Some((sentence, way_out)) = of_keys(reason)
    {
        return (sentence.to_owned(), way_out);
    }
    let what = step_in_words(step);
    let (sentence, way_out) = match reason {
        "ImagePullFailed" => (
            format!("The node could not pull Mastodon's image for {what}: it doesn't exist under this name, or its registry is away."),
            "You need to do nothing: the operator of this platform checks the image's name and the registry. It goes on by itself.",
        ),
        "JobFailed" => (
            format!("The job for {what} ended with an error."),
            "It is tried again with growing pauses. If it fails for more than an hour, write to the support, who can see the last lines of the job's output.",
        ),
        "CrashLooping" => (
            format!("A process of the server stops again and again soon after its start ({what})."),
            "It is started again with growing pauses. If that lasts for more than half an hour, write to the support.",
        ),
        "Unschedulable" => (
            format!("The cluster has no room for {what}: no node has enough memory or processor time left."),
            "You need to do nothing: the operator of this platform adds room, and it goes on by itself. It costs nothing meanwhile.",
        ),
        "QuotaExceeded" => (
            format!("The server's own quota doesn't let {what} start."),
            "This is a mistake of the platform's: write to the support. It goes on by itself once it is put right.",
        ),
        "DatabaseServerUnavailable" => (format!("The database server can't be reached ({what})."), RETRIED),
        "ObjectStoreUnavailable" => (format!("The object store can't be reached ({what})."), RETRIED),
        "ClusterUnavailable" => (
            format!("The cluster that this server is to run in can't be reached, so {what} has to wait. Servers that run go on running."),
            RETRIED,
        ),
        "RelayRefused" => (
            "The mail relay refused this server's login or sender, so it could not send mail to its people.".to_owned(),
            RELAY_CHECKED,
        ),
        "RelayUnavailable" => ("The mail relay can't be reached, so this server could not send mail to its people.".to_owned(), RETRIED),
        "SecretNotFound" => (
            format!("The secrets for {what} have not arrived in the cluster."),
            "They are sent again within minutes. If that doesn't help, write to the support.",
        ),
        "SecretIncomplete" => (
            format!("The secrets for {what} lack a part."),
            "This is a mistake of the platform's: write to the support. Nothing of the server is lost.",
        ),
        "UnknownDatabaseServer" | "UnknownObjectStore" | "UnknownPlacement" => (
            format!("The cluster's configuration doesn't know the place that {what} is meant for."),
            "The operator of this platform adds it to the configuration. It goes on by itself.",
        ),
        "IdConflict" => (
            format!("Another resource in the cluster has this server's id, so {what} is not begun."),
            "An operator of this platform has to remove one of the two.",
        ),
        "DomainConflict" => (
            format!("Another server in the cluster has one of this server's addresses, so {what} is not begun."),
            "An operator of this platform has to decide which of the two keeps it.",
        ),
        "NamespaceTerminating" => (
            format!("What an earlier run left in the cluster is still being deleted; {what} begins after that."),
            "You need to do nothing: it goes on by itself.",
        ),
        "Diverged" => (
            "The cluster has a newer state of this server than the record: the record was restored from an older backup.".to_owned(),
            "An operator of this platform has to adopt the cluster's state or overwrite it. Nothing is changed until then.",
        ),
        "ServedElsewhere" => (
            "This address is served elsewhere, so nobody is told to forget its accounts: that would destroy the community there.".to_owned(),
            "If the server has moved, write to the support before anything else: nobody is told and nothing is deleted until then. If not, let the address lead here again: it goes on by itself.",
        ),
        "AddressUnreachable" => (
            "This server doesn't answer at its address from outside, so the farewell waits: other servers could not check what it tells them."
                .to_owned(),
            "Let the address lead here again: it goes on by itself.",
        ),
        "Paused" => ("The farewell is paused.".to_owned(), "It goes on by itself once this server answers at its address again."),
        "ProofMissing" => (
            "The TXT record that proves this domain to be yours was not found.".to_owned(),
            "Set the record as shown with your domain's provider. It is looked for every minute.",
        ),
        "InvalidSpec" => (
            format!("The cluster refused this server's description ({what})."),
            "This is a mistake of the platform's: write to the support.",
        ),
        _ => (
            format!("Something went wrong at {what}."),
            "It is tried again with growing pauses. If that lasts for more than an hour, write to the support and name the reference.",
        ),
    };
    (sentence, way_out)
}

/// The step makes keys, and one of them is tried out at once: the login at the mail relay.
fn of_keys(reason: &str) -> Option<(&'static str, &'static str)> {
    Some(match reason {
        "RelayRefused" => (
            "The server's keys are made, but the one by which it sends mail opens nothing yet: the mail relay refused its login or sender.",
            RELAY_CHECKED,
        ),
        "RelayUnavailable" => (
            "The server's keys are made, but the one by which it sends mail could not be tried out: the mail relay can't be reached.",
            RETRIED,
        ),
        _ => return None,
    })
}

/// Why there is no bundle; what the platform's parts say is said as elsewhere.
fn of_bundle(step: StepName, reason: &str) -> Option<(&'static str, &'static str)> {
    let again = match step {
        StepName::FinalBundle => {
            "It is begun anew every quarter of an hour. If that doesn't help, write to the support; or keep the server, and close it without a final bundle."
        }
        _ => "Begin another export. If that fails too, write to the support with this page's address.",
    };
    Some(match reason {
        "InstanceNotFound" | "InstanceNotReady" => (
            "The server is not set up, or not well in its cluster, so there is nothing to take along yet.",
            "It begins by itself once the server is.",
        ),
        "NotConfigured" => (
            "This platform has no place for bundles yet.",
            "The operator of this platform adds it to the configuration. It goes on by itself.",
        ),
        "Environment" => {
            ("The server's settings can't be used for a bundle.", "This is a mistake of the platform's: write to the support.")
        }
        "Secrets" => (
            "The server's secrets are not those that its rows were encrypted with: a bundle with them could not be brought back.",
            "Nothing of the server is lost. Write to the support before anything else is done.",
        ),
        "Database" => ("The server's database could not be read.", again),
        "PgDump" => ("The program that dumps the database failed.", again),
        "Media" => ("The server's media could not be read.", again),
        "Destination" => ("The bundle could not be written where it was to go.", again),
        "Interrupted" => ("The export was ended from outside again and again.", again),
        "Deadline" => ("The export took longer than two days, and was given up.", again),
        _ => return None,
    })
}

/// The step as a part of a sentence.
fn step_in_words(step: StepName) -> &'static str {
    use LaunchStep as Launch;
    match step {
        StepName::Launch(Launch::Namespace) => "the server's own space in the cluster",
        StepName::Launch(Launch::Secrets) => "the server's secrets",
        StepName::Launch(Launch::Database) => "the database",
        StepName::Launch(Launch::Bucket) => "the media storage",
        StepName::Launch(Launch::Cache) => "the cache",
        StepName::Launch(Launch::Data) => "loading the bundle's data",
        StepName::Launch(Launch::Schema) => "filling the database (db:prepare)",
        StepName::Launch(Launch::Owner) => "the owner's account",
        StepName::Launch(Launch::Configuration) => "the first settings",
        StepName::Launch(Launch::Workloads) => "starting the server",
        StepName::Rehearsal => "the rehearsal",
        StepName::CutOver => "loading the bundle anew and starting the server",
        StepName::Farewell => "the farewell",
        StepName::Teardown => "deleting the server's data",
        StepName::Bundle => "the bundle",
        StepName::FinalBundle => "the final bundle",
        StepName::Drain => "stopping the server",
        StepName::Handover => "the hand-over to another host",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `howdah-crd` writes them: every reason that a condition may carry.
    const OPERATORS: [&str; 23] = [
        "Ready",
        "Progressing",
        "Waiting",
        "NotWanted",
        "SecretNotFound",
        "SecretIncomplete",
        "UnknownDatabaseServer",
        "UnknownObjectStore",
        "UnknownPlacement",
        "IdConflict",
        "DomainConflict",
        "NamespaceTerminating",
        "DatabaseServerUnavailable",
        "ObjectStoreUnavailable",
        "CertificatePending",
        "QuotaExceeded",
        "ImagePullFailed",
        "JobFailed",
        "CrashLooping",
        "Unschedulable",
        "NotReady",
        "Announcing",
        "Paused",
    ];

    #[test]
    fn every_trouble_has_a_sentence_of_its_own_and_a_way_out() {
        let step = StepName::Launch(LaunchStep::Workloads);
        let general = explain(step, &Cause::new("Error", None));
        for reason in OPERATORS.into_iter().filter(|it| is_trouble(it)) {
            let failure = explain(step, &Cause::new(reason, None));
            assert_ne!(failure.sentence, general.sentence, "{reason}");
            assert!(failure.sentence.ends_with('.') && failure.way_out.ends_with('.'), "{reason}");
        }
    }

    /// Whoever reads of the keys is told what the mail relay has to do with them.
    #[test]
    fn at_the_servers_keys_a_failing_relay_is_said_of_a_key() {
        for reason in ["RelayRefused", "RelayUnavailable"] {
            let told = |step| explain(StepName::Launch(step), &Cause::new(reason, None));
            let (keys, other) = (told(LaunchStep::Secrets), told(LaunchStep::Workloads));
            assert!(keys.sentence.starts_with("The server's keys are made") && keys.sentence.contains("mail relay"), "{keys:?}");
            assert!(keys.sentence != other.sentence && keys.way_out == other.way_out, "{other:?}");
        }
    }

    #[test]
    fn a_final_bundle_is_begun_anew_by_itself() {
        let told = |step| explain(step, &Cause::new("Media", None));
        let (own, last) = (told(StepName::Bundle), told(StepName::FinalBundle));
        assert_eq!(own.sentence, last.sentence);
        assert!(own.way_out.contains("Begin another export") && last.way_out.contains("begun anew"), "{last:?}");
    }

    #[test]
    fn details_are_not_told() {
        let failure = explain(StepName::Launch(LaunchStep::Database), &Cause::new("Error", Some("password of 10.0.0.1 is x".to_owned())));
        assert!(!format!("{failure:?}").contains("10.0.0.1"));
        assert_eq!(failure.step, "database");
    }
}
