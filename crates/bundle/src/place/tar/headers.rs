//! Headers as they are read: a machine that is fed a block at a time, so that a stream and a file with seeks share it.

use super::{BLOCK, Block, header::checksum};
use crate::{
    format::BundlePath,
    place::{PlaceError, keys::Keys},
};

/// Of a pax header, in bytes. A path has at most 1024.
const PAX: u64 = 16 * 1024;
/// Of a GNU long name.
const LONG_NAME: u64 = 1025;
/// Of a member: a pebibyte. A larger one is no bundle's, and offsets never overflow.
const LARGEST: u64 = 1 << 50;

/// What a header says comes next.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::place) enum Step {
    /// So many bytes that belong to the next header, and their padding: for [`Headers::extension`].
    Extension(usize),
    /// A regular file, so many bytes, and their padding.
    Member(BundlePath, u64),
    /// Nothing: a directory, or the first block of the end mark.
    Nothing,
    /// The end mark is whole: only zeros may follow.
    End,
}

#[derive(Default)]
pub(in crate::place) struct Headers {
    seen: Keys,
    /// Of the block before: whether it was the first of the end mark's two.
    half_end: bool,
    /// What the blocks before said of the next member.
    expects: Option<Kind>,
    name: Option<String>,
    bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pax,
    LongName,
}

impl Headers {
    pub(in crate::place) fn block(&mut self, block: &Block) -> Result<Step, PlaceError> {
        if block.iter().all(|it| *it == 0) {
            return self.zeros();
        }
        if self.half_end {
            return tar("has a block of zeros between its members");
        }
        let raw = Raw::parse(block)?;
        match raw.kind {
            b'0' | 0 => self.member(raw),
            b'5' => self.directory(raw),
            b'x' => self.extended(&raw, Kind::Pax, PAX),
            b'L' => self.extended(&raw, Kind::LongName, LONG_NAME),
            b'g' => tar("has a header for all members (pax `g`), which is not taken: make it without"),
            kind => Err(member(self.name.as_deref().unwrap_or(&raw.name), refused(kind))),
        }
    }

    /// The bytes that [`Step::Extension`] asked for, without padding.
    pub(in crate::place) fn extension(&mut self, bytes: &[u8]) -> Result<(), PlaceError> {
        match self.expects.take() {
            Some(Kind::Pax) => self.pax(bytes),
            Some(Kind::LongName) => {
                let name = bytes.strip_suffix(b"\0").unwrap_or(bytes);
                self.named(std::str::from_utf8(name).map_err(|_| not_utf8())?)
            }
            None => Ok(()),
        }
    }

    fn zeros(&mut self) -> Result<Step, PlaceError> {
        if self.name.is_some() || self.bytes.is_some() {
            return tar("ends after a header that belongs to a member");
        }
        let end = self.half_end;
        self.half_end = true;
        Ok(if end { Step::End } else { Step::Nothing })
    }

    fn extended(&mut self, raw: &Raw, kind: Kind, limit: u64) -> Result<Step, PlaceError> {
        if raw.bytes == 0 || raw.bytes > limit {
            return Err(member(&raw.name, "has a header that is longer than a name can be, or empty"));
        }
        self.expects = Some(kind);
        Ok(Step::Extension(raw.bytes as usize))
    }

    fn member(&mut self, raw: Raw) -> Result<Step, PlaceError> {
        let name = self.name.take().unwrap_or(raw.name);
        let bytes = self.bytes.take().unwrap_or(raw.bytes);
        if bytes > LARGEST {
            return Err(member(&name, "says that it has more bytes than any file"));
        }
        // As `tar c .` names them.
        let path = BundlePath::parse(name.strip_prefix("./").unwrap_or(&name)).map_err(PlaceError::Path)?;
        let hash = self.seen.hash(&path.as_str());
        if self.seen.insert(hash) { Ok(Step::Member(path, bytes)) } else { Err(member(&name, "is in it twice")) }
    }

    /// Nothing is made of it: a file's path says where it belongs. But it has to be one that could be there.
    fn directory(&mut self, raw: Raw) -> Result<Step, PlaceError> {
        let name = self.name.take().unwrap_or(raw.name);
        let inside = name.strip_prefix("./").unwrap_or(&name).trim_end_matches('/');
        let known = inside.is_empty() || inside == "." || BundlePath::parse(&format!("{inside}/x")).is_ok();
        match (known, self.bytes.take().unwrap_or(raw.bytes)) {
            (true, 0) => Ok(Step::Nothing),
            (true, _) => Err(member(&name, "is a directory with bytes")),
            (false, _) => Err(member(&name, "is a directory that no bundle has")),
        }
    }

    fn named(&mut self, name: &str) -> Result<(), PlaceError> {
        match self.name.replace(name.to_owned()) {
            None => Ok(()),
            Some(_) => Err(member(name, "is named twice")),
        }
    }

    fn pax(&mut self, mut rest: &[u8]) -> Result<(), PlaceError> {
        while !rest.is_empty() {
            let (key, value, next) = record(rest).ok_or(PlaceError::Tar { problem: "has a pax header that can't be read" })?;
            rest = next;
            match key {
                "path" => self.named(std::str::from_utf8(value).map_err(|_| not_utf8())?)?,
                "size" => {
                    let bytes = std::str::from_utf8(value).ok().filter(|it| it.bytes().all(|digit| digit.is_ascii_digit()));
                    let bytes = bytes.and_then(|it| it.parse().ok()).ok_or(PlaceError::Tar { problem: "has a size that is no number" })?;
                    if self.bytes.replace(bytes).is_some() {
                        return tar("says a member's size twice");
                    }
                }
                "linkpath" => return tar("has a link: a bundle has only regular files"),
                "hdrcharset" => return tar("names its members in a charset of their own: make it anew with UTF-8"),
                sparse if sparse.starts_with("GNU.sparse") => return tar("has a sparse file: make it without `--sparse`"),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The first record of a pax header, and what follows it.
fn record(bytes: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let space = bytes.iter().take(8).position(|it| *it == b' ')?;
    let length = std::str::from_utf8(&bytes[..space]).ok()?;
    let length = length.bytes().all(|it| it.is_ascii_digit()).then(|| length.parse::<usize>().ok())??;
    let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|it| *it == b'=')?;
    Some((std::str::from_utf8(&record[..equals]).ok()?, &record[equals + 1..], &bytes[length..]))
}

/// A header's fields, each by itself.
struct Raw {
    name: String,
    kind: u8,
    bytes: u64,
}

impl Raw {
    fn parse(block: &Block) -> Result<Self, PlaceError> {
        let posix = &block[257..263] == b"ustar\0";
        if !posix && &block[257..265] != b"ustar  \0" {
            return tar("can't be read: it is no tar, or damaged");
        }
        if number(&block[148..156]) != Some(u64::from(checksum(block))) {
            return tar("is damaged: a header's checksum is wrong");
        }
        let name = text(&block[..100])?;
        // GNU keeps other things where POSIX has the prefix.
        let name = match text(&block[345..500])? {
            prefix if posix && !prefix.is_empty() => format!("{prefix}/{name}"),
            _ => name.to_owned(),
        };
        let bytes = size(&block[124..136]).ok_or_else(|| member(&name, "has a size that is negative, or no number"))?;
        Ok(Self { name, kind: block[156], bytes })
    }
}

/// Up to its first NUL.
fn text(field: &[u8]) -> Result<&str, PlaceError> {
    let end = field.iter().position(|it| *it == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).map_err(|_| not_utf8())
}

fn size(field: &[u8]) -> Option<u64> {
    match field {
        // Base 256: the first byte says so, and the others are the number.
        [0x80, 0, 0, 0, number @ ..] => Some(u64::from_be_bytes(number.try_into().ok()?)),
        [first, ..] if *first >= 0x80 => None,
        _ => number(field),
    }
}

/// Octal digits, with spaces before and a space or NUL after.
fn number(field: &[u8]) -> Option<u64> {
    let start = field.iter().position(|it| *it != b' ')?;
    let digits = &field[start..];
    let end = digits.iter().position(|it| matches!(it, 0 | b' ')).unwrap_or(digits.len());
    let (digits, after) = digits.split_at(end);
    if digits.is_empty() || !after.iter().all(|it| matches!(it, 0 | b' ')) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok().filter(|it| !it.starts_with('+'))?, 8).ok()
}

const fn refused(kind: u8) -> &'static str {
    match kind {
        b'1' | b'2' => "is a link: a bundle has only regular files",
        b'3' | b'4' | b'6' => "is a device or a pipe: a bundle has only regular files",
        b'S' => "is a sparse file: make the tar without `--sparse`",
        b'K' => "is a link with a long name: a bundle has only regular files",
        _ => "is of a kind that no bundle has",
    }
}

fn member(name: &str, problem: &'static str) -> PlaceError {
    let member = name.chars().take(120).map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect();
    PlaceError::Member { member, problem }
}

fn tar<T>(problem: &'static str) -> Result<T, PlaceError> {
    Err(PlaceError::Tar { problem })
}

const fn not_utf8() -> PlaceError {
    PlaceError::Tar { problem: "has a member whose name is not UTF-8" }
}

/// So many bytes with their padding.
pub(in crate::place) const fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK as u64)
}
