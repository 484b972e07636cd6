//! Text that comes in pieces, of which whole lines can be had.

use std::io::{ErrorKind, Read};

use super::error::ArchiveError;

/// What a block of rows is read into, and the most that is kept once a row needed more.
const BUFFER: usize = 256 << 10;

pub(super) struct Text<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

impl<R: Read> Text<R> {
    /// `buffer`: of an earlier text, or a new one.
    pub fn new(source: R, mut buffer: Vec<u8>) -> Self {
        buffer.truncate(BUFFER);
        buffer.shrink_to(BUFFER);
        Self { source, buffer, start: 0, end: 0, ended: false }
    }

    /// What was read and not taken.
    pub fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub fn take(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }

    /// Fills the buffer, so that at least one byte more is unread; grows it if all of it is unread, up to `limit`. False at the end of the
    /// text.
    pub fn more(&mut self, limit: usize, place: &str) -> Result<bool, ArchiveError> {
        if self.ended {
            return Ok(false);
        }
        self.make_room(limit).ok_or_else(|| ArchiveError::too_large(place, format!("a row or statement has more than {limit} bytes")))?;
        let before = self.end;
        while self.end < self.buffer.len() && !self.ended {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(amount) => self.end += amount,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ArchiveError::of_reading(error, place)),
            }
        }
        Ok(self.end > before)
    }

    fn make_room(&mut self, limit: usize) -> Option<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            let larger = (self.buffer.len() * 2).clamp(BUFFER, limit.max(BUFFER));
            if larger <= self.buffer.len() {
                return None;
            }
            // Zeroed by the system, and so for nothing; growing in place would write the zeros.
            let smaller = std::mem::replace(&mut self.buffer, vec![0; larger]);
            self.buffer[..smaller.len()].copy_from_slice(&smaller);
        }
        Some(())
    }

    /// What follows the last row, in an archive: two empty lines, then nothing.
    pub fn only_two_newlines(&mut self, place: &str) -> Result<(), ArchiveError> {
        const AFTER: &[u8] = b"\n\n";
        while self.unread().len() <= AFTER.len() && self.more(0, place)? {}
        let unread = self.unread();
        if unread == AFTER {
            Ok(())
        } else if AFTER.starts_with(unread) {
            Err(ArchiveError::early(place))
        } else {
            Err(ArchiveError::damaged(place, "text follows the end of its rows"))
        }
    }

    pub fn into_parts(self) -> (R, Vec<u8>) {
        (self.source, self.buffer)
    }
}

/// For what is read byte by byte.
impl<R: Read> Text<R> {
    /// None at the end of the text.
    pub fn peek(&mut self, place: &str) -> Result<Option<u8>, ArchiveError> {
        if self.start == self.end && !self.more(BUFFER, place)? {
            return Ok(None);
        }
        Ok(self.unread().first().copied())
    }
}
