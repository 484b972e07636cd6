//! Custom format, as a stream: after the table of contents the data, one block after another. Where they lie is said in the table of
//! contents, too, if the dump was written to a file; it has to be where they are, or another reader would see another dump.
//!
//! For that `pg_dump` goes back at its end, and writes the table of contents anew. Since 16 it opens its standard output for appending, and so, where
//! a shell has redirected that to a file, the second one comes to the file's end, and the first stays: `pg_restore` reads that alone
//! (`src/bin/pg_dump/pg_backup_archiver.c`, `_allocAH`).

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read},
};

use super::{
    decode::{Decoder, Framing},
    error::ArchiveError,
    facts::{Contents, CopyTarget, Format},
    header::{INT_AND_SIGN, int},
    input::Input,
    limits::Limits,
    rows::Copying,
    text::Text,
    toc::{At, Data, Identity, Toc},
};

/// What a block of data holds.
const ROWS: u8 = 1;
const LARGE_OBJECTS: u8 = 3;

const BETWEEN: &str = "between its tables";

pub(super) struct Custom<'a> {
    state: State<'a>,
    framing: Framing,
    /// What has not come yet.
    data: BTreeMap<i32, Data>,
    /// Where what has come was.
    found: BTreeMap<i32, u64>,
    /// None once it has come again.
    identity: Option<Identity>,
    /// How much may still be decompressed.
    left: u64,
    /// Of a table's text, while there is none.
    buffer: Vec<u8>,
}

enum State<'a> {
    Between(Input<'a>),
    Rows(Text<Decoder<Chunks<'a>>>),
    /// After an error.
    Gone,
}

impl<'a> Custom<'a> {
    pub fn open(mut input: Input<'a>, limits: &Limits) -> Result<(Self, Contents), ArchiveError> {
        let Toc { contents, data, identity } = Toc::read(&mut input, Format::Custom, limits)?;
        let framing = Framing::inside(contents.facts.compression);
        let state = State::Between(input);
        let (found, identity) = (BTreeMap::new(), Some(identity));
        Ok((Self { state, framing, data, found, identity, left: limits.decompressed, buffer: Vec::new() }, contents))
    }

    /// None at the end of the stream, when all has come.
    pub fn next(&mut self, limits: &Limits) -> Result<Option<CopyTarget>, ArchiveError> {
        let State::Between(mut input) = std::mem::replace(&mut self.state, State::Gone) else { return Err(ArchiveError::Failed) };
        loop {
            let Some((kind, data)) = self.block(&mut input, limits)? else {
                self.state = State::Between(input);
                return Ok(None);
            };
            let mut chunks = Chunks { input, left: 0, ended: false };
            match (kind, data.target) {
                (ROWS, Some(target)) => {
                    let decoder = Decoder::new(chunks, self.framing, limits, self.left)?;
                    self.state = State::Rows(Text::new(decoder, std::mem::take(&mut self.buffer)));
                    return Ok(Some(target));
                }
                (LARGE_OBJECTS, None) => chunks.pass_large_objects()?,
                _ => return Err(ArchiveError::damaged(BETWEEN, format!("a block of data is of kind {kind}"))),
            }
            input = chunks.input;
        }
    }

    /// The head of a block: what kind it is, and whose.
    fn block(&mut self, input: &mut Input<'a>, limits: &Limits) -> Result<Option<(u8, Data)>, ArchiveError> {
        let at = input.position();
        let mut head = [0; 1 + INT_AND_SIGN];
        let is_end = input.fill_buf().map_err(|it| ArchiveError::of_reading(it, BETWEEN))?.is_empty();
        match (self.data.is_empty(), is_end) {
            (true, true) => return Ok(None),
            (false, true) => return Err(ArchiveError::early(BETWEEN)),
            (false, false) => {}
            (true, false) => {
                if let Some(identity) = self.identity.take() {
                    identity.again(input, &self.found, limits)?;
                }
                return input.at_end("behind its table of contents").map(|()| None);
            }
        }
        input.read_exact(&mut head).map_err(|it| ArchiveError::of_reading(it, BETWEEN))?;
        let [kind, id @ ..] = head;
        let Some((id, data)) = int(id).and_then(|id| self.data.remove_entry(&id)) else {
            return Err(ArchiveError::damaged(BETWEEN, format!("the data at byte {at} are none that its table of contents has")));
        };
        match data.at {
            At::Byte(expected) if expected != at => {
                Err(ArchiveError::damaged(BETWEEN, format!("data at byte {at} should be at {expected}")))
            }
            _ => {
                self.found.insert(id, at);
                Ok(Some((kind, data)))
            }
        }
    }

    /// See [`Copying::next`].
    pub fn rows(&mut self, copying: &mut Copying, limits: &Limits) -> Result<Option<(usize, u64)>, ArchiveError> {
        let State::Rows(text) = &mut self.state else { return Err(ArchiveError::Failed) };
        let found = copying.next(text, limits.row)?;
        if found.is_none() {
            text.only_two_newlines(&copying.place())?;
            self.close(&copying.place())?;
        }
        Ok(found)
    }

    pub fn unread(&self) -> &[u8] {
        if let State::Rows(text) = &self.state { text.unread() } else { &[] }
    }

    /// The table's text is at its end; so must be its block.
    fn close(&mut self, place: &str) -> Result<(), ArchiveError> {
        let State::Rows(text) = std::mem::replace(&mut self.state, State::Gone) else { return Err(ArchiveError::Failed) };
        let (decoder, buffer) = text.into_parts();
        let (chunks, left) = decoder.finish().map_err(|it| ArchiveError::of_reading(it, place))?;
        (self.buffer, self.left) = (buffer, left);
        self.state = State::Between(chunks.input);
        Ok(())
    }
}

/// The bytes of one block: pieces, each after its length, up to one of length 0.
struct Chunks<'a> {
    input: Input<'a>,
    /// Of the piece in hand.
    left: usize,
    ended: bool,
}

impl Chunks<'_> {
    fn begin(&mut self) -> io::Result<()> {
        let mut length = [0; INT_AND_SIGN];
        self.input.read_exact(&mut length).map_err(early)?;
        let length = int(length).and_then(|it| usize::try_from(it).ok());
        self.left = length.ok_or_else(|| io::Error::other(ArchiveError::damaged("", "a piece of its data has a length that can't be")))?;
        self.ended = self.left == 0;
        Ok(())
    }

    fn pass(&mut self) -> Result<(), ArchiveError> {
        io::copy(self, &mut io::sink()).map(drop).map_err(|it| ArchiveError::of_reading(it, BETWEEN))
    }

    /// Each after its number, up to 0.
    fn pass_large_objects(&mut self) -> Result<(), ArchiveError> {
        loop {
            let mut number = [0; INT_AND_SIGN];
            self.input.read_exact(&mut number).map_err(|it| ArchiveError::of_reading(it, BETWEEN))?;
            if number == [0; INT_AND_SIGN] {
                return Ok(());
            }
            self.ended = false;
            self.pass()?;
        }
    }
}

/// So that no decompressor takes it for its own end.
fn early(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { io::Error::other(ArchiveError::early("")) } else { error }
}

impl BufRead for Chunks<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 && !self.ended {
            self.begin()?;
        }
        if self.ended {
            return Ok(&[]);
        }
        let bytes = self.input.fill_buf()?;
        if bytes.is_empty() { Err(early(io::ErrorKind::UnexpectedEof.into())) } else { Ok(&bytes[..bytes.len().min(self.left)]) }
    }

    fn consume(&mut self, amount: usize) {
        self.left -= amount;
        self.input.consume(amount);
    }
}

impl Read for Chunks<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let amount = from.len().min(into.len());
        into[..amount].copy_from_slice(&from[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}
