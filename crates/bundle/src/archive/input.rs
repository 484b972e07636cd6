//! The bytes of a dump, forward only, with their count.

use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};

use super::error::ArchiveError;

pub(super) type Source<'a> = Box<dyn Read + Send + 'a>;

/// Errors of its reader come out as [`ArchiveError::Read`], so that they are told from those of a decompressor above it.
pub(super) struct Input<'a> {
    reader: BufReader<Source<'a>>,
    position: u64,
}

impl<'a> Input<'a> {
    pub fn new(reader: Source<'a>) -> Self {
        Self { reader: BufReader::with_capacity(64 << 10, reader), position: 0 }
    }

    /// With the first bytes of it, up to `size`, which stay to be read.
    pub fn with_head(mut reader: Source<'a>, size: u64) -> io::Result<(Vec<u8>, Self)> {
        let mut head = Vec::new();
        Read::by_ref(&mut reader).take(size).read_to_end(&mut head).map_err(ours)?;
        let whole = Cursor::new(head.clone()).chain(reader);
        Ok((head, Self::new(Box::new(whole))))
    }

    pub fn at_end(&mut self, place: &str) -> Result<(), ArchiveError> {
        match self.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(ArchiveError::damaged(place, "more bytes follow")),
            Err(error) => Err(ArchiveError::of_reading(error, place)),
        }
    }

    /// Bytes taken so far.
    pub const fn position(&self) -> u64 {
        self.position
    }
}

/// One of ours stays what it is: a dump may be compressed as a whole.
fn ours(error: io::Error) -> io::Error {
    if error.get_ref().is_some_and(|it| it.is::<ArchiveError>()) { error } else { io::Error::other(ArchiveError::Read(error)) }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // Twice, since a loop that returns what it borrowed doesn't pass the borrow checker; the second finds the buffer filled.
        loop {
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ours(error)),
            }
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount as u64;
        self.reader.consume(amount);
    }
}

impl Read for Input<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let amount = from.len().min(into.len());
        into[..amount].copy_from_slice(&from[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}
