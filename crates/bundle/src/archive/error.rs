//! Why a dump can't be read: sentences for whoever made or copied it, with the way out.

use std::{fmt, io};

use super::facts::ArchiveVersion;

/// Why a dump can't be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("the dump is empty: `pg_dump` may have failed before it wrote anything. See what it said, and make the dump anew")]
    Empty,
    #[error("this is {what}, not a dump of PostgreSQL that can be read here: {way}")]
    Other { what: &'static str, way: &'static str },
    #[error("the dump has archive version {0}, newer than 1.16 of PostgreSQL 18: make it anew with `pg_dump` 18 or older")]
    Newer(ArchiveVersion),
    #[error("the dump has archive version {0}, older than 1.12 of PostgreSQL 10: make it anew with `pg_dump` 10 or newer")]
    Older(ArchiveVersion),
    #[error("the dump is compressed by method {0}, which isn't known here: make it anew with `--compress` 0, gzip, lz4 or zstd")]
    Compression(u8),
    #[error("the dump has its rows as statements, and none is executed here: make it anew without `--inserts` or `--column-inserts`")]
    Inserts,
    #[error("the dump ends early, {place}: it was cut off while it was made or copied. Copy it again, or make it anew")]
    EndsEarly { place: String },
    #[error("the dump is damaged or was changed, {place}: {what}. Copy it again, or make it anew")]
    Damaged { place: String, what: String },
    #[error("the dump goes beyond a limit, {place}: {what}. If it is what it should be, raise that limit")]
    TooLarge { place: String, what: String },
    #[error("the dump has what `pg_dump` doesn't write, {place}: {what}. Make it anew with `pg_dump -Fc`")]
    Unlike { place: String, what: String },
    #[error("row {row} of {table} can't be loaded: {fault}. Copy the dump again, or make it anew with `pg_dump -Fc`")]
    Row { table: String, row: u64, fault: RowFault },
    #[error("`{0}` is missing from the dump's folder: copy the whole folder")]
    Missing(String),
    #[error("`{name}` of the dump's folder can't be opened")]
    File { name: String, source: io::Error },
    #[error("the dump can't be read on")]
    Read(#[source] io::Error),
    #[error("the dump can't be read on after an error: open it anew")]
    Failed,
}

/// What is wrong with a line of `COPY`'s text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    #[error("it has {found} columns instead of {expected}")]
    Columns { found: usize, expected: usize },
    #[error("it has a bare carriage return, as a copy in text mode makes them")]
    Return,
    #[error("it has a zero byte")]
    Zero,
    #[error("a backslash is followed by byte {0:#04x}")]
    Escape(u8),
    #[error("a NULL is not all of its column")]
    Null,
}

impl ArchiveError {
    pub(super) fn damaged(place: &str, what: impl Into<String>) -> Self {
        Self::Damaged { place: place.to_owned(), what: what.into() }
    }

    pub(super) fn unlike(place: &str, what: impl Into<String>) -> Self {
        Self::Unlike { place: place.to_owned(), what: what.into() }
    }

    pub(super) fn too_large(place: &str, what: impl Into<String>) -> Self {
        Self::TooLarge { place: place.to_owned(), what: what.into() }
    }

    pub(super) fn early(place: &str) -> Self {
        Self::EndsEarly { place: place.to_owned() }
    }

    /// What came through a reader: one of ours, or its end where more was wanted.
    pub(super) fn of_reading(error: io::Error, place: &str) -> Self {
        let kind = error.kind();
        match error.downcast::<Self>() {
            Ok(ours) => ours.placed(place),
            Err(_) if kind == io::ErrorKind::UnexpectedEof => Self::early(place),
            Err(error) => Self::Read(error),
        }
    }

    /// What a decompressor said, on its way through a reader; whoever reads knows the place.
    pub(super) fn of_decoder(error: io::Error) -> io::Error {
        let kind = error.kind();
        io::Error::other(match error.downcast::<Self>() {
            Ok(ours) => ours,
            Err(_) if kind == io::ErrorKind::UnexpectedEof => Self::early(""),
            Err(error) => Self::damaged("", format!("its compression is broken ({error})")),
        })
    }

    /// What was found where the place was not known.
    fn placed(self, known: &str) -> Self {
        match self {
            Self::EndsEarly { place } if place.is_empty() => Self::early(known),
            Self::Damaged { place, what } if place.is_empty() => Self::damaged(known, what),
            Self::TooLarge { place, what } if place.is_empty() => Self::too_large(known, what),
            other => other,
        }
    }
}

/// A name from a dump, for an error: bounded, and nothing that a terminal would act on.
pub(super) struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(120) {
            f.write_char(if character.is_control() { char::REPLACEMENT_CHARACTER } else { character })?;
        }
        if characters.next().is_some() { f.write_char('…') } else { Ok(()) }
    }
}
