//! Copying from a bucket that misbehaves.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use howdah_bundle::{
    format::{MediaFile, Sha256Hex},
    media::{Body, Copied, Digest, Entry, Incoming, Kind, Limits, Listed, MediaError, Store, copy_all},
};
use tempfile::TempDir;

use crate::{
    bucket::{Asked, Bucket, Fault},
    disk,
};

/// Waits that a test can afford.
fn quick() -> Limits {
    Limits { small: 100_000, wait: Duration::from_millis(2), longest_wait: Duration::from_millis(8), ..Limits::default() }
}

fn name(number: usize) -> String {
    format!("media_attachments/files/000/000/{number:03}/original/a.png")
}

fn content(number: usize) -> Vec<u8> {
    vec![u8::try_from(number % 251).unwrap(); 100 + number]
}

async fn bucket(files: usize) -> Bucket {
    let bucket = Bucket::start().await;
    (0..files).for_each(|it| bucket.put(&name(it), content(it)));
    bucket
}

async fn wanted(store: &Store) -> Vec<Listed> {
    let entries = store.list("media_attachments/files/").map(|it| match it.unwrap() {
        Entry::File(file) => file,
        Entry::Skipped(it) => panic!("{it:?}"),
    });
    entries.collect().await
}

/// Where the files went, and how often the sink was called.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<BTreeMap<String, Vec<u8>>>>, Arc<AtomicUsize>);

impl Taken {
    async fn take(&self, incoming: Incoming) -> Result<(), MediaError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let content = match incoming.body {
            Body::Whole(content) => content.to_vec(),
            Body::Stream { stream, .. } => stream.try_collect::<Vec<_>>().await?.concat(),
        };
        self.0.lock().unwrap().insert(incoming.listed.key.to_string(), content);
        Ok(())
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Debug, Default)]
struct Outcome {
    files: Vec<MediaFile>,
    missing: Vec<Listed>,
    failed: Vec<(Listed, MediaError)>,
}

async fn copy(store: &Store, limits: Limits, wanted: Vec<Listed>, taken: &Taken) -> Result<Outcome, MediaError> {
    let taken = taken.clone();
    let sink = move |incoming| {
        let taken = taken.clone();
        async move { taken.take(incoming).await }
    };
    outcome(copy_all(store, limits, stream::iter(wanted.into_iter().map(Ok)), sink)).await
}

async fn outcome(copied: impl futures::Stream<Item = Result<Copied, MediaError>>) -> Result<Outcome, MediaError> {
    copied
        .try_fold(Outcome::default(), |mut outcome, copied| async {
            match copied {
                Copied::File(file) => outcome.files.push(file),
                Copied::Missing(listed) => outcome.missing.push(listed),
                Copied::Failed { listed, error } => outcome.failed.push((listed, error)),
            }
            Ok(outcome)
        })
        .await
}

fn assert_whole(outcome: &Outcome, taken: &Taken, files: usize) {
    assert_eq!((outcome.missing.len(), outcome.failed.len()), (0, 0), "{outcome:?}");
    assert_eq!((outcome.files.len(), taken.files().len()), (files, files));
    for file in &outcome.files {
        let taken = &taken.files()[file.key.as_str()];
        assert_eq!((file.bytes, file.sha256), (taken.len() as u64, Sha256Hex::of(taken)));
    }
    (0..files).for_each(|it| assert_eq!(taken.files()[&name(it)], content(it)));
}

/// A fault for the first of each file's requests.
fn first(fault: impl Fn(&str) -> Fault + Send + 'static) -> impl FnMut(&Asked) -> Option<Fault> + Send + 'static {
    let mut seen = std::collections::BTreeSet::new();
    move |asked| (asked.what.starts_with("GET ") && seen.insert(asked.what.clone())).then(|| fault(&asked.what))
}

#[tokio::test]
async fn every_file_comes_with_its_digest_and_what_the_store_says_of_it() {
    let bucket = bucket(300).await;
    let headers = [("content-type".to_owned(), "image/png".to_owned())];
    bucket.state().objects.values_mut().for_each(|it| it.headers = headers.clone().into());
    let (store, taken) = (bucket.store(), Taken::default());
    let wanted = wanted(&store).await;
    let outcome = copy(&store, quick(), wanted.clone(), &taken).await.unwrap();
    assert_whole(&outcome, &taken, 300);
    assert_eq!(taken.1.load(Ordering::Relaxed), 300);
    for file in &outcome.files {
        let listed = wanted.iter().find(|it| it.key == file.key).unwrap();
        assert_eq!((file.content_type.as_deref(), &file.etag, file.modified), (Some("image/png"), &listed.etag, listed.modified));
        assert!(listed.is_unchanged(file));
    }
    assert_eq!(bucket.asked().iter().filter(|it| it.starts_with("GET ")).count(), 300, "a request a file");
}

#[tokio::test]
async fn a_bad_moment_costs_another_try_and_nothing_else() {
    type Make = fn(&str) -> Fault;
    let faults: [Make; 6] = [
        |_| Fault::HangUp,
        |_| Fault::Status(500, "InternalError", vec![]),
        |_| Fault::Status(503, "SlowDown", vec![]),
        |_| Fault::BreakAfter(0),
        |_| Fault::BreakAfter(60),
        |_| Fault::Shorter(60),
    ];
    for fault in faults {
        let bucket = bucket(40).await;
        bucket.fail(first(fault));
        let (store, taken) = (bucket.store(), Taken::default());
        let outcome = copy(&store, quick(), wanted(&store).await, &taken).await.unwrap();
        assert_whole(&outcome, &taken, 40);
        assert_eq!(taken.1.load(Ordering::Relaxed), 40, "the sink got nothing that wasn't whole");
    }
}

#[tokio::test]
async fn what_differs_from_its_listing_is_never_called_good() {
    let bucket = bucket(3).await;
    bucket.state().objects.get_mut(&name(1)).unwrap().listed_bytes = Some(50);
    bucket.state().objects.get_mut(&name(2)).unwrap().listed_bytes = Some(5000);
    let (store, taken) = (bucket.store(), Taken::default());
    let outcome = copy(&store, quick(), wanted(&store).await, &taken).await.unwrap();
    assert_eq!((outcome.files.len(), taken.files().len(), outcome.failed.len()), (1, 1, 2));
    assert!(outcome.failed.iter().all(|(_, error)| matches!(error, MediaError::Length { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_file_that_is_gone_is_missing_and_one_that_is_kept_back_has_failed() {
    let bucket = bucket(30).await;
    let store = bucket.store();
    let wanted = wanted(&store).await;
    bucket.state().objects.remove(&name(7));
    let kept = format!("GET {}", name(8));
    bucket.fail(move |it| (it.what == kept).then(|| Fault::Status(403, "AccessDenied", vec![])));
    let taken = Taken::default();
    let outcome = copy(&store, quick(), wanted, &taken).await.unwrap();
    assert_eq!(outcome.missing.iter().map(|it| it.key.to_string()).collect::<Vec<_>>(), [name(7)]);
    assert_eq!(outcome.failed.iter().map(|it| it.0.key.to_string()).collect::<Vec<_>>(), [name(8)]);
    assert_eq!(outcome.files.len(), 28);
    assert_eq!(bucket.asked().iter().filter(|it| it.contains("/007/") || it.contains("/008/")).count(), 2, "neither is tried again");
}

#[tokio::test]
async fn a_store_that_is_down_ends_it() {
    let bucket = bucket(200).await;
    let store = bucket.store();
    let wanted = wanted(&store).await;
    bucket.fail(|_| Some(Fault::Status(500, "InternalError", vec![])));
    let limits = Limits { tries: 3, failures: 10, ..quick() };
    let error = copy(&store, limits, wanted.clone(), &Taken::default()).await.unwrap_err();
    assert!(matches!(error, MediaError::Unreachable { failures: 10, .. }), "{error}");

    bucket.fail(|_| Some(Fault::Status(403, "InvalidAccessKeyId", vec![])));
    let error = copy(&store, quick(), wanted, &Taken::default()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Fatal, "{error}");
}

#[tokio::test]
async fn as_many_at_a_time_as_the_store_bears() {
    let bucket = bucket(400).await;
    bucket.state().slow = Duration::from_millis(1);
    let (store, taken) = (bucket.store(), Taken::default());
    let wanted = wanted(&store).await;
    copy(&store, Limits { start: 4, most: 16, ..quick() }, wanted.clone(), &taken).await.unwrap();
    let most = bucket.state().most;
    assert!((12..=16).contains(&most), "it grows to the most, or near it on a busy machine: {most}");

    // A store that takes three at a time.
    let counting = bucket.clone();
    bucket.state().asked.clear();
    let now = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&now);
    counting.fail(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        None
    });
    bucket.state().limit = Some(3);
    let outcome = copy(&store, Limits { tries: 50, ..quick() }, wanted, &taken).await.unwrap();
    assert_whole(&outcome, &taken, 400);
    let refused = now.load(Ordering::Relaxed) - 400;
    assert!(refused < 400, "it learns: {refused} refusals");
}

#[tokio::test]
async fn a_store_that_asks_to_wait_is_not_asked_meanwhile() {
    let bucket = bucket(60).await;
    let store = bucket.store();
    let wanted = wanted(&store).await;
    let told: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let telling = Arc::clone(&told);
    bucket.fail(move |_| {
        let mut told = telling.lock().unwrap();
        told.push(Instant::now());
        (told.len() == 20).then(|| Fault::Status(503, "SlowDown", vec![("retry-after", "1".to_owned())]))
    });
    let outcome = copy(&store, Limits { start: 4, most: 4, ..quick() }, wanted, &Taken::default()).await.unwrap();
    assert_eq!(outcome.files.len(), 60);
    let told = told.lock().unwrap();
    // Those that were under way are answered still.
    let after = told.iter().filter(|it| **it > told[19] + Duration::from_millis(200)).min().unwrap();
    assert!(*after - told[19] > Duration::from_millis(950), "{:?}", *after - told[19]);
}

fn large() -> Vec<u8> {
    (0..300_000_u32).map(|it| it.to_le_bytes()[0] ^ it.to_le_bytes()[1]).collect()
}

#[tokio::test]
async fn a_large_file_goes_on_where_its_connection_broke() {
    let bucket = Bucket::start().await;
    bucket.put(&name(1), large());
    let mut breaks = vec![Fault::BreakAfter(10_000), Fault::HangUp, Fault::BreakAfter(100_000)];
    bucket.fail(move |it| if it.what.starts_with("GET ") { breaks.pop() } else { None });
    let (store, taken) = (bucket.store(), Taken::default());
    let outcome = copy(&store, quick(), wanted(&store).await, &taken).await.unwrap();
    assert_eq!(outcome.files[0].sha256, Sha256Hex::of(&large()));
    assert!(taken.files()[&name(1)] == large());
    assert_eq!(taken.1.load(Ordering::Relaxed), 1, "the sink sees nothing of it");
    let ranges: Vec<_> = bucket.state().asked.iter().filter_map(|it| it.headers.get("range").cloned()).collect();
    assert_eq!(ranges, ["bytes=100000-", "bytes=100000-", "bytes=110000-"]);
}

#[tokio::test]
async fn a_large_file_that_was_replaced_meanwhile_is_read_anew() {
    let bucket = Bucket::start().await;
    bucket.put(&name(1), large());
    let (store, taken) = (bucket.store(), Taken::default());
    let wanted = wanted(&store).await;
    let mut other = large();
    other.reverse();
    let (changing, new) = (bucket.clone(), other.clone());
    let mut broken = false;
    bucket.fail(move |_| (!std::mem::replace(&mut broken, true)).then_some(Fault::BreakAfter(100_000)));
    let sink = {
        let taken = taken.clone();
        move |incoming: Incoming| {
            // It is replaced as soon as its first bytes have come.
            changing.put(&name(1), new.clone());
            let taken = taken.clone();
            async move { taken.take(incoming).await }
        }
    };
    let outcome = outcome(copy_all(&store, quick(), stream::iter(wanted.into_iter().map(Ok)), sink)).await.unwrap();
    assert_eq!(outcome.files[0].sha256, Sha256Hex::of(&other));
    assert!(taken.files()[&name(1)] == other, "and not half of each");
}

#[tokio::test]
async fn a_large_file_that_is_shorter_than_listed_is_never_called_good() {
    let bucket = Bucket::start().await;
    bucket.put(&name(1), large());
    bucket.state().objects.get_mut(&name(1)).unwrap().listed_bytes = Some(300_001);
    let (store, taken) = (bucket.store(), Taken::default());
    let outcome = copy(&store, quick(), wanted(&store).await, &taken).await.unwrap();
    assert_eq!((outcome.failed.len(), taken.files().len()), (1, 0), "{outcome:?}");
}

#[tokio::test]
async fn a_sink_that_fails_ends_it_and_one_that_takes_too_little_too() {
    let bucket = bucket(20).await;
    bucket.put(&name(500), large());
    let store = bucket.store();
    let wanted = wanted(&store).await;
    let full = |incoming: Incoming| async move {
        Err(MediaError::Sink { name: incoming.listed.key.to_string(), source: "the disk is full".into() })
    };
    let error = outcome(copy_all(&store, quick(), stream::iter(wanted.clone().into_iter().map(Ok)), full)).await.unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    let lazy = |_: Incoming| async { Ok(()) };
    let error = outcome(copy_all(&store, quick(), stream::iter(wanted.into_iter().map(Ok)), lazy)).await.unwrap_err();
    assert!(error.to_string().contains("of its 300000 bytes"), "{error}");
}

#[tokio::test]
async fn from_a_folder_into_a_bucket_that_is_overloaded_and_back() {
    let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    (0..60).for_each(|it| disk::write(from.path(), &name(it), content(it)));
    disk::write(from.path(), &name(500), large());
    let bucket = Bucket::start().await;
    let mut nth = 0;
    bucket.fail(move |_| {
        nth += 1;
        (nth % 3 == 0).then(|| Fault::Status(503, "SlowDown", vec![]))
    });
    let (source, there, back) = (disk::store(from.path()), bucket.store(), disk::store(to.path()));
    for (source, target) in [(&source, &there), (&there, &back)] {
        let target = target.clone();
        let sink = move |incoming: Incoming| {
            let target = target.clone();
            async move {
                let digest = incoming.sha256.map_or(Digest::Unknown, Digest::Computed);
                target.put(&incoming.listed.key, &incoming.attributes, digest, incoming.body).await.map(drop)
            }
        };
        let wanted = stream::iter(wanted(source).await.into_iter().map(Ok));
        let outcome = outcome(copy_all(source, quick(), wanted, sink)).await.unwrap();
        assert_eq!((outcome.files.len(), outcome.failed.len()), (61, 0), "{:?}", outcome.failed);
    }
    for number in (0..60).chain([500]) {
        let (before, after) = (from.path().join(name(number)), to.path().join(name(number)));
        assert!(std::fs::read(before).unwrap() == std::fs::read(after).unwrap());
    }
}

#[tokio::test]
async fn what_is_held_is_bounded() {
    let bucket = Bucket::start().await;
    (0..100).for_each(|it| bucket.put(&name(it), vec![1; 10 << 10]));
    let store = bucket.store();
    let (held, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let sink = {
        let (held, most) = (Arc::clone(&held), Arc::clone(&most));
        move |_: Incoming| {
            let (held, most) = (Arc::clone(&held), Arc::clone(&most));
            async move {
                most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                held.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        }
    };
    let limits = Limits { start: 64, held: 100 << 10, ..quick() };
    let outcome = outcome(copy_all(&store, limits, stream::iter(wanted(&store).await.into_iter().map(Ok)), sink)).await.unwrap();
    assert_eq!(outcome.files.len(), 100);
    assert!(most.load(Ordering::SeqCst) <= 10, "ten of them are 100 KiB");
}

#[tokio::test]
async fn what_an_earlier_pass_has_is_not_read_again() {
    let bucket = bucket(5).await;
    let (store, taken) = (bucket.store(), Taken::default());
    let before = copy(&store, quick(), wanted(&store).await, &taken).await.unwrap().files;
    bucket.put(&name(2), vec![7; 102]);
    bucket.put(&name(3), content(4));
    bucket.put(&name(9), content(9));
    bucket.state().asked.clear();
    let known = |listed: &Listed| before.iter().any(|file| listed.is_unchanged(file));
    let changed: Vec<_> = wanted(&store).await.into_iter().filter(|it| !known(it)).collect();
    assert_eq!(changed.iter().map(|it| it.key.to_string()).collect::<Vec<_>>(), [name(2), name(3), name(9)]);
    assert_eq!(bucket.asked().len(), 1, "from the listing alone");

    let folder = TempDir::new().unwrap();
    disk::write(folder.path(), &name(1), "1");
    let on_disk = disk::store(folder.path());
    let before = copy(&on_disk, quick(), wanted(&on_disk).await, &taken).await.unwrap().files;
    assert!(wanted(&on_disk).await[0].is_unchanged(&before[0]));
    let file = std::fs::File::options().write(true).open(folder.path().join(name(1))).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert!(!wanted(&on_disk).await[0].is_unchanged(&before[0]));
}
