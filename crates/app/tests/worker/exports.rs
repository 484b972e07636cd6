//! Exports from the record to the cluster and back: begun, told of, whole, failed, cancelled.

use chrono::TimeDelta;
use howdah_app::exports::{self, Begun, ExportRequest, ExportView, Words};
use howdah_app::fleet::{self, JobQuery};
use howdah_app::jobs::{DeleteExports, SyncExport};
use howdah_app::sessions::SignedIn;
use howdah_app::{Error, Once, observer};
use howdah_bundle::seal::{Phrase, RecoveryKey};
use howdah_crd::{ExportConditionType, MastodonExport, MastodonExportStatus, Reason};
use howdah_domain::{Clock, ExportId, InstanceId, OperationState, SessionId};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ground::{GRACE, Ground};

const DOMAIN: &str = "birds.fedi.localhost";
const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

impl Ground {
    pub async fn begin_export(&self, id: InstanceId) -> Result<Begun, Error> {
        let request = ExportRequest { recipients: vec![KEY.to_owned()], make_key: true, ..ExportRequest::default() };
        self.begin_export_as(id, &request).await
    }

    pub async fn begin_export_as(&self, id: InstanceId, request: &ExportRequest) -> Result<Begun, Error> {
        match exports::begin(&self.worker.app, &self.operator, id, request, None).await? {
            Once::Done(begun) => Ok(begun),
            Once::Again { .. } => panic!("no key was given"),
        }
    }

    pub async fn sync_export(&self, id: ExportId) {
        SyncExport::of(id.as_uuid()).work(&self.worker).await.unwrap();
    }

    /// One that is kept, as its server's operator told it.
    pub async fn whole_export(&self, id: InstanceId) -> ExportId {
        let begun = self.begin_export(id).await.unwrap();
        self.sync_export(begun.export).await;
        self.told(whole()).await;
        begun.export
    }

    pub async fn export(&self, id: ExportId) -> ExportView {
        exports::get(&self.worker.app, &self.operator, id).await.unwrap()
    }

    /// The operator says this of the only one, and the observer sees it.
    pub async fn told(&self, status: Value) {
        let mut seen = self.cluster.exports().pop().expect("an export in the cluster");
        seen.status = Some(serde_json::from_value(status).unwrap());
        observer::exports::seen(&self.worker, "real", &seen).await.unwrap();
    }
}

fn condition(type_: ExportConditionType, status: &str, reason: Reason) -> Value {
    json!({
        "type": type_.as_str(), "status": status, "reason": reason.as_str(), "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

pub fn whole() -> Value {
    json!({
        "finishedAt": "2026-01-01T00:00:00Z", "size": 1234, "contentDigest": "v1:abc",
        "conditions": [
            condition(ExportConditionType::DestinationReady, "False", Reason::NotWanted),
            condition(ExportConditionType::Complete, "True", Reason::Ready),
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_sent_down_told_of_and_whole() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let begun = ground.begin_export(id).await.unwrap();
    assert_eq!(ground.begin_export(id).await.unwrap_err().reason(), "export_under_way");
    assert_eq!(ground.export(begun.export).await.state, OperationState::Queued);
    ground.sync_export(begun.export).await;
    ground.sync_export(begun.export).await;
    let sent: Vec<MastodonExport> = ground.cluster.exports();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].metadata.namespace.as_deref(), Some(id.resource_name().as_str()));
    let key: age::x25519::Identity = begun.key.unwrap().expose_secret().parse().unwrap();
    assert_eq!(sent[0].spec.recipients, [KEY.to_owned(), key.to_public().to_string()]);

    let progress = json!({"stage": "copying_media", "bytes": 7, "files": 1, "rate": 3, "at": "2026-01-01T00:00:00Z"});
    ground
        .told(json!({"progress": progress, "conditions": [condition(ExportConditionType::Complete, "False", Reason::Progressing)]}))
        .await;
    let seen = ground.export(begun.export).await;
    assert_eq!(
        (seen.state, seen.progress.map(|it| (it.stage, it.bytes))),
        (OperationState::Running, Some(("copying_media".to_owned(), 7)))
    );

    ground.told(whole()).await;
    let seen = ground.export(begun.export).await;
    assert_eq!((seen.state, seen.size, seen.content_digest.as_deref()), (OperationState::Succeeded, Some(1234), Some("v1:abc")));
    assert!(seen.kept_until.is_some() && seen.progress.is_none() && seen.failure.is_none());
    ground.sync_export(begun.export).await;
    assert_eq!(ground.cluster.exports(), []);
    let other = ground.begin_export(id).await.unwrap();
    assert_ne!(other.export, begun.export);
}

/// Made for whoever asks, and of it remains a key that it opens: in the record, in the custom resource, and in the final bundle.
#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_phrase_opens_it_and_the_final_bundle() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let begun = ground.begin_export_as(id, &ExportRequest { words: Words::NewPhrase, ..ExportRequest::default() }).await.unwrap();
    let phrase = begun.phrase.unwrap();
    assert_eq!(phrase.expose_secret().split('-').count(), Phrase::WORDS);
    ground.sync_export(begun.export).await;
    let spec = ground.cluster.exports().remove(0).spec;
    assert!(!serde_json::to_string(&spec).unwrap().contains(phrase.expose_secret()));
    let key: RecoveryKey = spec.recovery_key.as_deref().unwrap().parse().unwrap();
    let opened = key.open(&phrase).unwrap();
    assert!(opened.expose_secret().contains(&spec.recipients[0]) && spec.recipients.len() == 1);
    assert!(ground.export(begun.export).await.opens_by_words);

    ground.told(whole()).await;
    ground.sync_export(begun.export).await;
    ground.close_as(id, false).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.tick().await;
    let last = ground.final_bundles(id).await.remove(0);
    assert!(last.opens_by_words && last.recipients == spec.recipients && !last.can_show_key);
}

/// What lies in a page between the two steps is of one session, one server, and half an hour, and the phrase is not in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_phrase_that_was_shown_is_asked_back_by_two_of_its_words() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let app = &ground.worker.app;
    let person = |session| SignedIn {
        actor: ground.operator.clone(),
        session: SessionId::from_uuid(session),
        name: "Ada".to_owned(),
        email: "ada@birds.example".to_owned(),
        account_name: "Birds".to_owned(),
        authenticated_at: ground.clock.now(),
        expires_at: ground.clock.now() + TimeDelta::days(1),
    };
    let ada = person(Uuid::from_u128(1));
    let made = exports::make_phrase(app, &ada, id).await.unwrap();
    let [first, second] = exports::asked_back(app, &ada, id, &made.ticket).unwrap();
    assert!((1..=12).contains(&first) && first < second && second <= 12);
    let typed = [made.words[first - 1].to_uppercase(), format!(" {} ", made.words[second - 1])];
    let typed = [typed[0].as_str(), typed[1].as_str()];

    let Err(Error::Invalid { fields }) = exports::kept_phrase(app, &ada, id, &made.ticket, [typed[0], "aardvark"]) else { panic!("wrong") };
    assert_eq!(fields.iter().map(|it| (it.field, it.reason)).collect::<Vec<_>>(), [("second_word", "wrong_word")]);
    let elsewhere = ground.running("owls.fedi.localhost").await;
    let other = person(Uuid::from_u128(2));
    let changed = format!("{}x", made.ticket);
    for (who, server, ticket) in
        [(&other, id, &made.ticket), (&ada, elsewhere, &made.ticket), (&ada, id, &changed), (&ada, id, &String::new())]
    {
        assert_eq!(exports::kept_phrase(app, who, server, ticket, typed).unwrap_err().reason(), "phrase_over");
    }

    let kept = exports::kept_phrase(app, &ada, id, &made.ticket, typed).unwrap();
    let begun = ground.begin_export_as(id, &ExportRequest { words: Words::Phrase(kept), ..ExportRequest::default() }).await.unwrap();
    assert!(begun.phrase.is_none() && begun.key.is_none());
    ground.sync_export(begun.export).await;
    let key: RecoveryKey = ground.cluster.exports().remove(0).spec.recovery_key.unwrap().parse().unwrap();
    key.open(&made.passphrase).unwrap();
    ground.clock.advance(TimeDelta::minutes(30));
    assert_eq!(exports::asked_back(app, &ada, id, &made.ticket).unwrap_err().reason(), "phrase_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_with_a_way_out() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let begun = ground.begin_export(id).await.unwrap();
    ground.sync_export(begun.export).await;
    ground.told(json!({"conditions": [condition(ExportConditionType::Accepted, "False", Reason::InstanceNotReady)]})).await;
    let held_up = ground.export(begun.export).await;
    assert_eq!((held_up.state, held_up.failure.unwrap().reason.as_str()), (OperationState::Running, "InstanceNotReady"));

    let failure = json!({"reason": "Secrets", "message": "SECRET_KEY_BASE is not set"});
    ground.told(json!({"finishedAt": "2026-01-01T00:00:00Z", "failure": failure, "conditions": []})).await;
    let seen = ground.export(begun.export).await;
    let failure = seen.failure.unwrap();
    assert_eq!((seen.state, failure.reason.as_str()), (OperationState::Failed, "Secrets"));
    assert!(failure.sentence.contains("secrets") && !failure.sentence.contains("SECRET_KEY_BASE"), "{failure:?}");
    // Late news change nothing.
    ground.told(whole()).await;
    assert_eq!(ground.export(begun.export).await.state, OperationState::Failed);
}

/// Sealing with a passphrase is a second of work and much memory: nobody makes us do it who is refused then.
#[tokio::test(flavor = "multi_thread")]
async fn limits_are_asked_before_a_passphrase_is_worked_on() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let short = ExportRequest { words: Words::Passphrase("short".into()), ..ExportRequest::default() };
    for _ in 0..20 {
        assert_eq!(ground.begin_export_as(id, &short).await.unwrap_err().reason(), "invalid");
    }
    assert!(matches!(ground.begin_export_as(id, &short).await, Err(Error::RateLimited { .. })), "each counts, whatever comes of it");
    ground.clock.advance(TimeDelta::hours(2));
    for _ in 0..12 {
        let begun = ground.begin_export(id).await.unwrap();
        exports::cancel(&ground.worker.app, &ground.operator, begun.export, None).await.unwrap();
        ground.clock.advance(TimeDelta::seconds(1));
    }
    assert!(matches!(ground.begin_export_as(id, &short).await, Err(Error::RateLimited { .. })), "before anything is made of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_takes_it_out_of_the_cluster() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let begun = ground.begin_export(id).await.unwrap();
    ground.sync_export(begun.export).await;
    exports::cancel(&ground.worker.app, &ground.operator, begun.export, None).await.unwrap();
    ground.sync_export(begun.export).await;
    assert_eq!((ground.export(begun.export).await.state, ground.cluster.exports()), (OperationState::Cancelled, vec![]));
    let again = exports::cancel(&ground.worker.app, &ground.operator, begun.export, None).await.unwrap_err();
    assert_eq!(again.reason(), "ended");
}

/// What the cluster refuses is said, and one that is away is asked again.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_says_no() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let begun = ground.begin_export(id).await.unwrap();
    *ground.cluster.away.lock().unwrap() = true;
    ground.sync_export(begun.export).await;
    assert_eq!(ground.export(begun.export).await.state, OperationState::Running);
    *ground.cluster.away.lock().unwrap() = false;
    *ground.cluster.refusal.lock().unwrap() = Some("no".to_owned());
    ground.sync_export(begun.export).await;
    let seen = ground.export(begun.export).await;
    assert_eq!((seen.state, seen.failure.unwrap().reason.as_str()), (OperationState::Failed, "InvalidSpec"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_came_up_has_nothing_to_take_along() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    assert_eq!(ground.begin_export(id).await.unwrap_err().reason(), "not_set_up");
}

/// What runs is looked after by each tick: a job that was lost is no end.
#[tokio::test(flavor = "multi_thread")]
async fn a_status_without_news_changes_nothing() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let begun = ground.begin_export(id).await.unwrap();
    ground.sync_export(begun.export).await;
    let status = serde_json::to_value(MastodonExportStatus::default()).unwrap();
    ground.told(status.clone()).await;
    let before = ground.export(begun.export).await;
    ground.told(status).await;
    assert_eq!(ground.export(begun.export).await, before);
}

/// What is kept goes when its time is over, and not before; a bucket that is away is asked again.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_for_its_time_is_deleted() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let begun = ground.begin_export(id).await.unwrap();
    ground.sync_export(begun.export).await;
    let file = format!("{id}/{}/MANIFEST.json", begun.export);
    ground.bundles.put(&file);
    ground.told(whole()).await;
    let kept_until = ground.export(begun.export).await.kept_until.unwrap();
    let delete = async || DeleteExports::default().work(&ground.worker).await.unwrap();

    delete().await;
    ground.tick().await;
    assert_eq!(ground.bundles.keys(), std::slice::from_ref(&file));
    let waits = async || {
        let jobs = fleet::jobs(&ground.worker.app, &ground.operator, &JobQuery::default()).await.unwrap().jobs;
        jobs.iter().filter(|it| it.job.name == DeleteExports::NAME).count()
    };
    assert_eq!(waits().await, 0);
    ground.clock.advance(kept_until - ground.clock.now());
    ground.tick().await;
    assert_eq!(waits().await, 1, "the tick only has it done");
    ground.bundles.go_away(true);
    delete().await;
    assert_eq!((ground.bundles.keys(), ground.export(begun.export).await.kept_until), (vec![file], Some(kept_until)));
    ground.bundles.go_away(false);
    delete().await;
    assert_eq!((ground.bundles.keys(), ground.export(begun.export).await.kept_until), (vec![], None));
    let refused = exports::links(&ground.worker.app, &ground.operator, begun.export).await.err().unwrap();
    assert_eq!(refused.reason(), "not_kept");
}
