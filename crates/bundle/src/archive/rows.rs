//! Rows in the text format of `COPY`: one a line, up to a line of `\.`. They are taken as they stand, never decoded; what is looked at is
//! that a line is a row of its table, and no more than one.
//!
//! `COPY … TO` writes a backslash only before one of `b f n r t v \`, and `\N` for a NULL. `COPY … FROM` takes more: a backslash before a
//! newline makes it part of the row. So nothing else is let through, or the server would see other rows than were counted here.

use std::io::Read;

use memchr::{Memchr, memchr_iter, memchr2, memchr3_iter, memrchr};

use super::{
    error::{ArchiveError, RowFault},
    facts::CopyTarget,
    text::Text,
};

/// Whole rows as a table's `COPY` gave them, in order: each line ends with a newline.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'t> {
    pub bytes: &'t [u8],
    /// Lines in it, at least one.
    pub count: u64,
}

impl<'t> Rows<'t> {
    /// Each row, without its newline.
    pub fn lines(&self) -> impl Iterator<Item = &'t [u8]> + use<'t> {
        Lines { bytes: self.bytes, newlines: memchr_iter(b'\n', self.bytes), start: 0 }
    }
}

struct Lines<'t> {
    bytes: &'t [u8],
    newlines: Memchr<'t>,
    start: usize,
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let end = self.newlines.next()?;
        let line = &self.bytes[self.start..end];
        self.start = end + 1;
        Some(line)
    }
}

/// The reading of one table's rows.
pub(super) struct Copying {
    /// For errors: `` `public.accounts` ``.
    table: String,
    columns: usize,
    rows: u64,
    /// Bytes at the beginning of the text that the caller has.
    lent: usize,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Rows,
    /// The line that ends the rows is next.
    End,
    Over,
}

impl Copying {
    pub fn of(target: &CopyTarget) -> Self {
        use super::error::Shown;
        let table = format!("`{}.{}`", Shown(&target.schema), Shown(&target.table));
        Self { table, columns: target.columns.len(), rows: 0, lent: 0, stage: Stage::Rows }
    }

    pub fn place(&self) -> String {
        format!("in {} after row {}", self.table, self.rows)
    }

    /// The next whole rows, as bytes at the beginning of `text`, and their number. None after the line that ends them, which is taken.
    pub fn next<R: Read>(&mut self, text: &mut Text<R>, limit: usize) -> Result<Option<(usize, u64)>, ArchiveError> {
        text.take(std::mem::take(&mut self.lent));
        let mut looked_at = 0;
        while self.stage == Stage::Rows {
            let unread = text.unread();
            if let Some(last) = memrchr(b'\n', &unread[looked_at..]) {
                let found = scan(&unread[..=looked_at + last], self.columns).map_err(|(row, fault)| self.fault(row, fault))?;
                if found.end {
                    self.stage = Stage::End;
                }
                if found.rows > 0 {
                    self.rows += found.rows;
                    self.lent = found.bytes;
                    return Ok(Some((found.bytes, found.rows)));
                }
                continue;
            }
            looked_at = unread.len();
            if !text.more(limit, &self.place())? {
                return Err(ArchiveError::early(&self.place()));
            }
        }
        if self.stage == Stage::End {
            text.take(END.len());
            self.stage = Stage::Over;
        }
        Ok(None)
    }

    fn fault(&self, row: u64, fault: RowFault) -> ArchiveError {
        ArchiveError::Row { table: self.table.clone(), row: self.rows + row, fault }
    }
}

/// The line after the last row.
const END: &[u8] = b"\\.\n";

#[derive(Debug, PartialEq, Eq)]
struct Found {
    bytes: usize,
    rows: u64,
    /// Whether the line that ends the rows follows.
    end: bool,
}

/// Counts whole lines and looks at each. On a fault: which row it is, from 1.
fn scan(lines: &[u8], columns: usize) -> Result<Found, (u64, RowFault)> {
    match columns_of(lines, columns) {
        Ok(found) => carries(&lines[..found.bytes]).map(|()| found),
        Err((at, row, fault)) => carries(&lines[..at]).and(Err((row, fault))),
    }
}

/// On a fault: where it is, and in which row.
fn columns_of(lines: &[u8], columns: usize) -> Result<Found, (usize, u64, RowFault)> {
    let expected = columns.max(1);
    let mut rows = 0;
    let (mut start, mut field, mut fields) = (0, 0, 1);
    // The byte behind a backslash, which has been looked at.
    let mut escaped = usize::MAX;
    for at in memchr3_iter(b'\n', b'\t', b'\\', lines) {
        match lines[at] {
            _ if at == escaped => {}
            b'\t' => (field, fields) = (at + 1, fields + 1),
            b'\n' => {
                if fields != expected || (columns == 0 && at > start) {
                    return Err((at, rows + 1, RowFault::Columns { found: fields, expected: columns }));
                }
                rows += 1;
                (start, field, fields) = (at + 1, at + 1, 1);
            }
            _ if at == start && lines[at..].starts_with(END) => return Ok(Found { bytes: start, rows, end: true }),
            _ => {
                escape(&lines[at + 1..], at == field, at == start).map_err(|it| (at, rows + 1, it))?;
                escaped = at + 1;
            }
        }
    }
    Ok(Found { bytes: start, rows, end: false })
}

/// What follows a backslash, which begins a column or a row or neither.
fn escape(next: &[u8], begins_column: bool, begins_row: bool) -> Result<(), RowFault> {
    match next {
        [b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\', ..] => Ok(()),
        [b'N', b'\t' | b'\n', ..] if begins_column => Ok(()),
        [b'N', ..] => Err(RowFault::Null),
        [b'.', b'\r', ..] if begins_row => Err(RowFault::Return),
        [other, ..] => Err(RowFault::Escape(*other)),
        // Lines are whole.
        [] => Err(RowFault::Escape(b'\n')),
    }
}

/// Whether there are bytes that no row has.
fn carries(lines: &[u8]) -> Result<(), (u64, RowFault)> {
    match memchr2(b'\r', 0, lines) {
        None => Ok(()),
        Some(at) => {
            let row = 1 + memchr_iter(b'\n', &lines[..at]).count() as u64;
            Err((row, if lines[at] == 0 { RowFault::Zero } else { RowFault::Return }))
        }
    }
}
