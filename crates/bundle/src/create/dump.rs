//! The database on its way: `pg_dump`'s archive passes through once, and is sealed and written by one thread while another parses it and takes the
//! digest of every row.

use std::io::{self, Read, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{CreateError, Making, SealWith, path};
use crate::format::{self, BundlePath, DumpFacts, FileFacts};
use crate::place::{FinishedDump, Stream};
use crate::progress::{Event, Stage, Told};
use crate::rows;
use crate::seal::Sealer;
use crate::source::PgDump;

/// What is read from `pg_dump` at once, and how many such pieces may wait for the writer.
const PIECE: usize = 256 << 10;
const WAITING: usize = 8;

impl Making<'_> {
    pub(super) async fn dump(&self) -> Result<FinishedDump, CreateError> {
        let server = self.server;
        let pg_dump = PgDump::find(server.snapshot.major(), self.options.pg_dump.as_deref(), self.options.search.as_deref())?;
        (self.told)(Event::Stage { stage: Stage::Dumping, bytes: Some(server.facts.expected.database_bytes), files: None });
        let path = path(&self.sealed_name(format::DUMP))?;
        let running = pg_dump.start(&server.settings.database, server.snapshot.id())?;
        let stream = self.writer.stream(&path).await?;
        let facts = DumpFacts {
            pg_dump: pg_dump.version().to_owned(),
            compression: pg_dump.compression().as_str().to_owned(),
            bytes: 0,
            sha256: format::Sha256Hex::of(b""),
        };
        tokio::task::block_in_place(|| pass(running, stream, path, &self.options.seal, facts, self.told))
    }
}

/// What the writing thread gives back: the stream, still to be finished, and what went in.
struct Written {
    stream: Stream,
    bytes: u64,
    sha256: format::Sha256Hex,
}

fn pass(
    running: crate::source::Dump,
    stream: Stream,
    path: BundlePath,
    seal: &SealWith,
    facts: DumpFacts,
    told: &Told,
) -> Result<FinishedDump, CreateError> {
    let (sender, receiver) = sync_channel(WAITING);
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || write(&receiver, stream, seal));
        let mut tee = Tee { running, sender: Some(sender), piece: Bytes::new() };
        let parsed = rows::digests(&mut tee, told);
        // The writer's end is the channel's: only what was read whole is finished.
        tee.sender = None;
        // First what could not be written: then the parser was only cut off. What it did not read ends the writer well.
        let Written { stream, bytes, sha256 } = writing.join().map_err(|_| CreateError::StillWriting)??;
        let (tables, _) = parsed?;
        tee.running.finish()?;
        let dump = DumpFacts { bytes, sha256, ..facts };
        let file: FileFacts = stream.finish_dump(dump.clone(), tables.clone())?;
        Ok(FinishedDump { path, file, dump, tables })
    })
}

fn write(pieces: &Receiver<Bytes>, stream: Stream, seal: &SealWith) -> Result<Written, CreateError> {
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut each = |piece: &Bytes| {
        hasher.update(piece);
        bytes += piece.len() as u64;
    };
    let stream = match seal {
        SealWith::Plain => {
            let mut stream = stream;
            for piece in pieces {
                each(&piece);
                stream.write_all(&piece).map_err(CreateError::Writing)?;
            }
            stream
        }
        SealWith::Recipients(recipients) => {
            let mut sealer = Sealer::new(stream, recipients)?;
            for piece in pieces {
                each(&piece);
                sealer.write_all(&piece).map_err(CreateError::Writing)?;
            }
            sealer.finish()?
        }
    };
    Ok(Written { stream, bytes, sha256: hasher.into() })
}

/// Gives on to the writer what the parser reads.
struct Tee {
    running: crate::source::Dump,
    sender: Option<SyncSender<Bytes>>,
    piece: Bytes,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            let mut piece = vec![0; PIECE];
            let read = self.running.read(&mut piece)?;
            piece.truncate(read);
            self.piece = piece.into();
            if read > 0 {
                let sender = self.sender.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
                sender.send(self.piece.clone()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
