//! What is kept of a server that is closed: made before anything goes, waited for, found again when all else is gone, and deleted in its
//! time.

use std::sync::Arc;

use chrono::TimeDelta;
use howdah_app::exports::{self, ExportView, FINAL_KEPT};
use howdah_app::instances::{self, InstanceView};
use howdah_app::jobs::DeleteExports;
use howdah_app::{Error, Page};
use howdah_db::models::mail::Mail;
use howdah_domain::{Clock, ExportId, InstanceId, OperationState, Phase, StepState};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::exports::whole;
use crate::ground::{GRACE, Ground};

const DOMAIN: &str = "birds.fedi.localhost";

impl Ground {
    async fn view(&self, id: InstanceId) -> InstanceView {
        instances::get(&self.worker.app, &self.operator, id).await.unwrap()
    }

    /// The newest first.
    pub async fn final_bundles(&self, id: InstanceId) -> Vec<ExportView> {
        let all = exports::list(&self.worker.app, &self.operator, id, Page { before: None, limit: 20 }).await.unwrap();
        all.into_iter().filter(|it| it.is_final).collect()
    }

    /// The one that was begun is whole.
    pub async fn bundle(&self, id: InstanceId) {
        let begun = self.final_bundles(id).await.remove(0);
        self.sync_export(begun.id).await;
        self.told(whole()).await;
    }

    /// Closed, with its grace over, and what comes then begun.
    async fn closed(&self, id: InstanceId) {
        self.close_as(id, false).await;
        self.clock.advance(GRACE + TimeDelta::seconds(1));
        self.tick().await;
    }

    async fn key(&self, id: ExportId) -> Result<String, Error> {
        let shown = exports::key(&self.worker.app, &self.operator, id, None).await?;
        Ok(shown.done().unwrap().expose_secret().to_owned())
    }

    /// What holds the closing up.
    async fn closing_is_held_up(&self, id: InstanceId) -> Option<String> {
        self.view(id).await.operation.unwrap().failure.map(|it| format!("{}: {}", it.step, it.reason))
    }

    async fn fail_export(&self) {
        let failure = json!({"reason": "Media", "message": "a file could not be read"});
        self.told(json!({"finishedAt": "2026-01-01T00:00:00Z", "failure": failure, "conditions": []})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_server_leaves_a_bundle_and_its_key_for_ninety_days() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.closed(id).await;
    let [begun] = &ground.final_bundles(id).await[..] else { panic!("one") };
    assert_eq!(ground.view(id).await.phase, Phase::MakingFinalBundle);
    assert_eq!(ground.begin_export(id).await.unwrap_err().reason(), "export_under_way");
    let refused = exports::cancel(&ground.worker.app, &ground.operator, begun.id, None).await.unwrap_err();
    assert_eq!(refused.reason(), "final");

    ground.sync_export(begun.id).await;
    ground.settle(id).await;
    let row = ground.row(id).await;
    assert!(row.farewell_began_at.is_none() && row.teardown_began_at.is_none(), "it waits");
    assert_eq!(ground.final_bundles(id).await.len(), 1, "one is enough");
    let file = format!("{id}/{}/MANIFEST.json", begun.id);
    ground.bundles.put(&file);
    ground.told(whole()).await;
    ground.settle(id).await;

    let row = ground.row(id).await;
    assert!(row.farewell_began_at.is_some() && row.tombstoned_at.is_some());
    let [kept] = &ground.final_bundles(id).await[..] else { panic!("one") };
    assert_eq!((kept.state, kept.kept_until), (OperationState::Succeeded, row.tombstoned_at.map(|it| it + FINAL_KEPT)));
    let key: age::x25519::Identity = ground.key(kept.id).await.unwrap().parse().unwrap();
    assert_eq!(kept.recipients, [key.to_public().to_string()]);
    assert_eq!(exports::links(&ground.worker.app, &ground.operator, kept.id).await.unwrap().domain, DOMAIN);
    let mails = Mail::waiting(&mut *ground.conn().await, 20).await.unwrap();
    let told = mails.iter().find(|it| it.purpose == "server_gone").unwrap();
    assert!(told.text_body.contains(&format!("/servers/{id}/take-along")) && told.text_body.contains("is kept for you until"));

    ground.clock.advance(kept.kept_until.unwrap() - ground.clock.now());
    DeleteExports::default().work(&ground.worker).await.unwrap();
    assert_eq!(ground.bundles.keys(), Vec::<String>::new());
    assert_eq!(ground.key(kept.id).await.unwrap_err().reason(), "not_kept");
    assert!(!ground.final_bundles(id).await[0].can_show_key);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_sealed_to_the_keys_that_an_owner_took_it_along_with_last() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let own = ground.begin_export(id).await.unwrap();
    ground.sync_export(own.export).await;
    ground.told(whole()).await;
    ground.sync_export(own.export).await;
    ground.closed(id).await;
    let [begun] = &ground.final_bundles(id).await[..] else { panic!("one") };
    assert_eq!(begun.recipients, ground.export(own.export).await.recipients);
    assert!(!begun.can_show_key);
    assert_eq!(ground.key(begun.id).await.unwrap_err().reason(), "no_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_begun_anew_and_says_why_meanwhile() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.closed(id).await;
    let first = ground.final_bundles(id).await.remove(0);
    ground.sync_export(first.id).await;
    ground.bundles.put(&format!("{id}/{}/.journal/1", first.id));
    ground.fail_export().await;
    ground.settle(id).await;
    assert_eq!(ground.closing_is_held_up(id).await.as_deref(), Some("final_bundle: Media"));
    assert_eq!((ground.view(id).await.phase, ground.final_bundles(id).await.len()), (Phase::FinalBundleHeldUp, 1));

    ground.sync_export(first.id).await;
    ground.clock.advance(TimeDelta::minutes(15));
    ground.tick().await;
    assert_eq!((ground.closing_is_held_up(id).await, ground.view(id).await.phase), (None, Phase::MakingFinalBundle));
    let second = ground.final_bundles(id).await.remove(0);
    assert_ne!(first.id, second.id);
    // What the first one wrote goes, and only that.
    let file = format!("{id}/{}/MANIFEST.json", second.id);
    ground.bundles.put(&file);
    ground.sync_export(second.id).await;
    ground.told(whole()).await;
    ground.clock.advance(TimeDelta::days(1));
    DeleteExports::default().work(&ground.worker).await.unwrap();
    assert_eq!(ground.bundles.keys(), [file]);
    ground.settle(id).await;
    assert!(ground.row(id).await.tombstoned_at.is_some());
}

/// However long the farewell takes: its time begins anew when all else is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_farewell_that_is_held_up_for_long_loses_nothing() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.closed(id).await;
    let begun = ground.final_bundles(id).await.remove(0);
    ground.sync_export(begun.id).await;
    let file = format!("{id}/{}/MANIFEST.json", begun.id);
    ground.bundles.put(&file);
    ground.told(whole()).await;
    *ground.outside.answers.lock().unwrap() = false;
    ground.clock.advance(FINAL_KEPT * 2);
    ground.settle(id).await;
    DeleteExports::default().work(&ground.worker).await.unwrap();
    assert_eq!(ground.bundles.keys(), [file]);
    *ground.outside.answers.lock().unwrap() = true;
    ground.clock.advance(TimeDelta::minutes(1));
    ground.settle(id).await;
    let gone_at = ground.row(id).await.tombstoned_at.unwrap();
    assert_eq!(ground.final_bundles(id).await[0].kept_until, Some(gone_at + FINAL_KEPT));
}

#[tokio::test(flavor = "multi_thread")]
async fn keeping_the_server_ends_it() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.closed(id).await;
    let begun = ground.final_bundles(id).await.remove(0);
    ground.sync_export(begun.id).await;
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    assert_eq!(ground.export(begun.id).await.state, OperationState::Cancelled);
    ground.sync_export(begun.id).await;
    assert_eq!(ground.cluster.exports(), []);
    // Another closing makes another one.
    ground.settle(id).await;
    ground.closed(id).await;
    assert_eq!(ground.final_bundles(id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_runs_is_waited_for() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.close_as(id, false).await;
    let own = ground.begin_export(id).await.unwrap();
    ground.sync_export(own.export).await;
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.settle(id).await;
    assert_eq!((ground.final_bundles(id).await.len(), ground.row(id).await.farewell_began_at), (0, None));
    ground.told(whole()).await;
    ground.settle(id).await;
    assert_eq!(ground.final_bundles(id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_made_of_nothing_for_nobody_or_without_a_place() {
    let mut ground = Ground::new().await;
    let never_up = ground.launch("owls.fedi.localhost").await;
    ground.close_as(never_up, false).await;
    let declined = ground.running(DOMAIN).await;
    ground.close_as(declined, true).await;
    assert!(!ground.view(declined).await.leaving.unwrap().final_bundle);
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    for id in [never_up, declined] {
        ground.settle(id).await;
        assert!(ground.row(id).await.tombstoned_at.is_some());
        assert_eq!(ground.operation(id).await.steps[0].state, StepState::Skipped);
    }
    let placeless = ground.running("frogs.fedi.localhost").await;
    Arc::get_mut(&mut ground.worker).unwrap().app.bundles = None;
    ground.closed(placeless).await;
    ground.settle(placeless).await;
    assert!(ground.row(placeless).await.tombstoned_at.is_some());
    assert_eq!(ground.operation(placeless).await.steps[0].state, StepState::Skipped);
    // Taken back, a wish for none is forgotten.
    let kept = ground.running("toads.fedi.localhost").await;
    ground.close_as(kept, true).await;
    instances::undo(&ground.worker.app, &ground.operator, kept, None, None).await.unwrap();
    ground.close_as(kept, false).await;
    assert_eq!(ground.row(kept).await.final_bundle_declined_at, None);
}
