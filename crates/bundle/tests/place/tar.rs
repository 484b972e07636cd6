use std::{
    collections::BTreeMap,
    fs,
    io::{self, Cursor, Write},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use howdah_bundle::{
    format::{PREFLIGHT, Sha256Hex},
    place::{Body, Place, PlaceError, Reader, TarStream, Writer},
};

use crate::sample::{Source, all_members, bundle, held, make, make_with, path, run};

#[tokio::test]
async fn a_tar_file_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.tar");
    let place = Place::TarFile(file.clone());
    let source = Source::small();
    make(&place, &source).await.unwrap();
    held(&place).await.is_of(&source);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the journal is gone");

    let bundle = bundle(&place).await;
    let listed = bundle.list().map_ok(|it| it.0.to_string()).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(listed.first().unwrap(), PREFLIGHT);
    assert_eq!(listed.len(), source.expected().len() + 2);
    let media = bundle.open(&path(&format!("media/{}", source.media.keys().next().unwrap()))).await.err().unwrap();
    assert!(matches!(media, PlaceError::Missing { .. }), "media come as a stream: {media}");

    let again = make(&place, &source).await.unwrap_err();
    assert!(matches!(again, PlaceError::Exists { .. }), "{again}");
}

fn files(root: &Path, folder: &Path, found: &mut BTreeMap<String, Sha256Hex>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.metadata().unwrap().is_dir() {
            files(root, &entry.path(), found);
        } else {
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, Sha256Hex::of(&fs::read(entry.path()).unwrap()));
        }
    }
}

fn gnu_tar(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("/bin/tar").args(arguments).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[tokio::test]
async fn gnu_tar_reads_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.tar");
    let place = Place::TarFile(file.clone());
    make(&place, &Source::small()).await.unwrap();
    let held = held(&place).await.files;

    let listed = gnu_tar(&["--quoting-style=literal", "-tf", file.to_str().unwrap()]);
    let listed = String::from_utf8(listed).unwrap().lines().map(ToOwned::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(listed, held.keys().cloned().collect());

    let unpacked = folder.path().join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    gnu_tar(&["-xf", file.to_str().unwrap(), "-C", unpacked.to_str().unwrap()]);
    let mut found = BTreeMap::new();
    files(&unpacked, &unpacked, &mut found);
    assert_eq!(found, held);
}

#[tokio::test]
async fn what_gnu_tar_packs_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    make(&Place::Directory(tree.clone()), &Source::small()).await.unwrap();
    for format in ["gnu", "pax", "posix"] {
        for what in [&["."][..], &["PREFLIGHT.json", "env", "postgres", "media", "MANIFEST.json", "SIGNATURE"]] {
            let file = folder.path().join("again.tar");
            let arguments = [&["-cf", file.to_str().unwrap(), "-C", tree.to_str().unwrap(), "--format", format], what].concat();
            gnu_tar(&arguments);
            held(&Place::TarFile(file)).await.is_of(&Source::small());
        }
    }
}

/// A pipe's other end.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_pipe_takes_a_bundle_by_way_of_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Writer::open(&Place::Pipe, run(), None, None).await.err().unwrap();
    assert!(matches!(refused, PlaceError::NeedsSpool) && refused.to_string().contains("--spool"), "{refused}");

    let pipe = Pipe::default();
    let source = Source::small();
    fs::write(folder.path().join(".howdah-spool.0"), "of a run that was killed").unwrap();
    let writer = Writer::into_pipe(Box::new(pipe.clone()), run(), folder.path().to_owned()).await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "what is spooled has no name");
    make_with(writer, &source).await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let bytes = pipe.0.lock().unwrap().clone();
    let members = all_members(TarStream::new(Cursor::new(bytes.clone()))).await.unwrap();
    assert_eq!(members.len(), source.expected().len() + 2);
    let file = folder.path().join("b.tar");
    fs::write(&file, bytes).unwrap();
    held(&Place::TarFile(file)).await.is_of(&source);
}

#[tokio::test]
async fn nothing_follows_a_member_that_broke_off_in_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::into_pipe(Box::new(Pipe::default()), run(), folder.path().to_owned()).await.unwrap();
    let media = howdah_bundle::place::Media {
        key: howdah_bundle::format::MediaKey::parse("accounts/a").unwrap(),
        bytes: 10,
        content_type: None,
        cache_control: None,
        acl: None,
        etag: None,
        modified: None,
    };
    let short = Body::Chunks(futures::stream::iter([Ok(Bytes::from_static(b"short"))]).boxed());
    assert!(matches!(writer.write_media(media, short).await, Err(PlaceError::Length { .. })));
    let after = writer.write_small(&path(PREFLIGHT), Bytes::new()).await.unwrap_err();
    assert!(matches!(after, PlaceError::Broken), "{after}");
}

#[tokio::test]
async fn a_tar_takes_each_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(&Place::TarFile(folder.path().join("b.tar")), run(), None, None).await.unwrap();
    let same = Bytes::from_static(b"same");
    writer.write_small(&path(PREFLIGHT), same.clone()).await.unwrap();
    writer.write_small(&path(PREFLIGHT), same).await.unwrap();
    let other = writer.write_small(&path(PREFLIGHT), Bytes::from_static(b"other")).await.unwrap_err();
    assert!(matches!(other, PlaceError::Twice { .. }), "{other}");
    assert!(matches!(writer.stream(&path(PREFLIGHT)).await, Err(PlaceError::Twice { .. })));
}

#[tokio::test]
async fn no_beginning_of_a_tar_is_taken_for_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.tar");
    let source = Source::small();
    make(&Place::TarFile(file.clone()), &source).await.unwrap();
    let whole = fs::read(&file).unwrap();
    let last = whole.iter().rposition(|it| *it != 0).unwrap();
    // The end mark is two blocks of zeros after the last member's padding.
    let end = (last + 1).next_multiple_of(512) + 1024;
    let cut = folder.path().join("cut.tar");
    for length in (0..end).step_by(509).chain([end - 1, end - 512, end - 1024]) {
        fs::write(&cut, &whole[..length]).unwrap();
        assert!(Reader::open(&Place::TarFile(cut.clone())).await.is_err(), "{length} of {} bytes are not the tar", whole.len());
        let stream = all_members(TarStream::new(Cursor::new(whole[..length].to_vec()))).await;
        assert!(stream.is_err(), "{length} of {} bytes are not the tar", whole.len());
    }
    fs::write(&cut, &whole[..end]).unwrap();
    held(&Place::TarFile(cut)).await.is_of(&source);
}
