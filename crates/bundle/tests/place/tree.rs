use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::atomic::Ordering};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use howdah_bundle::{
    format::{BundlePath, Consistency, MANIFEST, PREFLIGHT, Seal, VERIFY},
    place::{Body, Media, Place, PlaceError, Reader, Run, Writer},
};

use crate::sample::{Source, at, bundle, held, make, open, path, run};

fn modes(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let metadata = entry.metadata().unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode, if metadata.is_dir() { 0o700 } else { 0o600 }, "{}", entry.path().display());
        if metadata.is_dir() {
            modes(&entry.path());
        }
    }
}

#[tokio::test]
async fn a_tree_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a/bundle");
    let place = Place::Directory(root.clone());
    let source = Source::small();
    make(&place, &source).await.unwrap();
    held(&place).await.is_of(&source);
    modes(&root);
    let left = fs::read_dir(&root).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).filter(|it| it.starts_with('.'));
    assert_eq!(left.count(), 0, "nothing of the writer's stays");

    let missing = bundle(&place).await.open(&path("RESTORE.md")).await.err().unwrap();
    assert!(matches!(missing, PlaceError::Missing { .. }), "{missing}");
    let large = bundle(&place).await.read_small(&path(PREFLIGHT), 3).await.unwrap_err();
    assert!(matches!(large, PlaceError::Large { limit: 3, .. }), "{large}");
}

#[tokio::test]
async fn a_place_that_holds_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Directory(folder.path().to_owned());
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    assert!(matches!(make(&place, &Source::small()).await, Err(PlaceError::Foreign { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fs::remove_file(folder.path().join("letter.txt")).unwrap();

    make(&place, &Source::small()).await.unwrap();
    let again = make(&place, &Source::small()).await.unwrap_err();
    assert!(matches!(again, PlaceError::Whole { .. }), "{again}");
    held(&place).await.is_of(&Source::small());
}

#[tokio::test]
async fn another_run_is_refused_and_says_how_it_differs() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Directory(folder.path().to_owned());
    drop(Writer::open(&place, run(), None, None).await.unwrap());
    let other = |change: fn(&mut Run)| {
        let mut run = run();
        change(&mut run);
        run
    };
    for (run, words) in [
        (other(|it| it.domain = "other.example".to_owned()), ["for example.org", "for other.example"]),
        (other(|it| it.consistency = Consistency::Stopped), ["as `live`", "as `stopped`"]),
        (other(|it| it.seal = Seal::Plain), ["sealed to age1one", "in plain"]),
        (other(|it| it.earlier = Some("/b".to_owned())), ["from nothing", "on the bundle in /b"]),
    ] {
        let refused = Writer::open(&place, run, None, None).await.err().unwrap().to_string();
        assert!(words.iter().all(|it| refused.contains(it)), "{refused}");
    }
    let later = other(|it| it.started_at = at(500));
    assert_eq!(Writer::open(&place, later, None, None).await.unwrap().run().started_at, at(0), "the bundle's start is the first run's");
}

#[tokio::test]
async fn two_do_not_write_to_one_place() {
    let folder = tempfile::tempdir().unwrap();
    for place in [Place::Directory(folder.path().join("tree")), Place::TarFile(folder.path().join("b.tar"))] {
        let first = Writer::open(&place, run(), None, None).await.unwrap();
        assert!(matches!(Writer::open(&place, run(), None, None).await, Err(PlaceError::Busy { .. })));
        drop(first);
        Writer::open(&place, run(), None, None).await.unwrap();
    }
}

fn media(key: &str, bytes: u64) -> Media {
    let key = howdah_bundle::format::MediaKey::parse(key).unwrap();
    Media { key, bytes, content_type: None, cache_control: None, acl: None, etag: None, modified: Some(at(1)) }
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_said_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    for place in [Place::Directory(folder.path().join("tree")), Place::TarFile(folder.path().join("b.tar"))] {
        let writer = Writer::open(&place, run(), None, None).await.unwrap();
        let chunks =
            |count: usize| Body::Chunks(futures::stream::repeat_with(|| Ok(Bytes::from_static(b"0123456789"))).take(count).boxed());
        let key = "accounts/avatars/000/000/001/original/a.png";
        for (body, longer) in
            [(chunks(1), false), (chunks(3), true), (Bytes::from_static(b"short").into(), false), (Bytes::from(vec![0; 30]).into(), true)]
        {
            let refused = writer.write_media(media(key, 20), body).await.unwrap_err();
            assert!(matches!(refused, PlaceError::Length { said: 20, longer: it, .. } if it == longer), "{refused}");
        }
        let broken = vec![Ok(Bytes::from_static(b"0123456789")), Err(std::io::Error::other("gone"))];
        let refused = writer.write_media(media(key, 20), Body::Chunks(futures::stream::iter(broken).boxed())).await.unwrap_err();
        assert!(matches!(refused, PlaceError::Body { .. }), "{refused}");
        assert!(!writer.keep(&media(key, 20)).await.unwrap());
        if let Place::Directory(root) = &place {
            assert!(!root.join("media").exists() && fs::read_dir(root.join(".part")).unwrap().count() == 0);
        }
        assert!(matches!(writer.finish().await, Err(PlaceError::NoManifest)));
    }
}

#[tokio::test]
async fn an_unfinished_bundle_is_read_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::small();
    for place in [Place::Directory(folder.path().join("tree")), Place::TarFile(folder.path().join("b.tar"))] {
        let failed = make(&place, &source.failing_after(300_000, || {})).await.unwrap_err();
        assert!(matches!(failed, PlaceError::Body { .. }), "{failed}");
        assert!(Reader::open(&place).await.is_err());
    }
}

#[tokio::test]
async fn what_was_written_can_be_read_back_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    for place in [Place::Directory(folder.path().join("tree")), Place::TarFile(folder.path().join("b.tar"))] {
        make(&place, &Source::small().failing_after(300_000, || {})).await.unwrap_err();
        let writer = open(&place, run(), None).await.unwrap();
        assert_eq!(writer.read_back(&path(PREFLIGHT), 100).await.unwrap(), b"{\"preflight\":1}");
        assert!(matches!(writer.read_back(&path(MANIFEST), 100).await, Err(PlaceError::Missing { .. })));
    }
}

#[tokio::test]
async fn a_file_that_changed_on_disk_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    let place = Place::Directory(root.clone());
    let source = Source::small();
    let failing = source.failing_after(source.total() - 1, || {});
    make(&place, &failing).await.unwrap_err();

    // As a machine that went down leaves files whose bytes never came to disk.
    let hurt = ["media_attachments/files/000/000/004/original/4.jpg", "accounts/avatars/000/000/001/original/é 'quote' [a]%41~.png"];
    for key in hurt {
        fs::write(root.join("media").join(key), "").unwrap();
    }
    fs::write(root.join(PREFLIGHT), "").unwrap();
    let before = failing.read.load(Ordering::SeqCst);
    let again = source.failing_after(i64::MAX, || {});
    make(&place, &again).await.unwrap();
    let read = again.read.load(Ordering::SeqCst);
    assert!(read >= hurt.len() && read + before < 2 * source.media.len(), "{read} of {} are read again", source.media.len());
    held(&place).await.is_of(&source);
}

#[tokio::test]
async fn a_whole_tree_can_be_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Directory(folder.path().join("tree"));
    let verify = Bytes::from_static(b"{}");
    fs::create_dir(folder.path().join("tree")).unwrap();
    assert!(matches!(place.add(&path(VERIFY), verify.clone()).await, Err(PlaceError::NotWhole { .. })));
    make(&place, &Source::small()).await.unwrap();
    for bytes in [Bytes::from_static(b"first"), verify] {
        place.add(&path(VERIFY), bytes.clone()).await.unwrap();
        assert_eq!(bundle(&place).await.read_small(&path(VERIFY), 10).await.unwrap(), bytes);
    }
    modes(&folder.path().join("tree"));
    let tar = Place::TarFile(folder.path().join("b.tar"));
    assert!(matches!(tar.add(&path(VERIFY), Bytes::new()).await, Err(PlaceError::InTar { .. })));
}

#[tokio::test]
async fn links_and_special_files_in_a_tree_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tree");
    let place = Place::Directory(root.clone());
    make(&place, &Source::small()).await.unwrap();
    let secret = folder.path().join("secret");
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("RESTORE.md"), "secret").unwrap();
    std::os::unix::fs::symlink(secret.join("RESTORE.md"), root.join("RESTORE.md")).unwrap();
    std::os::unix::fs::symlink(&secret, root.join("proxy")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, root.join("restore.sh"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    fs::write(root.join("media/odd\nname"), "x").unwrap();

    let bundle = bundle(&place).await;
    for special in ["RESTORE.md", "proxy/RESTORE.md", "restore.sh", "env"] {
        let special = match BundlePath::parse(special) {
            Ok(path) => bundle.open(&path).await.err().unwrap(),
            Err(error) => error.into(),
        };
        assert!(matches!(special, PlaceError::Special { .. } | PlaceError::Path(_)), "{special}");
    }
    let listed = bundle.list().collect::<Vec<_>>().await;
    let (good, bad): (Vec<_>, Vec<_>) = listed.into_iter().partition(Result::is_ok);
    let good = good.into_iter().map(Result::unwrap).map(|it| it.0.to_string()).collect::<Vec<_>>();
    assert_eq!(bad.len(), 4, "two links, a pipe, and an odd name");
    assert_eq!(good.len(), Source::small().expected().len() + 2);
    assert!(!good.iter().any(|it| it.contains("RESTORE") || it.contains("restore")));
    let _ = bundle.list().try_collect::<Vec<_>>().await.unwrap_err();
}
