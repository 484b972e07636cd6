//! A folder, with what people and their uploads put there.

use std::{
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::Path,
    process::Command,
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use howdah_bundle::{
    format::{MediaKey, Sha256Hex},
    media::{Attributes, Body, Digest, Entry, Kind, MediaError, Store, StoreSettings, WhySkipped},
};
use tempfile::TempDir;

pub fn store(root: &Path) -> Store {
    Store::open_up(StoreSettings::Disk { root: root.to_owned() }).unwrap()
}

pub fn write(root: &Path, key: &str, content: impl AsRef<[u8]>) {
    let path = root.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub fn key(text: &str) -> MediaKey {
    MediaKey::parse(text).unwrap()
}

async fn listed(store: &Store, prefix: &str) -> (Vec<String>, Vec<(String, WhySkipped)>) {
    let entries: Vec<Entry> = store.list(prefix).try_collect().await.unwrap();
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::File(file) => files.push(file.key.to_string()),
            Entry::Skipped(it) => skipped.push((it.name, it.why)),
        }
    }
    files.sort();
    skipped.sort_by(|a, b| a.0.cmp(&b.0));
    (files, skipped)
}

async fn content(store: &Store, name: &str) -> Result<Vec<u8>, MediaError> {
    let opened = store.open(&key(name)).await?;
    let chunks: Vec<Bytes> = opened.stream.try_collect().await?;
    let content = chunks.concat();
    assert_eq!(opened.bytes, content.len() as u64);
    Ok(content)
}

const AVATAR: &str = "accounts/avatars/000/000/001/original/a.png";

#[tokio::test]
async fn a_listing_tells_sizes_and_times_of_what_lies_below_its_prefix() {
    let root = TempDir::new().unwrap();
    let names = [AVATAR, "accounts/avatars/112/233/445/566/778/899/original/b c+d é.png", "accounts/avatars/000/000/001/static/a.png"];
    names.iter().for_each(|it| write(root.path(), it, "12345"));
    write(root.path(), "accounts/headers/000/000/001/original/a.png", "x");
    write(root.path(), "cache/accounts/avatars/000/000/001/original/a.png", "x");
    let store = store(root.path());
    let (mut want, (files, skipped)) = (names.map(ToOwned::to_owned), listed(&store, "accounts/avatars/").await);
    want.sort();
    assert_eq!((files.as_slice(), skipped), (want.as_slice(), vec![]));

    let entries: Vec<Entry> = store.list("accounts/avatars/000/").try_collect().await.unwrap();
    let modified = fs::metadata(root.path().join(AVATAR)).unwrap().modified().unwrap();
    let file =
        entries.into_iter().find_map(|it| if let Entry::File(file) = it { (file.key.as_str() == AVATAR).then_some(file) } else { None });
    let file = file.unwrap();
    assert_eq!((file.bytes, file.etag, file.modified), (5, None, Some(modified.into())));
    assert_eq!(listed(&store, "custom_emojis/images/").await, (vec![], vec![]), "no folder, no files");
}

#[tokio::test]
async fn links_and_special_files_and_odd_names_are_told_and_not_followed() {
    let (root, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write(outside.path(), "000/000/001/original/a.png", "a secret");
    write(root.path(), AVATAR, "1");
    let at = |name: &str| root.path().join("accounts/avatars").join(name);
    symlink(outside.path(), at("link")).unwrap();
    symlink("/etc/passwd", at("000/000/001/original/b.png")).unwrap();
    symlink("a.png", at("000/000/001/original/inner.png")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    write(root.path(), "accounts/avatars/back\\slash", "1");
    write(root.path(), "accounts/avatars/new\nline", "1");
    fs::write(root.path().join("accounts/avatars").join(std::ffi::OsStr::from_bytes(b"\xff\xfe.png")), "1").unwrap();
    write(root.path(), &format!("accounts/avatars/{}/x", ["d"; 40].join("/")), "1");
    let (files, skipped) = listed(&store(root.path()), "accounts/avatars/").await;
    assert_eq!(files, [AVATAR]);
    let why: Vec<_> = skipped.iter().map(|(name, why)| (name.strip_prefix("accounts/avatars/").unwrap(), why)).collect();
    let find = |name: &str| why.iter().find(|it| it.0 == name).unwrap_or_else(|| panic!("{name} is told: {why:?}")).1;
    assert_eq!(find("link"), &WhySkipped::Link);
    assert_eq!(find("000/000/001/original/b.png"), &WhySkipped::Link);
    assert_eq!(find("000/000/001/original/inner.png"), &WhySkipped::Link);
    assert_eq!(find("pipe"), &WhySkipped::Special);
    assert!(matches!(find("back\\slash"), WhySkipped::Name(_)));
    assert!(matches!(find("new\u{fffd}line"), WhySkipped::Name(_)));
    assert_eq!(find("\u{fffd}\u{fffd}.png"), &WhySkipped::NotUtf8);
    assert!(why.iter().any(|(name, why)| name.starts_with("d/d/") && **why == WhySkipped::Deep));
    assert_eq!(why.len(), 8);
}

#[tokio::test]
async fn a_folder_of_media_that_is_a_link_is_told() {
    let (root, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write(outside.path(), "avatars/000/000/001/original/a.png", "1");
    symlink(outside.path(), root.path().join("accounts")).unwrap();
    assert_eq!(listed(&store(root.path()), "accounts/avatars/").await, (vec![], vec![("accounts".to_owned(), WhySkipped::Link)]));
}

#[tokio::test]
async fn what_was_put_in_between_leads_nowhere() {
    let (root, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write(outside.path(), "a.png", "a secret");
    write(root.path(), AVATAR, "1");
    let store = store(root.path());
    assert_eq!(content(&store, AVATAR).await.unwrap(), b"1");
    let folder = root.path().join(AVATAR).parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    symlink(outside.path(), &folder).unwrap();
    content(&store, AVATAR).await.unwrap_err();
    let put = store.put(&key(AVATAR), &Attributes::default(), Digest::Unknown, Body::Whole(Bytes::from_static(b"2"))).await;
    put.unwrap_err();
    assert_eq!(fs::read(outside.path().join("a.png")).unwrap(), b"a secret");
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    symlink(outside.path().join("a.png"), folder.join("a.png")).unwrap();
    content(&store, AVATAR).await.unwrap_err();
    fs::remove_file(folder.join("a.png")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.join("a.png")).status().unwrap().success());
    assert_eq!(content(&store, AVATAR).await.unwrap_err().kind(), Kind::Final, "and does not wait for a pipe's writer");
}

#[tokio::test]
async fn a_large_file_comes_in_chunks() {
    let root = TempDir::new().unwrap();
    let large: Vec<u8> = (0..3_000_000_u32).map(|it| it.to_le_bytes()[0] ^ it.to_le_bytes()[1]).collect();
    write(root.path(), AVATAR, &large);
    let store = store(root.path());
    assert_eq!(content(&store, AVATAR).await.unwrap(), large);
    assert_eq!(content(&store, "accounts/avatars/000/000/002/original/a.png").await.unwrap_err().kind(), Kind::Gone);
}

fn streamed(bytes: u64, chunks: &'static [&'static [u8]]) -> Body {
    Body::Stream { bytes, stream: stream::iter(chunks).map(|it| Ok(Bytes::from_static(it))).boxed() }
}

#[tokio::test]
async fn a_file_is_written_whole_or_not_at_all() {
    let root = TempDir::new().unwrap();
    let store = store(root.path());
    let none = Attributes::default();
    let facts =
        store.put(&key(AVATAR), &none, Digest::Expected(Sha256Hex::of(b"whole")), Body::Whole(Bytes::from_static(b"whole"))).await.unwrap();
    assert_eq!((facts.bytes, facts.sha256), (5, Sha256Hex::of(b"whole")));
    let facts = store.put(&key(AVATAR), &none, Digest::Unknown, streamed(6, &[b"par", b"", b"ts!"])).await.unwrap();
    assert_eq!((facts.bytes, facts.sha256), (6, Sha256Hex::of(b"parts!")));
    store.put(&key("accounts/avatars/000/000/009/original/empty"), &none, Digest::Unknown, streamed(0, &[])).await.unwrap();
    store.flush().await.unwrap();

    let other = Digest::Expected(Sha256Hex::of(b"other"));
    for (digest, body) in [
        (Digest::Unknown, streamed(7, &[b"par", b"ts!"])),
        (Digest::Unknown, streamed(5, &[b"par", b"ts!"])),
        (other, streamed(6, &[b"par", b"ts!"])),
        (other, Body::Whole(Bytes::from_static(b"whole"))),
    ] {
        store.put(&key(AVATAR), &none, digest, body).await.unwrap_err();
    }
    assert_eq!(fs::read(root.path().join(AVATAR)).unwrap(), b"parts!", "the file of before stays");
    let folder = root.path().join(AVATAR).parent().unwrap().to_owned();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    assert_eq!(fs::metadata(root.path().join(AVATAR)).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o755);
}

#[tokio::test]
async fn what_a_killed_run_left_is_no_hindrance() {
    let root = TempDir::new().unwrap();
    let store = store(root.path());
    let (avatar, none) = (key(AVATAR), Attributes::default());
    let put = |stream| store.put(&avatar, &none, Digest::Unknown, Body::Stream { bytes: 2, stream });
    let (entered, enter) = tokio::sync::oneshot::channel();
    let never = stream::once(async move { Ok(Bytes::from_static(b"1")) }).chain(stream::once(async move {
        entered.send(()).unwrap();
        std::future::pending().await
    }));
    let running = put(never.boxed());
    tokio::select! { _ = running => unreachable!("its body never ends"), _ = enter => {} }
    // As a kill leaves it: nobody removed the draft.
    let draft = format!(".howdah-{}", &Sha256Hex::of(AVATAR.as_bytes()).to_string()[..16]);
    let draft = root.path().join(AVATAR).with_file_name(draft);
    fs::write(&draft, "1").unwrap();
    put(stream::iter([Ok(Bytes::from_static(b"12"))]).boxed()).await.unwrap();
    assert_eq!(fs::read(root.path().join(AVATAR)).unwrap(), b"12");
    assert!(!draft.exists());
}

#[test]
fn a_root_that_is_none_is_told() {
    let error = Store::open_up(StoreSettings::Disk { root: "/nowhere/public/system".into() }).unwrap_err();
    assert!(error.to_string().contains("/nowhere/public/system"), "{error}");
}
