//! Bundles that build on an earlier one.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, sync::atomic::Ordering};

use howdah_bundle::{
    format::VERIFY,
    place::{Place, PlaceError, Reader, Run},
};

use crate::{
    bucket::Bucket,
    sample::{Source, held, make, make_with, open, path, run},
};

fn later(earlier: &Place) -> Run {
    Run { earlier: Some(earlier.to_string()), ..run() }
}

pub async fn build(place: &Place, earlier: &Place, source: &Source) -> Result<(), PlaceError> {
    make_with(open(place, later(earlier), Some(earlier)).await?, source).await
}

/// Later, some files are gone, some are new, and one is another.
fn changed() -> Source {
    let mut source = Source::small();
    let keys = source.media.keys().cloned().collect::<Vec<_>>();
    source.media.remove(&keys[0]);
    source.media.remove(&keys[3]);
    source.media.insert(keys[5].clone(), (b"another".to_vec(), 777));
    source.media.insert("custom_emojis/images/000/000/001/original/new.png".to_owned(), (b"new".to_vec(), 5));
    source.dump = crate::sample::noise(99_000, 9);
    source
}

/// Of `changed`, what has to be read.
const NEW: usize = 2;

fn fresh(source: &Source) -> Source {
    source.failing_after(i64::MAX, || {})
}

fn places(folder: &Path, bucket: &Bucket) -> [(&'static str, Place, Place); 4] {
    let directory = |name: &str| Place::Directory(folder.join(name));
    [
        ("a directory on itself", directory("a"), directory("a")),
        ("a directory on another", directory("b"), directory("c")),
        ("a prefix on itself", bucket.at("a"), bucket.at("a")),
        ("a prefix on another", bucket.at("b"), bucket.at("c")),
    ]
}

#[tokio::test]
async fn only_what_changed_is_read() {
    let (folder, bucket) = (tempfile::tempdir().unwrap(), Bucket::new());
    for (what, earlier, place) in places(folder.path(), &bucket) {
        make(&earlier, &Source::small()).await.unwrap();
        earlier.add(&path(VERIFY), "{}".into()).await.unwrap();
        let source = fresh(&changed());
        build(&place, &earlier, &source).await.unwrap();
        held(&place).await.is_of(&source);
        assert_eq!(source.read.load(Ordering::SeqCst), NEW, "{what}");
        if what.ends_with("another") {
            let mut old = held(&earlier).await;
            old.files.remove(VERIFY);
            old.is_of(&Source::small());
        }

        let again = fresh(&source);
        let third = if what.ends_with("itself") { place.clone() } else { third(&place, folder.path(), &bucket) };
        build(&third, &place, &again).await.unwrap();
        assert_eq!(again.read.load(Ordering::SeqCst), 0, "{what}");
        held(&third).await.is_of(&source);
    }
}

/// Yet another place of the same kind.
fn third(place: &Place, folder: &Path, bucket: &Bucket) -> Place {
    match place {
        Place::Prefix(_) => bucket.at("third"),
        _ => Place::Directory(folder.join("third")),
    }
}

#[tokio::test]
async fn files_on_one_disk_are_linked() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    make(&Place::Directory(a.clone()), &Source::small()).await.unwrap();
    build(&Place::Directory(b.clone()), &Place::Directory(a.clone()), &Source::small()).await.unwrap();
    for key in Source::small().media.keys() {
        let inode = |root: &Path| fs::metadata(root.join("media").join(key)).unwrap().ino();
        assert_eq!(inode(&a), inode(&b));
    }
}

#[tokio::test]
async fn a_second_pass_over_a_bucket_asks_nothing_of_what_is_unchanged() {
    let bucket = Bucket::new();
    make(&bucket.at("a"), &Source::small()).await.unwrap();
    bucket.asked.lock().unwrap().clear();
    build(&bucket.at("a"), &bucket.at("a"), &Source::small()).await.unwrap();
    let asked = bucket.asked.lock().unwrap().clone();
    let media = asked.iter().filter(|it| it.contains("/media/") && !it.ends_with(".ndjson")).collect::<Vec<_>>();
    assert!(media.is_empty(), "{media:?}");
}

#[tokio::test]
async fn it_is_gone_on_with_wherever_it_was_killed() {
    for budget in [1, 50_000, 99_001, 99_004, 99_009] {
        let (folder, bucket) = (tempfile::tempdir().unwrap(), Bucket::new());
        for (what, earlier, place) in places(folder.path(), &bucket) {
            make(&earlier, &Source::small()).await.unwrap();
            let source = changed();
            build(&place, &earlier, &source.failing_after(budget, || {})).await.unwrap_err();
            assert!(Reader::open(&place).await.is_err(), "{what}: it is not whole now");
            build(&place, &earlier, &source).await.unwrap();
            held(&place).await.is_of(&source);
            if let Place::Directory(root) = &place {
                assert!(!root.join(".earlier").exists() && !root.join(".journal.ndjson").exists());
            }
        }
    }
}

#[tokio::test]
async fn what_can_not_be_built_on_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Place::Directory(folder.path().join("tree"));
    make(&tree, &Source::small()).await.unwrap();
    let bucket = Bucket::new();
    let tar = Place::TarFile(folder.path().join("b.tar"));
    for place in [bucket.at("p"), tar] {
        assert!(matches!(build(&place, &tree, &Source::small()).await, Err(PlaceError::Earlier { .. })));
    }
    let empty = Place::Directory(folder.path().join("empty"));
    let other = Place::Directory(folder.path().join("other"));
    assert!(build(&empty, &empty, &Source::small()).await.is_err());
    let refused = build(&other, &Place::Directory(folder.path().join("nowhere")), &Source::small()).await.unwrap_err();
    assert!(matches!(refused, PlaceError::Missing { .. } | PlaceError::NotWhole { .. }), "{refused}");

    let inventory = folder.path().join("tree/media/INVENTORY.ndjson");
    let mut hurt = fs::read_to_string(&inventory).unwrap();
    hurt = hurt.replacen("\"bytes\":0", "\"bytes\":1", 1);
    fs::write(&inventory, hurt).unwrap();
    let refused = build(&Place::Directory(folder.path().join("third")), &tree, &Source::small()).await.unwrap_err();
    assert!(refused.to_string().contains("INVENTORY.ndjson is not the one"), "{refused}");
}

#[tokio::test]
async fn a_file_of_the_earlier_bundle_that_is_damaged_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (Place::Directory(folder.path().join("a")), Place::Directory(folder.path().join("b")));
    make(&a, &Source::small()).await.unwrap();
    let key = Source::small().media.keys().nth(6).unwrap().clone();
    fs::remove_file(folder.path().join("a/media").join(&key)).unwrap();
    let source = fresh(&Source::small());
    build(&b, &a, &source).await.unwrap();
    assert_eq!(source.read.load(Ordering::SeqCst), 1);
    held(&b).await.is_of(&source);
}

#[tokio::test]
async fn an_object_of_the_earlier_bundle_that_is_gone_or_cut_is_read_anew() {
    for (earlier, place) in [("a", "a"), ("a", "b")] {
        let bucket = Bucket::new();
        make(&bucket.at(earlier), &Source::small()).await.unwrap();
        let keys: Vec<String> = Source::small().media.iter().filter(|it| !it.1.0.is_empty()).map(|it| it.0.clone()).collect();
        bucket.put(&format!("a/media/{}", keys[0]), "").await;
        bucket.remove(&format!("a/media/{}", keys[1])).await;
        let source = fresh(&Source::small());
        build(&bucket.at(place), &bucket.at(earlier), &source).await.unwrap();
        assert_eq!(source.read.load(Ordering::SeqCst), 2, "{earlier} to {place}");
        held(&bucket.at(place)).await.is_of(&source);
    }
}
