//! Where a bundle's database comes from: a server's, in one snapshot, or a dump that somebody made of it.

use std::fs::File;
use std::io::{self, Read};

use super::{CreateError, Options, media};
use crate::format::{Checks, DumpFacts, Finding, Sha256Hex};
use crate::media::RowsOf;
use crate::progress::Told;
use crate::source::{self, Dump, Facts, PgDump, RawDump, Settings, Snapshot};

pub(super) enum Origin {
    Database(Box<Snapshot>),
    Dump(Box<RawDump>),
}

impl Origin {
    pub async fn look(options: &Options, settings: &Settings, told: &Told) -> Result<(Self, Facts), CreateError> {
        if let Some(path) = &options.from_dump {
            let raw = tokio::task::block_in_place(|| RawDump::read(path, told))?;
            let facts = raw.facts.clone();
            return Ok((Self::Dump(Box::new(raw)), facts));
        }
        let snapshot = Snapshot::open(&settings.database, &source::Limits::default()).await?;
        let facts = snapshot.facts().await?;
        if let Some(table) = media::TABLES.into_iter().find(|it| facts.counts.tables.contains_key(*it) && !snapshot.plannable(it)) {
            return Err(CreateError::Trap { table });
        }
        Ok((Self::Database(Box::new(snapshot)), facts))
    }

    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Database(snapshot) => snapshot.findings(),
            Self::Dump(_) => &[],
        }
    }

    pub async fn checks(&self) -> Result<Checks, CreateError> {
        match self {
            Self::Database(snapshot) => Ok(snapshot.checks().await?),
            Self::Dump(raw) => Ok(raw.checks()),
        }
    }

    pub fn rows(&self) -> RowsOf<'_> {
        match self {
            Self::Database(snapshot) => RowsOf::Database(snapshot.client()),
            Self::Dump(raw) => RowsOf::Dump(&raw.media),
        }
    }

    /// The archive, from its front; its bytes and digest are known once they have passed.
    pub fn dump(&self, options: &Options, settings: &Settings) -> Result<(Running, DumpFacts), CreateError> {
        match self {
            Self::Database(snapshot) => {
                let pg_dump = PgDump::find(snapshot.major(), options.pg_dump.as_deref(), options.search.as_deref())?;
                let facts = DumpFacts {
                    pg_dump: pg_dump.version().to_owned(),
                    compression: pg_dump.compression().as_str().to_owned(),
                    bytes: 0,
                    sha256: Sha256Hex::of(b""),
                };
                Ok((Running::PgDump(pg_dump.start(&settings.database, snapshot.id())?), facts))
            }
            Self::Dump(raw) => Ok((Running::File(raw.open()?), raw.dump_facts())),
        }
    }
}

/// An archive that is being read.
pub(super) enum Running {
    PgDump(Dump),
    File(File),
}

impl Running {
    /// After the last byte: whether whoever made it says that all is well.
    pub fn finish(self) -> Result<(), CreateError> {
        match self {
            Self::PgDump(dump) => Ok(dump.finish()?),
            // Its reader proved its end.
            Self::File(_) => Ok(()),
        }
    }
}

impl Read for Running {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::PgDump(dump) => dump.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}
