//! Plain SQL, cut into comments, commands of psql and statements as psql cuts it: strings, quoted names, dollar quotes, comments, parentheses
//! and bodies of functions (`BEGIN ATOMIC … END`) are passed over, so that nothing inside them is taken for a statement.

use super::super::{error::ArchiveError, input::Input, limits::STATEMENT, text::Text};

const PLACE: &str = "between its tables";

/// The longest tag of a dollar quote; PostgreSQL's names have 63 bytes.
const LONGEST_TAG: usize = 255;
/// How much of a comment or a command is kept.
const LONGEST_LINE: usize = 4096;

pub(super) struct Lexer<'a> {
    pub text: Text<Input<'a>>,
    /// Of the statement in hand.
    statement: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// What follows `-- `, on a line that is whole.
    Comment(String),
    /// A line that begins with a backslash, without it.
    Command(String),
    Statement {
        /// In lower case.
        first_word: String,
        /// With its semicolon. None if it is longer than any that means something.
        text: Option<String>,
    },
}

impl<'a> Lexer<'a> {
    pub const fn new(text: Text<Input<'a>>) -> Self {
        Self { text, statement: Vec::new() }
    }

    /// None at the end of the text.
    pub fn next(&mut self) -> Result<Option<Piece>, ArchiveError> {
        loop {
            self.statement.clear();
            let Some(byte) = self.peek()? else { return Ok(None) };
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.text.take(1),
                b'\\' => return self.line(1).map(Piece::Command).map(Some),
                b'-' if self.at(b"--")? => {
                    let line = self.line(2)?;
                    return Ok(Some(Piece::Comment(line.trim_start().to_owned())));
                }
                b'/' if self.at(b"/*")? => self.block_comment()?,
                _ => return self.statement().map(Some),
            }
        }
    }

    /// The rest of a line behind its first bytes. It has to end with a newline.
    fn line(&mut self, skip: usize) -> Result<String, ArchiveError> {
        self.text.take(skip);
        let mut line = Vec::new();
        loop {
            match self.peek()?.ok_or_else(|| ArchiveError::early(PLACE))? {
                b'\n' => break,
                byte if line.len() < LONGEST_LINE => line.push(byte),
                _ => {}
            }
            self.text.take(1);
        }
        self.text.take(1);
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    fn statement(&mut self) -> Result<Piece, ArchiveError> {
        let mut words = Words::default();
        let mut depth = 0_u32;
        loop {
            let byte = self.peek()?.ok_or_else(|| ArchiveError::early(PLACE))?;
            match byte {
                b'\'' => self.quoted(b'\'', words.escapes())?,
                b'"' => self.quoted(b'"', false)?,
                b'$' => self.dollar()?,
                b'-' if self.at(b"--")? => self.line_comment()?,
                b'/' if self.at(b"/*")? => self.block_comment()?,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => {
                    self.word(&mut words, depth)?;
                    continue;
                }
                b';' if depth == 0 && words.inside == 0 => {
                    self.eat()?;
                    return Ok(self.finish(words));
                }
                b'(' => {
                    depth = depth.saturating_add(1);
                    self.eat()?;
                }
                b')' => {
                    depth = depth.saturating_sub(1);
                    self.eat()?;
                }
                _ => self.eat().map(drop)?,
            }
            words.last.clear();
        }
    }

    fn finish(&mut self, words: Words) -> Piece {
        let whole = self.statement.len() < STATEMENT;
        let text = whole.then(|| String::from_utf8_lossy(&self.statement).into_owned());
        Piece::Statement { first_word: words.first.into_iter().next().unwrap_or_default(), text }
    }

    /// A name or key word, and digits within.
    fn word(&mut self, words: &mut Words, depth: u32) -> Result<(), ArchiveError> {
        words.last.clear();
        while let Some(byte @ (b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | 0x80..)) = self.peek()? {
            if words.last.len() < Words::LONGEST {
                words.last.push(char::from(byte.to_ascii_lowercase()));
            }
            self.eat()?;
        }
        words.note(depth);
        Ok(())
    }

    fn quoted(&mut self, quote: u8, escapes: bool) -> Result<(), ArchiveError> {
        self.eat()?;
        loop {
            let byte = self.eat()?;
            if byte == b'\\' && escapes {
                self.eat()?;
            } else if byte == quote {
                // Two in a row are one, within.
                if self.peek()? != Some(quote) {
                    return Ok(());
                }
                self.eat()?;
            }
        }
    }

    /// `$$` or `$tag$` up to the same again; or a lone `$`.
    fn dollar(&mut self) -> Result<(), ArchiveError> {
        let mut tag = vec![self.eat()?];
        loop {
            match self.peek()? {
                Some(b'$') => {
                    tag.push(self.eat()?);
                    break;
                }
                Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..) => tag.push(self.eat()?),
                Some(b'0'..=b'9') if tag.len() > 1 => tag.push(self.eat()?),
                _ => return Ok(()),
            }
            if tag.len() > LONGEST_TAG {
                return Err(ArchiveError::unlike(PLACE, "a dollar quote has a tag longer than any name"));
            }
        }
        while !self.at(&tag)? {
            self.eat()?;
        }
        for _ in 0..tag.len() {
            self.eat()?;
        }
        Ok(())
    }

    fn line_comment(&mut self) -> Result<(), ArchiveError> {
        while self.eat()? != b'\n' {}
        Ok(())
    }

    /// They nest.
    fn block_comment(&mut self) -> Result<(), ArchiveError> {
        let mut depth = 0_u64;
        loop {
            if self.at(b"/*")? {
                depth += 1;
                self.eat()?;
            } else if self.at(b"*/")? {
                depth -= 1;
                self.eat()?;
            }
            self.eat()?;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, ArchiveError> {
        self.text.peek(PLACE)
    }

    /// Whether the text goes on with these.
    fn at(&mut self, bytes: &[u8]) -> Result<bool, ArchiveError> {
        while self.text.unread().len() < bytes.len() && self.text.more(STATEMENT, PLACE)? {}
        Ok(self.text.unread().starts_with(bytes))
    }

    /// One byte of a statement.
    fn eat(&mut self) -> Result<u8, ArchiveError> {
        let byte = self.peek()?.ok_or_else(|| ArchiveError::early(PLACE))?;
        if self.statement.len() < STATEMENT {
            self.statement.push(byte);
        }
        self.text.take(1);
        Ok(byte)
    }
}

/// What has been seen of a statement's words.
#[derive(Default)]
struct Words {
    /// Up to four.
    first: Vec<String>,
    /// The one just before, in lower case and cut.
    last: String,
    /// How deep inside `BEGIN ATOMIC … END` and `CASE … END` within.
    inside: u32,
}

impl Words {
    const LONGEST: usize = 32;

    /// Whether a string that begins now is of the kind with backslashes.
    fn escapes(&self) -> bool {
        self.last == "e"
    }

    fn note(&mut self, depth: u32) {
        if self.first.len() < 4 {
            self.first.push(self.last.clone());
        }
        if depth > 0 || !self.makes_routine() {
            return;
        }
        match self.last.as_str() {
            "begin" => self.inside += 1,
            "case" if self.inside > 0 => self.inside += 1,
            "end" => self.inside = self.inside.saturating_sub(1),
            _ => {}
        }
    }

    /// `CREATE [OR REPLACE] FUNCTION` or `PROCEDURE`.
    fn makes_routine(&self) -> bool {
        let mut words = self.first.iter().map(String::as_str);
        let create = words.next() == Some("create");
        match words.next() {
            Some("or") => create && words.next() == Some("replace") && matches!(words.next(), Some("function" | "procedure")),
            kind => create && matches!(kind, Some("function" | "procedure")),
        }
    }
}
