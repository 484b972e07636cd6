//! A bundle that is loaded more than once: what says that it was, and what of its media is moved again.

use howdah_bundle::create::{self, SealWith};
use howdah_bundle::load::{Duplicates, Mark};
use howdah_bundle::media::Store;
use howdah_bundle::restore::{self, RestoreError, is_marked};

use crate::bucket::Bucket;
use crate::server::{FILES, OWN, Server, content, now, place};
use crate::support::TestDatabase;

fn mark(text: &str) -> Mark {
    text.parse().unwrap()
}

struct Made {
    _server: Server,
    folder: tempfile::TempDir,
}

impl Made {
    async fn new() -> Self {
        let (server, folder) = (Server::new().await, tempfile::tempdir().unwrap());
        create::create(server.options(place(folder.path()), SealWith::Plain), &now, &|_| {}).await.unwrap();
        Self { _server: server, folder }
    }

    async fn restore(&self, target: &TestDatabase, pass: &str, media_to: Option<Store>) -> Result<restore::Restored, RestoreError> {
        let options = restore::Options {
            from: &place(self.folder.path()),
            identities: None,
            signers: &[],
            database: target.settings(),
            duplicates: Duplicates::Refuse,
            mark: Some(mark(pass)),
            manifest_sha256: None,
            media_to,
            env_to: None,
        };
        restore::restore(options, &|_| {}).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mark_is_there_with_the_rows_and_not_without() {
    let made = Made::new().await;
    let target = TestDatabase::schema_only().await;
    let marked = async |text| is_marked(&target.settings(), &mark(text)).await.unwrap();
    let dump = made.folder.path().join("postgres/mastodon_production.dump");
    let whole = std::fs::read(&dump).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    std::fs::write(&dump, flipped).unwrap();
    assert!(matches!(made.restore(&target, "a/1", None).await, Err(RestoreError::Load(_))));
    assert!(!marked("a/1").await);

    std::fs::write(&dump, whole).unwrap();
    made.restore(&target, "a/1", None).await.unwrap();
    assert_eq!([marked("a/1").await, marked("a/2").await, marked("a").await], [true, false, false]);
    assert!(matches!(made.restore(&target, "a/1", None).await, Err(RestoreError::Load(_))), "its rows are there");
    // What takes the rows takes the mark.
    target.owner("DROP TABLE accounts CASCADE").await;
    assert!(!marked("a/1").await);
    assert!(!is_marked(&TestDatabase::empty().await.settings(), &mark("a/1")).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_media_that_is_not_the_same_is_put_again() {
    let made = Made::new().await;
    let bucket = Bucket::start().await;
    let puts = || bucket.asked().into_iter().filter_map(|it| it.strip_prefix("PUT ").map(str::to_owned)).collect::<Vec<_>>();
    let restored = made.restore(&TestDatabase::schema_only().await, "a/1", Some(bucket.store())).await.unwrap();
    assert_eq!((restored.media, puts().len()), (OWN as u64, OWN));
    assert!(!bucket.asked().iter().any(|it| it.starts_with("HEAD ")), "an empty bucket is asked for nothing");

    // In the rehearsal one was deleted, one written over with as many other bytes, and one with more; and one is of another store's tools.
    let [(gone, _), (over, bytes), (longer, _), (foreign, size)] = [FILES[0], FILES[1], FILES[3], FILES[4]];
    bucket.state().objects.remove(gone);
    bucket.put(over, vec![b'x'; bytes]);
    bucket.put(longer, vec![b'x'; 10_000]);
    bucket.put(foreign, content(foreign, size));
    bucket.state().asked.clear();
    let restored = made.restore(&TestDatabase::schema_only().await, "a/2", Some(bucket.store())).await.unwrap();
    assert_eq!(restored.media, OWN as u64);
    let mut again = puts();
    again.sort();
    let mut wanted = [gone, over, longer, foreign];
    wanted.sort_unstable();
    assert_eq!(again, wanted);
    for (key, bytes) in &FILES[..OWN] {
        assert!(bucket.state().objects[*key].content == content(key, *bytes), "{key}");
    }
}
