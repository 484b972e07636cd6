//! The database on its way: the archive, `pg_dump`'s or one that is there already, passes through once, and is sealed and written by one thread while another parses it and takes the
//! digest of every row.

use std::io::{self, Read, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::origin::{Origin, Running};
use super::{CreateError, Making, SealWith, path};
use crate::format::{self, BundlePath, DumpFacts, FileFacts};
use crate::place::{FinishedDump, Stream};
use crate::progress::{Event, Stage, Told};
use crate::rows;
use crate::seal::Sealer;

/// What is read from `pg_dump` at once, and how many such pieces may wait for the writer.
const PIECE: usize = 256 << 10;
const WAITING: usize = 8;

impl Making<'_> {
    pub(super) async fn dump(&self, running: Running, facts: DumpFacts) -> Result<FinishedDump, CreateError> {
        let server = self.server;
        (self.told)(Event::Stage { stage: Stage::Dumping, bytes: Some(server.facts.expected.database_bytes), files: None });
        let path = path(&self.sealed_name(format::DUMP))?;
        let stream = self.writer.stream(&path).await?;
        let finished = tokio::task::block_in_place(|| pass(running, stream, path, &self.options.seal, facts, self.told))?;
        // What describes the bundle was read from the same file before.
        match &server.origin {
            Origin::Dump(raw) if !raw.is_as_read()? => Err(CreateError::DumpChanged),
            _ => Ok(finished),
        }
    }
}

/// What the writing thread gives back: the stream, still to be finished, and what went in.
struct Written {
    stream: Stream,
    archive: FileFacts,
}

fn pass(
    running: Running,
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
        let Written { stream, archive: FileFacts { bytes, sha256 } } = writing.join().map_err(|_| CreateError::StillWriting)??;
        let (tables, _) = parsed?;
        tee.running.finish()?;
        let dump = DumpFacts { bytes, sha256, ..facts };
        let file: FileFacts = stream.finish_dump(dump.clone(), tables.clone())?;
        Ok(FinishedDump { path, file, dump, tables })
    })
}

fn write(pieces: &Receiver<Bytes>, stream: Stream, seal: &SealWith) -> Result<Written, CreateError> {
    match seal {
        SealWith::Plain => {
            let mut stream = stream;
            for piece in pieces {
                stream.write_all(&piece).map_err(CreateError::Writing)?;
            }
            // What went in is what came out.
            let archive = stream.written();
            Ok(Written { stream, archive })
        }
        SealWith::Recipients(recipients) => {
            let mut sealer = Sealer::new(stream, recipients)?;
            let (mut hasher, mut bytes) = (Sha256::new(), 0);
            for piece in pieces {
                hasher.update(&piece);
                bytes += piece.len() as u64;
                sealer.write_all(&piece).map_err(CreateError::Writing)?;
            }
            Ok(Written { stream: sealer.finish()?, archive: FileFacts { bytes, sha256: hasher.into() } })
        }
    }
}

/// Gives on to the writer what the parser reads.
struct Tee {
    running: Running,
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
