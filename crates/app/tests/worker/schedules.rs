//! Exports by schedule: at their time and once, sealed to what an owner's last one was sealed with, so many kept, and told of when they fail.

use howdah_app::exports::{self, Every, ExportRequest, ExportView, ScheduleRequest, ScheduleView, Words};
use howdah_app::jobs::DeleteExports;
use howdah_app::{Error, Page};
use howdah_db::models::mail::Mail;
use howdah_domain::{Clock, InstanceId, OperationState};
use serde_json::json;

use crate::exports::whole;
use crate::ground::{GRACE, Ground};

const DOMAIN: &str = "birds.fedi.localhost";

impl Ground {
    async fn set_schedule(&self, id: InstanceId, every: Option<Every>, keep: i16) -> Result<ScheduleView, Error> {
        exports::set_schedule(&self.worker.app, &self.operator, id, ScheduleRequest { every, keep }).await
    }

    async fn schedule(&self, id: InstanceId) -> ScheduleView {
        exports::schedule(&self.worker.app, &self.operator, id).await.unwrap()
    }

    /// The newest first.
    async fn scheduled(&self, id: InstanceId) -> Vec<ExportView> {
        let all = exports::list(&self.worker.app, &self.operator, id, Page { before: None, limit: 20 }).await.unwrap();
        all.into_iter().filter(|it| it.is_scheduled).collect()
    }

    /// An owner's, with a recovery phrase.
    async fn own(&self, id: InstanceId) -> ExportView {
        let begun = self.begin_export_as(id, &ExportRequest { words: Words::NewPhrase, ..ExportRequest::default() }).await.unwrap();
        self.sync_export(begun.export).await;
        self.told(whole()).await;
        self.sync_export(begun.export).await;
        self.export(begun.export).await
    }

    async fn until_due(&self, id: InstanceId) {
        let next = self.schedule(id).await.next_at.unwrap();
        self.clock.advance(next - self.clock.now());
        self.tick().await;
    }

    /// The one that was begun is whole, or not, with a file in the bucket.
    async fn ends(&self, id: InstanceId, is_whole: bool) -> String {
        let begun = self.scheduled(id).await.remove(0);
        self.sync_export(begun.id).await;
        let file = format!("{id}/{}/MANIFEST.json", begun.id);
        self.bundles.put(&file);
        let failure = json!({"reason": "Media", "message": "a file could not be read"});
        let failed = json!({"finishedAt": "2026-01-01T00:00:00Z", "failure": failure, "conditions": []});
        self.told(if is_whole { whole() } else { failed }).await;
        self.sync_export(begun.id).await;
        file
    }

    async fn delete_exports(&self) {
        DeleteExports::default().work(&self.worker).await.unwrap();
    }

    async fn mails_of(&self, purpose: &str) -> usize {
        let mails = Mail::waiting(&mut *self.conn().await, 50).await.unwrap();
        mails.iter().filter(|it| it.purpose == purpose).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_taken_along_when_it_is_due_and_so_many_are_kept() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    assert_eq!(ground.set_schedule(id, Some(Every::Day), 2).await.unwrap_err().reason(), "no_keys");
    let own = ground.own(id).await;
    assert_eq!(ground.set_schedule(id, Some(Every::Day), 0).await.unwrap_err().reason(), "invalid");
    let set = ground.set_schedule(id, Some(Every::Day), 2).await.unwrap();
    assert!(set.next_at.unwrap() > ground.clock.now() && set.can_be_set);
    ground.tick().await;
    assert_eq!(ground.scheduled(id).await, [], "it is not due");

    let mut files = Vec::new();
    for number in 1..=3 {
        ground.until_due(id).await;
        ground.tick().await;
        let begun = ground.scheduled(id).await.remove(0);
        assert_eq!(
            (ground.scheduled(id).await.len(), begun.state),
            (number, OperationState::Queued),
            "once, however often it is looked at"
        );
        assert_eq!((&begun.recipients, begun.opens_by_words), (&own.recipients, true));
        files.push(ground.ends(id, true).await);
    }
    let kept: Vec<bool> = ground.scheduled(id).await.iter().map(|it| it.kept_until.unwrap() > ground.clock.now()).collect();
    assert_eq!(kept, [true, true, false]);
    ground.delete_exports().await;
    let mut left = ground.bundles.keys();
    left.sort();
    files.remove(0);
    files.sort();
    assert_eq!(left, files);

    ground.set_schedule(id, None, 2).await.unwrap();
    ground.clock.advance(chrono::TimeDelta::days(2));
    ground.tick().await;
    assert_eq!((ground.scheduled(id).await.len(), ground.schedule(id).await.every), (3, None), "it is off");
}

/// However often it fails: what was good stays, and what the failed ones wrote goes.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_told_of_and_takes_nothing_away() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.own(id).await;
    ground.set_schedule(id, Some(Every::Week), 1).await.unwrap();
    ground.until_due(id).await;
    let good = ground.ends(id, true).await;
    for number in 1..=20 {
        ground.until_due(id).await;
        ground.ends(id, false).await;
        ground.delete_exports().await;
        assert_eq!(ground.mails_of("scheduled_export_failed").await, number);
    }
    ground.clock.advance(chrono::TimeDelta::days(2));
    ground.delete_exports().await;
    assert_eq!(ground.bundles.keys(), [good]);
}

/// It waits for an export that runs; a server that leaves has a final bundle instead, and one that stays goes on.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_beside_nothing_else() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.own(id).await;
    ground.set_schedule(id, Some(Every::Day), 3).await.unwrap();
    let running = ground.begin_export(id).await.unwrap();
    ground.until_due(id).await;
    assert_eq!(ground.scheduled(id).await, []);
    ground.sync_export(running.export).await;
    ground.told(whole()).await;
    ground.sync_export(running.export).await;
    ground.tick().await;
    assert_eq!(ground.scheduled(id).await.len(), 1);
    ground.ends(id, true).await;

    ground.close_as(id, false).await;
    ground.until_due(id).await;
    assert_eq!(ground.scheduled(id).await.len(), 1);
    assert!(ground.schedule(id).await.next_at.unwrap() > ground.clock.now());
    ground.clock.advance(GRACE);
    ground.settle(id).await;
    assert_eq!(ground.final_bundles(id).await.len(), 1);
}
