//! What a file is, by its first bytes: people hand over all sorts of things for a dump, and each should be told what it is.

use super::{decode::Framing, error::ArchiveError, header::MAGIC};

/// How many bytes are looked at.
pub(super) const HEAD: u64 = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Archive,
    Plain,
    Compressed(Framing),
}

/// What begins with these bytes is no dump: what it is, and the way out.
const OTHERS: &[(&[u8], &str, &str)] = &[
    (b"age-encryption.org/v1", AGE, "decrypt it with its key first (`age -d`)"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", AGE, "decrypt it with its key first (`age -d`)"),
    (b"-----BEGIN PGP MESSAGE-----", "a file encrypted with PGP", "decrypt it with its key first (`gpg -d`)"),
    (b"BZh", "a file compressed with bzip2", "unpack it first (`bunzip2`)"),
    (b"\xfd7zXZ\0", "a file compressed with xz", "unpack it first (`unxz`)"),
    (b"PK\x03\x04", "a zip archive", "unpack it first (`unzip`)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first (`7z x`)"),
    (b"SQLite format 3\0", "a database of SQLite", POSTGRESQL),
    (b"-- MySQL dump", MYSQL, POSTGRESQL),
    (b"-- MariaDB dump", MYSQL, POSTGRESQL),
    (b"/*!", MYSQL, POSTGRESQL),
    (b"/*M!", MYSQL, POSTGRESQL),
    (b"REDIS", "a dump of Redis", POSTGRESQL),
    (b"\xff\xfeP", UTF16, NO_SHELL),
    (b"\xff\xfe-", UTF16, NO_SHELL),
    (b"--\r\n", "a dump copied in text mode, with lines that end in carriage return and newline", NO_SHELL),
    (b"PGCOPY\n\xff\r\n\0", "one table in binary format", POSTGRESQL),
];

const AGE: &str = "a file sealed with age";
const MYSQL: &str = "a dump of MySQL or MariaDB";
const UTF16: &str = "a file in UTF-16, as `pg_dump > FILE` makes in PowerShell";
const POSTGRESQL: &str = "give what `pg_dump -Fc` made of Mastodon's database in PostgreSQL";
const NO_SHELL: &str = "make it anew with `pg_dump -Fc -f FILE`, and copy it in binary mode";

/// # Errors
/// [`ArchiveError::Empty`] and [`ArchiveError::Other`].
pub(super) fn kind(head: &[u8]) -> Result<Kind, ArchiveError> {
    match head {
        [] => return Err(ArchiveError::Empty),
        [0x1f, 0x8b, ..] => return Ok(Kind::Compressed(Framing::Gzip)),
        [0x04, 0x22, 0x4d, 0x18, ..] => return Ok(Kind::Compressed(Framing::Lz4)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Ok(Kind::Compressed(Framing::Zstd)),
        _ if head.starts_with(MAGIC) => return Ok(Kind::Archive),
        _ if MAGIC.starts_with(head) => return Err(ArchiveError::early("in its header")),
        _ => {}
    }
    if let Some((_, what, way)) = OTHERS.iter().find(|(begins, ..)| head.starts_with(begins)) {
        return Err(ArchiveError::Other { what, way });
    }
    if head.get(257..262) == Some(b"ustar") {
        let way = "unpack it (`tar -xf`) and give the folder that has its `toc.dat`, or make a dump with `pg_dump -Fc`";
        return Err(ArchiveError::Other { what: "a tar archive", way });
    }
    text(head)
}

fn text(head: &[u8]) -> Result<Kind, ArchiveError> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.trim_start_matches(['\u{feff}', ' ', '\n', '\t', '\r']).lines();
    let lowered = lines.clone().next().unwrap_or_default().to_lowercase();
    if lowered.starts_with("<!doctype html") || lowered.starts_with("<html") {
        let way = "it may say what went wrong when the dump was fetched: open it in a browser, and fetch the dump again";
        return Err(ArchiveError::Other { what: "a web page", way });
    }
    if lowered.starts_with("<?xml") || lowered.starts_with('<') {
        let way = "it may be an object store's answer to a link that has expired: read it, and fetch the dump again";
        return Err(ArchiveError::Other { what: "a file of XML", way });
    }
    for line in lines.by_ref() {
        match line {
            "-- PostgreSQL database dump" => return Ok(Kind::Plain),
            "-- PostgreSQL database cluster dump" => {
                let way = "dump Mastodon's database alone, with `pg_dump -Fc`";
                return Err(ArchiveError::Other { what: "a dump of all databases of a server, by `pg_dumpall`", way });
            }
            _ if line.is_empty() || line.starts_with("--") => {}
            _ => break,
        }
    }
    Err(ArchiveError::Other { what: "a file of a kind that isn't known here", way: POSTGRESQL })
}
