//! Bundles that are pulled: a Job, its key, its end, and what is forgotten then. And how much comes in, by whichever way.

use chrono::TimeDelta;
use howdah_app::imports::{self, Announced, ImportLaunch, ImportSource, ImportState, PullFrom, PullReport, PullRun as Run, PullView, Put};
use howdah_app::jobs::{DeleteExports, SyncPull};
use howdah_app::ports::PullRun;
use howdah_app::{Error, Once};
use howdah_db::models::import_pull::ImportPull;
use howdah_domain::ImportId;
use howdah_testkit::arriving::bundle;

use crate::ground::Ground;

const URL: &str = "https://birds.test/b.tar?signature=secret";
const DOMAIN: &str = "birds.test";
const GIB: u64 = 1 << 30;

impl Ground {
    async fn empty_import(&self) -> ImportId {
        imports::begin(&self.worker.app, &self.operator, ImportSource::Upload, None).await.unwrap().done().unwrap()
    }

    async fn begin_pull(&self, id: ImportId) -> Result<(), Error> {
        imports::pull(&self.worker.app, &self.operator, id, &PullFrom::Url(URL.to_owned().into()), None).await.map(drop)
    }

    async fn sync_pull(&self, id: ImportId) {
        SyncPull::of(id.as_uuid()).work(&self.worker).await.unwrap();
    }

    async fn pulled(&self, id: ImportId) -> PullView {
        imports::get(&self.worker.app, &self.operator, id).await.unwrap().pull.unwrap()
    }

    /// As the Job, by what it was given.
    async fn run(&self, id: ImportId) -> Result<Run, Error> {
        let key = self.cluster.pulls().pop().unwrap()["HOWDAH_PULL_KEY"].clone();
        imports::pull_run(&self.worker.app, id, &key).await
    }

    async fn tells(&self, id: ImportId, report: PullReport) {
        let run = self.run(id).await.unwrap();
        imports::report_pull(&self.worker.app, &run, &report).await.unwrap();
    }

    async fn is_forgotten(&self, id: ImportId) -> bool {
        let pull = ImportPull::of(&mut *self.conn().await, id.as_uuid()).await.unwrap().unwrap();
        pull.secret(&self.worker.app.keys).unwrap().is_none()
    }

    async fn offer(&self, id: ImportId, path: &str, bytes: u64) -> Result<Put, Error> {
        let files = [Announced { path: path.to_owned(), bytes }];
        Ok(imports::offer(&self.worker.app, &self.operator, id, None, &files).await?.pop().unwrap().put)
    }
}

fn file(number: u32) -> String {
    format!("media/accounts/avatars/{number}/original/a.png")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_pulled_and_looked_into() {
    let ground = Ground::new().await;
    let id = ground.empty_import().await;
    ground.begin_pull(id).await.unwrap();
    let queued = ground.pulled(id).await;
    assert_eq!((queued.state.as_str(), queued.source.as_str()), ("queued", "https://birds.test/b.tar"), "{queued:?}");
    assert_eq!(ground.begin_pull(id).await.unwrap_err().reason(), "pulling");

    ground.sync_pull(id).await;
    ground.sync_pull(id).await;
    let [environment] = &ground.cluster.pulls()[..] else { panic!("one Job") };
    assert_eq!(environment["HOWDAH_PULL_FROM"], URL);
    assert!(environment["HOWDAH_PULL_TO"].ends_with(&format!("/api/v1/pulls/{id}")));
    let run = ground.run(id).await.unwrap();
    let files = [Announced { path: "PREFLIGHT.json".to_owned(), bytes: 7 }];
    let offered = imports::offer_to_pull(&ground.worker.app, &run, None, &files).await.unwrap();
    assert!(matches!(&offered[0].put, Put::Whole(url) if url.as_str().contains("of=7")), "{offered:?}");
    ground.tells(id, PullReport { files: 3, bytes: 70, sentence: Some("cut\noff".to_owned()), ..PullReport::default() }).await;
    let running = ground.pulled(id).await;
    assert_eq!((running.state.as_str(), running.files, running.bytes, running.sentence.as_deref()), ("running", 3, 70, Some("cutoff")));
    assert_eq!(ground.launched(id).await.unwrap_err().reason(), "not_acceptable", "there is no bundle yet");

    ground.bundles.put_all(&format!("imports/{id}"), &bundle(DOMAIN, "4.5.11").files);
    ground.tells(id, PullReport { is_done: true, files: 9, bytes: 90, ..PullReport::default() }).await;
    assert!(matches!(ground.run(id).await, Err(Error::Unauthenticated)), "its key is good for nothing any more");
    ground.sync_pull(id).await;
    assert!(ground.cluster.pulls().is_empty() && ground.is_forgotten(id).await);
    let whole = imports::get(&ground.worker.app, &ground.operator, id).await.unwrap();
    assert!(whole.seen.unwrap().holds(), "nobody has to ask for the look");
    assert_eq!(whole.pull.unwrap().state, "done");
}

impl Ground {
    async fn launched(&self, id: ImportId) -> Result<(), Error> {
        let request = ImportLaunch { plan: "small".to_owned(), ..ImportLaunch::default() };
        imports::launch(&self.worker.app, &self.operator, id, &request, None).await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_breaks_off_says_why_and_can_be_begun_again() {
    let ground = Ground::new().await;
    let id = ground.empty_import().await;
    ground.begin_pull(id).await.unwrap();
    ground.sync_pull(id).await;
    let first = ground.cluster.pulls().pop().unwrap()["HOWDAH_PULL_KEY"].clone();
    ground.tells(id, PullReport { sentence: Some("birds.test answered 404".to_owned()), ..PullReport::default() }).await;
    ground.cluster.end_pulls(PullRun::Failed);
    ground.sync_pull(id).await;
    ground.sync_pull(id).await;
    let failed = ground.pulled(id).await;
    assert_eq!((failed.state.as_str(), failed.sentence.as_deref()), ("failed", Some("birds.test answered 404")));
    assert!(ground.cluster.pulls().is_empty() && ground.is_forgotten(id).await);

    ground.begin_pull(id).await.unwrap();
    ground.sync_pull(id).await;
    assert!(matches!(imports::pull_run(&ground.worker.app, id, &first).await, Err(Error::Unauthenticated)));
    let other = ground.empty_import().await;
    let second = ground.cluster.pulls().pop().unwrap()["HOWDAH_PULL_KEY"].clone();
    assert!(matches!(imports::pull_run(&ground.worker.app, other, &second).await, Err(Error::Unauthenticated)), "of another import");
    ground.cluster.lose_pulls();
    ground.sync_pull(id).await;
    assert_eq!(ground.cluster.pulls().len(), 1, "one that was lost is begun again");
    *ground.cluster.away.lock().unwrap() = true;
    ground.sync_pull(id).await;
    *ground.cluster.away.lock().unwrap() = false;
    assert_eq!(ground.pulled(id).await.state, "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_platform_has_no_place_for_it_that_is_said() {
    let ground = Ground::new().await;
    let id = ground.empty_import().await;
    ground.begin_pull(id).await.unwrap();
    *ground.cluster.refusal.lock().unwrap() = Some("no PodTemplate".to_owned());
    ground.sync_pull(id).await;
    let failed = ground.pulled(id).await;
    assert!(failed.state == "failed" && failed.sentence.unwrap().contains("from a computer"));
    assert!(ground.is_forgotten(id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_stopped_and_goes_with_its_import() {
    let ground = Ground::new().await;
    let app = &ground.worker.app;
    let id = ground.empty_import().await;
    assert_eq!(imports::stop_pull(app, &ground.operator, id, None).await.unwrap_err().reason(), "not_pulling");
    ground.begin_pull(id).await.unwrap();
    ground.sync_pull(id).await;
    let eve = ground.stranger("eve@cats.example").await;
    assert_eq!(imports::stop_pull(app, &eve, id, None).await.unwrap_err().reason(), "not_found");
    let arriving = bundle(DOMAIN, "4.5.11");
    ground.bundles.put_all(&format!("imports/{id}"), &arriving.files);
    let request = ImportLaunch { plan: "small".to_owned(), key: arriving.key.into(), ..ImportLaunch::default() };
    let early = imports::launch(app, &ground.operator, id, &request, None).await.unwrap_err();
    assert_eq!(early.reason(), "pulling", "what is being changed is not launched");
    let Once::Done(_) = imports::stop_pull(app, &ground.operator, id, None).await.unwrap() else { panic!() };
    ground.sync_pull(id).await;
    assert!(ground.cluster.pulls().is_empty() && ground.is_forgotten(id).await);
    assert_eq!(ground.pulled(id).await.sentence.as_deref(), Some("It was stopped."));

    ground.begin_pull(id).await.unwrap();
    ground.sync_pull(id).await;
    imports::discard(app, &ground.operator, id, "", None).await.unwrap();
    ground.sync_pull(id).await;
    assert!(ground.cluster.pulls().is_empty() && ground.is_forgotten(id).await);
    assert_eq!(ground.begin_pull(id).await.unwrap_err().reason(), "not_kept");
}

/// What a run left in the cluster would be taken for the next one's.
#[tokio::test(flavor = "multi_thread")]
async fn a_pull_is_begun_again_once_the_one_before_is_put_away() {
    let ground = Ground::new().await;
    let id = ground.empty_import().await;
    ground.begin_pull(id).await.unwrap();
    ground.sync_pull(id).await;
    let [first] = &ground.cluster.pulls()[..] else { panic!("one Job") };
    imports::stop_pull(&ground.worker.app, &ground.operator, id, None).await.unwrap();
    assert_eq!(ground.begin_pull(id).await.unwrap_err().reason(), "putting_away");
    ground.sync_pull(id).await;
    assert!(ground.cluster.pulls().is_empty());
    ground.begin_pull(id).await.unwrap();
    ground.sync_pull(id).await;
    let [second] = &ground.cluster.pulls()[..] else { panic!("one Job") };
    assert_ne!(first["HOWDAH_PULL_KEY"], second["HOWDAH_PULL_KEY"]);
}

/// What is large comes in parts, and the store keeps which are there.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_whole_once_its_parts_are_there() {
    let ground = Ground::new().await;
    let (id, dump) = (ground.empty_import().await, "postgres/mastodon_production.dump.age");
    let (part, bytes) = (8 << 20, (16 << 20) + 5);
    let Put::Parts(parts) = ground.offer(id, dump, bytes).await.unwrap() else { panic!("in parts") };
    assert_eq!(parts.iter().map(|it| (it.offset, it.bytes)).collect::<Vec<_>>(), [(0, part), (part, part), (2 * part, 5)]);
    assert!(parts[2].url.as_str().contains("of=5"), "as long as announced, and no longer");
    let key = format!("imports/{id}/{dump}");
    for (number, bytes) in [(1, part), (3, 5)] {
        ground.bundles.put_part(&key, number, bytes);
    }
    let Put::Parts(left) = ground.offer(id, dump, bytes).await.unwrap() else { panic!("one is missing") };
    assert_eq!(left.iter().map(|it| it.offset).collect::<Vec<_>>(), [part]);
    ground.bundles.put_part(&key, 2, part);
    assert_eq!(ground.offer(id, dump, bytes).await.unwrap(), Put::There);
    assert_eq!(ground.offer(id, dump, bytes).await.unwrap(), Put::There);
    assert!(matches!(ground.offer(id, dump, bytes + 1).await.unwrap(), Put::Parts(_)), "another file of that name");
    for (number, bytes) in [(1, part), (2, part), (3, part), (4, 5)] {
        ground.bundles.put_part(&key, number, bytes);
    }
    assert_eq!(ground.offer(id, dump, 3 * part).await.unwrap(), Put::There, "without what it had when it was longer");
    assert_eq!(ground.offer(id, dump, 3 * part).await.unwrap(), Put::There, "of that length");
    assert!(matches!(ground.offer(id, dump, 6 << 40).await, Err(Error::Invalid { .. })));
}

/// A bundle that is made anew has files as long as those of the one before, and they are others.
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_there_of_another_bundle_is_brought_anew() {
    let ground = Ground::new().await;
    let (id, dump) = (ground.empty_import().await, "postgres/mastodon_production.dump.age");
    let offer = async |of: char, path: &str, bytes| {
        let files = [Announced { path: path.to_owned(), bytes }];
        let of = of.to_string().repeat(64);
        imports::offer(&ground.worker.app, &ground.operator, id, Some(&of), &files).await.map(|mut it| it.pop().unwrap().put)
    };
    let put = |path: &str| ground.bundles.put_bytes(&format!("imports/{id}/{path}"), b"123");
    for path in ["env/secrets.env.age", &file(0), "media/INVENTORY.ndjson"] {
        assert!(matches!(offer('a', path, 3).await.unwrap(), Put::Whole(_)), "{path}");
        put(path);
        assert_eq!(offer('a', path, 3).await.unwrap(), Put::There, "{path}");
    }
    assert!(matches!(offer('a', dump, 9 << 20).await.unwrap(), Put::Parts(_)));
    ground.bundles.put_part(&format!("imports/{id}/{dump}"), 1, 8 << 20);

    // What of the first goes takes no room from the second.
    let full = format!("UPDATE imports SET counted_bytes = {}, offered_bytes = 0 WHERE id = '{id}'", i64::MAX);
    ground.database.execute(&full).await;
    let Put::Parts(parts) = offer('b', dump, 9 << 20).await.unwrap() else { panic!("none is there") };
    assert_eq!(parts.len(), 2, "the first was another one's");
    assert_eq!(offer('b', &file(0), 3).await.unwrap(), Put::There, "its name is its own");
    for path in ["env/secrets.env.age", "media/INVENTORY.ndjson"] {
        assert!(matches!(offer('b', path, 3).await.unwrap(), Put::Whole(_)), "{path}");
        put(path);
        assert_eq!(offer('b', path, 3).await.unwrap(), Put::There, "{path}");
    }
    assert!(matches!(offer('x', dump, 3).await, Err(Error::Invalid { .. })));
}

/// Links for more than a server may have are not handed out; what was never brought counts no more once its links have ended.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_takes_no_more_than_a_server_may_have() {
    let ground = Ground::new().await;
    let largest = ground.worker.app.plans.iter().map(|it| u64::from(it.included.own_media_gib)).max().unwrap();
    let most = (largest + 100) * GIB;
    let id = ground.empty_import().await;
    // A few links at a time count, each part by itself: so ask for whole files.
    let ask = async |id, number| ground.offer(id, &file(number), 8 << 20).await;
    ask(id, 0).await.unwrap();
    set(&ground, id, most - (8 << 20) + 1).await;
    assert!(matches!(ask(id, 1).await, Err(Error::RateLimited { .. })), "links for all of it may still be used");
    ground.clock.advance(TimeDelta::minutes(16));
    ask(id, 1).await.unwrap();
    assert_eq!(counted(&ground, id).await, (0, 8 << 20), "nothing was ever brought");

    set(&ground, id, most - 1).await;
    ground.clock.advance(TimeDelta::minutes(16));
    ground.bundles.put_part(&format!("imports/{id}/{}", file(2)), 1, most - 1);
    assert_eq!(ask(id, 3).await.unwrap_err().reason(), "too_much", "parts are as long as a file");
    let upload = howdah_app::ports::Bundles::upload(&*ground.bundles, &format!("imports/{id}"), &file(2)).await.unwrap();
    howdah_app::ports::Bundles::complete(&*ground.bundles, &upload).await.unwrap();
    assert_eq!(ask(id, 3).await.unwrap_err().reason(), "too_much");

    let (second, third) = (ground.empty_import().await, ground.empty_import().await);
    set(&ground, second, most - (4 << 20)).await;
    assert!(ask(third, 0).await.is_err(), "of one account, not without end");
}

/// Of one account at once: what either takes is counted by both, under the lock of its row.
#[tokio::test(flavor = "multi_thread")]
async fn imports_of_one_account_that_take_at_once_count_each_other() {
    let ground = Ground::new().await;
    let largest = ground.worker.app.plans.iter().map(|it| u64::from(it.included.own_media_gib)).max().unwrap();
    let most = (largest + 100) * GIB;
    let [first, second, third, fourth] =
        [ground.empty_import().await, ground.empty_import().await, ground.empty_import().await, ground.empty_import().await];
    set(&ground, third, most).await;
    set(&ground, fourth, most - (8 << 20)).await;
    let path = file(0);
    let held = ground.database.hold(&format!("SELECT FROM accounts WHERE id = '{}' FOR UPDATE", ground.operator.account)).await;
    let (one, other, ()) =
        tokio::join!(ground.offer(first, &path, 5 << 20), ground.offer(second, &path, 5 << 20), held.until_waited_for(2));
    assert!(one.is_ok() != other.is_ok(), "there is room for one: {one:?} {other:?}");
}

/// As if links for so much had been handed out.
async fn set(ground: &Ground, id: ImportId, bytes: u64) {
    ground
        .database
        .execute(&format!("UPDATE imports SET offered_bytes = {bytes}, offered_at = coalesce(offered_at, created_at) WHERE id = '{id}'"))
        .await;
}

async fn counted(ground: &Ground, id: ImportId) -> (i64, i64) {
    let import = howdah_db::models::import::Import::by_id(&mut *ground.conn().await, id.as_uuid()).await.unwrap().unwrap();
    (import.counted_bytes, import.offered_bytes)
}

/// A link outlives the import by minutes: what comes by it goes, too.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_goes_with_the_rest() {
    let ground = Ground::new().await;
    let id = ground.empty_import().await;
    ground.offer(id, &file(0), 3).await.unwrap();
    imports::discard(&ground.worker.app, &ground.operator, id, "", None).await.unwrap();
    assert_eq!(imports::get(&ground.worker.app, &ground.operator, id).await.unwrap().state, ImportState::Gone);
    DeleteExports::default().work(&ground.worker).await.unwrap();
    ground.bundles.put(&format!("imports/{id}/{}", file(0)));
    ground.clock.advance(TimeDelta::minutes(31));
    DeleteExports::default().work(&ground.worker).await.unwrap();
    assert_eq!(ground.bundles.keys(), Vec::<String>::new());
    ground.bundles.put(&format!("imports/{id}/{}", file(1)));
    DeleteExports::default().work(&ground.worker).await.unwrap();
    assert_eq!(ground.bundles.keys().len(), 1, "nobody has a link any more, so nobody looks");
}
