//! Real dumps that are cut or changed: none that is cut counts as whole, and nothing that a byte can say does harm.

use std::{
    collections::HashMap,
    fs,
    io::{self, Cursor, Read},
    path::Path,
};

use howdah_bundle::archive::{ArchiveError, Dump, Limits};

use crate::support::{Whole, dumps, read, real_dumps, whole};

/// A dump in memory: one file without a name, or those of a folder.
type Files = HashMap<String, Vec<u8>>;

fn load(path: &Path) -> Files {
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a folder").map(|it| it.expect("an entry"));
        entries.map(|it| (it.file_name().to_string_lossy().into_owned(), fs::read(it.path()).expect("a file"))).collect()
    } else {
        HashMap::from([(String::new(), fs::read(path).expect("a file"))])
    }
}

fn read_files(files: &Files) -> Result<Whole, ArchiveError> {
    match files.get("") {
        Some(bytes) => read(bytes),
        None => whole(Dump::folder(
            |name| {
                let file = files.get(name).ok_or(io::ErrorKind::NotFound)?;
                Ok(Box::new(Cursor::new(file.as_slice())) as Box<dyn Read + Send>)
            },
            Limits::default(),
        )?),
    }
}

fn dumps_of(version: &str) -> impl Iterator<Item = (String, Files)> {
    let paths = real_dumps().into_iter().filter(move |it| it.parent().is_some_and(|it| it.ends_with(version)));
    paths.map(|it| (it.display().to_string(), load(&it)))
}

/// How long the dump is without what may follow its end: of plain SQL, an empty line or two, and the last line of the comment that ends it.
fn needed(name: &str, bytes: &[u8]) -> usize {
    if !name.ends_with(".sql") {
        return bytes.len();
    }
    let text = String::from_utf8_lossy(bytes);
    let last =
        text.rfind("\n\\unrestrict ").unwrap_or_else(|| text.rfind("\n-- PostgreSQL database dump complete").expect("its last line"));
    last + 2 + text[last + 1..].find('\n').expect("a whole line")
}

/// Of the dumps of one version, which are much alike, each is looked at in other places.
const STEP: usize = 23;

fn no_part_is_whole(version: &str) {
    for (number, (name, mut files)) in dumps_of(version).enumerate() {
        let names: Vec<String> = files.keys().filter(|it| !it.contains("blob")).cloned().collect();
        for file in names {
            let bytes = files[&file].clone();
            let needed = needed(&name, &bytes);
            for length in (0..needed).rev().filter(|it| needed - it < 40 || it % STEP == number % STEP) {
                files.get_mut(&file).expect("it").truncate(length);
                assert!(read_files(&files).is_err(), "{name}: {length} bytes of {file:?} are not all");
            }
            files.remove(&file);
            assert!(file.is_empty() || read_files(&files).is_err(), "{name} without {file}");
            files.insert(file, bytes);
        }
        assert!(read_files(&files).is_ok(), "{name} as it was");
    }
}

fn no_byte_does_harm(version: &str) {
    for (number, (_, mut files)) in dumps_of(version).enumerate() {
        let names: Vec<String> = files.keys().filter(|it| !it.contains("blob")).cloned().collect();
        for file in names {
            for at in (number % STEP..files[&file].len()).step_by(STEP) {
                let bytes = files.get_mut(&file).expect("it");
                let byte = bytes[at];
                bytes[at] ^= 1 << (at / STEP % 8);
                // Good or not (neither lz4 nor zstd have checksums here), it comes to an end.
                drop(read_files(&files));
                files.get_mut(&file).expect("it")[at] = byte;
            }
        }
    }
}

/// `pg_dump -Fc >file`: its table of contents comes a second time, behind all else.
#[test]
fn what_a_shell_redirected_is_whole_and_nothing_else_may_follow() {
    let mut bytes = fs::read(dumps().join("redirected/custom-17.dump")).expect("a dump");
    let expected = read(&bytes).expect("the whole");
    let piped = read(&fs::read(dumps().join("17/custom-pipe.dump")).expect("a dump")).expect("the same, of a pipe");
    assert_eq!((&expected.tables, &expected.sequences, &expected.entries), (&piped.tables, &piped.sequences, &piped.entries));

    let wholes: Vec<usize> = (0..bytes.len()).filter(|it| read(&bytes[..*it]).is_ok()).collect();
    let [first] = wholes[..] else { panic!("only what a pipe would have got is whole, too: {wholes:?}") };
    // A name, after its length.
    let of_accounts = 5 + bytes.windows(13).rposition(|it| it == b"\0\x08\0\0\0accounts").expect("a name");
    assert!(of_accounts > first);
    bytes[of_accounts] ^= 1;
    assert!(read(&bytes).is_err(), "another table of contents");
    bytes[of_accounts] ^= 1;
    bytes.push(0);
    assert!(read(&bytes).is_err(), "more than that");
    bytes.pop();
    let again = bytes[first..].to_vec();
    bytes.extend(again);
    assert!(read(&bytes).is_err(), "a third time");
}

#[test]
fn no_part_of_a_dump_of_15_is_whole() {
    no_part_is_whole("15");
}

#[test]
fn no_part_of_a_dump_of_16_is_whole() {
    no_part_is_whole("16");
}

#[test]
fn no_part_of_a_dump_of_17_is_whole() {
    no_part_is_whole("17");
}

#[test]
fn no_part_of_a_dump_of_18_is_whole() {
    no_part_is_whole("18");
}

#[test]
fn no_byte_of_a_dump_of_15_does_harm() {
    no_byte_does_harm("15");
}

#[test]
fn no_byte_of_a_dump_of_16_does_harm() {
    no_byte_does_harm("16");
}

#[test]
fn no_byte_of_a_dump_of_17_does_harm() {
    no_byte_does_harm("17");
}

#[test]
fn no_byte_of_a_dump_of_18_does_harm() {
    no_byte_does_harm("18");
}
