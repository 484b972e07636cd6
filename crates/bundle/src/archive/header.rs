//! The head of an archive, and the numbers and texts that it and its table of contents are made of.
//!
//! All of it is read from the front, a piece after another: no length that a dump says is ever allocated before as many bytes have come.

use std::io::{self, Read};

use chrono::NaiveDate;

use super::{
    error::ArchiveError,
    facts::{ArchiveVersion, Compression, Facts, Format},
    limits::{Limits, NAME},
};

pub(super) const MAGIC: &[u8] = b"PGDMP";

const OLDEST: ArchiveVersion = ArchiveVersion { major: 1, minor: 12, revision: 0 };
const NEWEST: ArchiveVersion = ArchiveVersion { major: 1, minor: 16, revision: u8::MAX };
pub(super) const WITH_ACCESS_METHOD: u8 = 14;
const WITH_COMPRESSION_METHOD: u8 = 15;
pub(super) const WITH_RELATION_KIND: u8 = 16;

/// Bytes of a number, and of an offset, wherever PostgreSQL runs.
const INT: u8 = 4;
const OFFSET: u8 = 8;
pub(super) const INT_AND_SIGN: usize = 1 + INT as usize;

const CUSTOM: u8 = 1;
/// A directory's `toc.dat` says so, too.
const TAR: u8 = 3;

pub(super) struct Header {
    pub version: ArchiveVersion,
    pub format: Format,
    pub facts: Facts,
}

/// Reads numbers and texts.
pub(super) struct Fields<'r, R> {
    reader: &'r mut R,
    place: &'static str,
}

impl Header {
    pub fn read<'r, R: Read>(reader: &'r mut R, limits: &Limits) -> Result<(Self, Fields<'r, R>), ArchiveError> {
        let mut fields = Fields { reader, place: "in its header" };
        let mut magic = [0; MAGIC.len()];
        fields.exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(fields.damaged("it doesn't begin with PGDMP"));
        }
        let version = ArchiveVersion { major: fields.byte()?, minor: fields.byte()?, revision: fields.byte()? };
        if version > NEWEST {
            return Err(ArchiveError::Newer(version));
        }
        if version < OLDEST {
            return Err(ArchiveError::Older(version));
        }
        let sizes = (fields.byte()?, fields.byte()?);
        if sizes != (INT, OFFSET) {
            return Err(
                fields.damaged(format!("its numbers and offsets have {} and {} bytes instead of {INT} and {OFFSET}", sizes.0, sizes.1))
            );
        }
        let format = match fields.byte()? {
            CUSTOM => Format::Custom,
            TAR => Format::Directory,
            unknown => return Err(fields.damaged(format!("its format has the number {unknown}"))),
        };
        let compression = fields.compression(version)?;
        let created = fields.time()?;
        let mut text = || fields.text(NAME, limits).map(|it| it.map(lossy));
        let (database, server_version, pg_dump_version) = (text()?, text()?, text()?);
        fields.place = "in its table of contents";
        let archive_version = Some(version);
        let facts = Facts { format, archive_version, compression, database, server_version, pg_dump_version, created, encoding: None };
        Ok((Self { version, format, facts }, fields))
    }
}

/// For what is only shown.
pub(super) fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

impl<'r, R: Read> Fields<'r, R> {
    pub const fn of(reader: &'r mut R, place: &'static str) -> Self {
        Self { reader, place }
    }
}

impl<R: Read> Fields<'_, R> {
    pub const fn place(&self) -> &'static str {
        self.place
    }

    pub fn damaged(&self, what: impl Into<String>) -> ArchiveError {
        ArchiveError::damaged(self.place, what)
    }

    pub fn unlike(&self, what: impl Into<String>) -> ArchiveError {
        ArchiveError::unlike(self.place, what)
    }

    fn exact(&mut self, into: &mut [u8]) -> Result<(), ArchiveError> {
        self.reader.read_exact(into).map_err(|it| ArchiveError::of_reading(it, self.place))
    }

    pub fn byte(&mut self) -> Result<u8, ArchiveError> {
        let mut byte = [0];
        self.exact(&mut byte)?;
        Ok(byte[0])
    }

    pub fn int(&mut self) -> Result<i32, ArchiveError> {
        let mut bytes = [0; INT_AND_SIGN];
        self.exact(&mut bytes)?;
        int(bytes).ok_or_else(|| self.damaged("a number is out of range"))
    }

    /// Of a place in the file, its lowest byte first.
    pub fn offset(&mut self) -> Result<u64, ArchiveError> {
        let mut bytes = [0; OFFSET as usize];
        self.exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// A text of at most `longest` bytes. What has a length below zero is none.
    pub fn text(&mut self, longest: usize, limits: &Limits) -> Result<Option<Vec<u8>>, ArchiveError> {
        let Some(length) = self.length(limits)? else { return Ok(None) };
        if length > longest as u64 {
            return Err(ArchiveError::too_large(self.place, format!("a name or statement has {length} bytes")));
        }
        let mut bytes = Vec::new();
        let read = Read::by_ref(self.reader).take(length).read_to_end(&mut bytes);
        self.came(read.map(|it| it as u64), length)?;
        Ok(Some(bytes))
    }

    /// Passes over a text, and says whether there is one.
    pub fn pass(&mut self, limits: &Limits) -> Result<bool, ArchiveError> {
        let Some(length) = self.length(limits)? else { return Ok(false) };
        let passed = io::copy(&mut Read::by_ref(self.reader).take(length), &mut io::sink());
        self.came(passed, length)?;
        Ok(true)
    }

    fn length(&mut self, limits: &Limits) -> Result<Option<u64>, ArchiveError> {
        let Ok(length) = u32::try_from(self.int()?) else { return Ok(None) };
        if length > limits.text {
            return Err(ArchiveError::too_large(self.place, format!("a text has {length} bytes")));
        }
        Ok(Some(length.into()))
    }

    fn came(&self, read: io::Result<u64>, length: u64) -> Result<(), ArchiveError> {
        match read {
            Ok(amount) if amount == length => Ok(()),
            Ok(_) => Err(ArchiveError::early(self.place)),
            Err(error) => Err(ArchiveError::of_reading(error, self.place)),
        }
    }

    fn compression(&mut self, version: ArchiveVersion) -> Result<Compression, ArchiveError> {
        if version.minor < WITH_COMPRESSION_METHOD {
            // A level, -1 for the default.
            return Ok(if self.int()? == 0 { Compression::None } else { Compression::Gzip });
        }
        match self.byte()? {
            0 => Ok(Compression::None),
            1 => Ok(Compression::Gzip),
            2 => Ok(Compression::Lz4),
            3 => Ok(Compression::Zstd),
            unknown => Err(ArchiveError::Compression(unknown)),
        }
    }

    /// Seconds, minutes, hours, day, month from 0, years since 1900, daylight saving.
    fn time(&mut self) -> Result<Option<chrono::NaiveDateTime>, ArchiveError> {
        let mut parts = [0; 7];
        for part in &mut parts {
            *part = self.int()?;
        }
        let [second, minute, hour, day, month, year, _] = parts;
        let positive = |it: i32| u32::try_from(it).ok();
        Ok((|| {
            let date = NaiveDate::from_ymd_opt(year.checked_add(1900)?, positive(month)?.checked_add(1)?, positive(day)?)?;
            date.and_hms_opt(positive(hour)?, positive(minute)?, positive(second)?.min(59))
        })())
    }
}

/// A sign, then a number with its lowest byte first. None if it is out of range.
pub(super) fn int([sign, digits @ ..]: [u8; INT_AND_SIGN]) -> Option<i32> {
    let number = i32::try_from(u32::from_le_bytes(digits)).ok()?;
    match sign {
        0 => Some(number),
        1 => Some(-number),
        _ => None,
    }
}
