//! Plain SQL: its `COPY … FROM stdin` blocks and its values of sequences. Everything else is passed over; nothing is interpreted.
//!
//! It is whole only if it ends with the line that says so, and with the `\unrestrict` that belongs to its `\restrict` (which `pg_dump` writes
//! since CVE-2025-8714, so that psql runs no command that a dump's data brought in).

mod lexer;

use chrono::NaiveDateTime;

use self::lexer::{Lexer, Piece};
use super::{
    error::ArchiveError,
    facts::{Compression, Contents, CopyTarget, Entry, Facts, Format},
    input::Input,
    limits::Limits,
    rows::Copying,
    statement,
    text::Text,
};

const PLACE: &str = "between its tables";
const COMPLETE: &str = "PostgreSQL database dump complete";

pub(super) struct Plain<'a> {
    lexer: Lexer<'a>,
    /// Found while the beginning was read.
    first: Option<CopyTarget>,
    restrict: Option<String>,
    complete: bool,
}

enum Step {
    On,
    Copy(CopyTarget),
    End,
}

impl<'a> Plain<'a> {
    /// Reads up to where the encoding of the rows is said, which is at the beginning.
    pub fn open(input: Input<'a>, compression: Compression, limits: &Limits) -> Result<(Self, Contents), ArchiveError> {
        let lexer = Lexer::new(Text::new(input, Vec::new()));
        let mut plain = Self { lexer, first: None, restrict: None, complete: false };
        let mut contents = Contents::new(Facts {
            format: Format::Plain,
            archive_version: None,
            compression,
            database: None,
            server_version: None,
            pg_dump_version: None,
            created: None,
            encoding: None,
        });
        while contents.facts.encoding.is_none() {
            match plain.step(&mut contents, limits)? {
                Step::On => {}
                Step::Copy(target) => {
                    plain.first = Some(target);
                    break;
                }
                Step::End => break,
            }
        }
        Ok((plain, contents))
    }

    /// None at the end of the text, if it was whole.
    pub fn next(&mut self, contents: &mut Contents, limits: &Limits) -> Result<Option<CopyTarget>, ArchiveError> {
        if let Some(target) = self.first.take() {
            return Ok(Some(target));
        }
        loop {
            match self.step(contents, limits)? {
                Step::On => {}
                Step::Copy(target) => return Ok(Some(target)),
                Step::End => return Ok(None),
            }
        }
    }

    /// See [`Copying::next`].
    pub fn rows(&mut self, copying: &mut Copying, limits: &Limits) -> Result<Option<(usize, u64)>, ArchiveError> {
        copying.next(&mut self.lexer.text, limits.row)
    }

    pub fn unread(&self) -> &[u8] {
        self.lexer.text.unread()
    }

    fn step(&mut self, contents: &mut Contents, limits: &Limits) -> Result<Step, ArchiveError> {
        let piece = self.lexer.next()?;
        match piece {
            None if self.complete && self.restrict.is_none() => Ok(Step::End),
            None => Err(ArchiveError::early("before its last line")),
            Some(Piece::Comment(text)) => self.comment(&text, contents, limits).map(|()| Step::On),
            Some(Piece::Command(text)) => self.command(&text).map(|()| Step::On),
            Some(Piece::Statement { .. }) if self.complete => Err(goes_on()),
            Some(Piece::Statement { first_word, text }) => self.statement(&first_word, text.as_deref(), contents, limits),
        }
    }

    fn comment(&mut self, text: &str, contents: &mut Contents, limits: &Limits) -> Result<(), ArchiveError> {
        if text == COMPLETE {
            self.complete = true;
        } else if let Some(version) = text.strip_prefix("Dumped from database version ") {
            contents.facts.server_version.get_or_insert_with(|| version.to_owned());
        } else if let Some(version) = text.strip_prefix("Dumped by pg_dump version ") {
            contents.facts.pg_dump_version.get_or_insert_with(|| version.to_owned());
        } else if let Some(time) = text.strip_prefix("Started on ") {
            let time = time.get(..19).and_then(|it| NaiveDateTime::parse_from_str(it, "%Y-%m-%d %H:%M:%S").ok());
            contents.facts.created = contents.facts.created.or(time);
        } else if let Some(entry) = entry(text) {
            contents.add(entry, limits, PLACE)?;
        }
        Ok(())
    }

    /// psql's; `\connect` and others are passed over. With `-C`, the restriction ends before `\connect` and begins again.
    fn command(&mut self, text: &str) -> Result<(), ArchiveError> {
        let text = text.trim_end();
        let (command, argument) = text.split_once(' ').unwrap_or((text, ""));
        match command {
            "restrict" if self.restrict.is_none() && !self.complete => self.restrict = Some(argument.to_owned()),
            "unrestrict" if self.restrict.as_deref() == Some(argument) => self.restrict = None,
            "restrict" | "unrestrict" => return Err(ArchiveError::damaged(PLACE, "its `\\restrict` and `\\unrestrict` don't match")),
            "." => return Err(ArchiveError::damaged(PLACE, "rows end where none began")),
            _ if self.complete => return Err(goes_on()),
            _ => {}
        }
        Ok(())
    }

    fn statement(&mut self, word: &str, text: Option<&str>, contents: &mut Contents, limits: &Limits) -> Result<Step, ArchiveError> {
        match (word, text) {
            ("copy", None) => Err(ArchiveError::too_large(PLACE, "a COPY has more text than 1,600 columns need")),
            ("copy", Some(text)) => {
                let target = statement::copy(text, None, limits.columns).map_err(|it| ArchiveError::unlike(PLACE, it))?;
                if self.lexer.text.peek(PLACE)? != Some(b'\n') {
                    return Err(ArchiveError::unlike(PLACE, "a COPY doesn't end its line"));
                }
                self.lexer.text.take(1);
                Ok(Step::Copy(target))
            }
            ("insert", _) => Err(ArchiveError::Inserts),
            ("select", Some(text)) if text.starts_with(statement::SETVAL) => {
                let sequence = statement::setval(text, None).map_err(|it| ArchiveError::unlike(PLACE, it))?;
                contents.add_sequence(sequence, limits, PLACE)?;
                Ok(Step::On)
            }
            ("set", Some("SET standard_conforming_strings = off;")) => {
                let what = "it was made with `standard_conforming_strings = off`, which tells strings otherwise than this reader";
                Err(ArchiveError::unlike(PLACE, what))
            }
            ("set", Some(text)) => {
                contents.set_encoding(text);
                Ok(Step::On)
            }
            _ => Ok(Step::On),
        }
    }
}

fn goes_on() -> ArchiveError {
    ArchiveError::unlike("after its last line", "it goes on, as several dumps in one file do")
}

/// `[Data for ]Name: accounts; Type: TABLE; Schema: public; Owner: mastodon`
fn entry(comment: &str) -> Option<Entry> {
    let comment = comment.strip_prefix("Data for ").unwrap_or(comment).strip_prefix("Name: ")?;
    let (comment, _owner) = comment.rsplit_once("; Owner: ")?;
    let (comment, schema) = comment.rsplit_once("; Schema: ")?;
    let (name, kind) = comment.rsplit_once("; Type: ")?;
    let schema = Some(schema).filter(|it| *it != "-").map(str::to_owned);
    Some(Entry { kind: kind.to_owned(), schema, name: name.to_owned() })
}
