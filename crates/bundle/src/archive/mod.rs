//! A reader of what `pg_dump` writes, for taking a server in without running any of the dump's SQL.
//!
//! A dump is a program: `pg_restore` and psql run what it says, and a list of what to restore is no boundary, since the `COPY` statements
//! are the file's own text. So this reads a dump as data. It gives the rows of each table as lines of `COPY`'s text format, as they stand,
//! with the table's name and columns parsed as names; the values of sequences, parsed as numbers; and what else the dump holds, by kind and
//! name alone. The schema is to come from the Mastodon release itself.
//!
//! Read are custom format (`-Fc`) and plain SQL (`-Fp`), forward only, so that they may come from a pipe or the network; and directory
//! format (`-Fd`, and an unpacked `-Ft`), whose files may come from anywhere. All are those of PostgreSQL 10 to 18, with every compression
//! that these have; what was compressed as a whole afterwards is read, too.
//!
//! Nothing is allocated because a dump says so: see [`Limits`]. A dump counts as whole only when [`Dump::next_table`] gave `None`: what ends
//! early or goes on, wherever, is an error before that.
//!
//! ```no_run
//! # fn load(_: &howdah_bundle::archive::CopyTarget, _: &[u8]) {}
//! use howdah_bundle::archive::{Dump, Limits};
//!
//! let mut dump = Dump::read(std::io::stdin(), Limits::default())?;
//! while let Some(mut table) = dump.next_table()? {
//!     let target = table.target().clone();
//!     while let Some(rows) = table.next_rows()? {
//!         load(&target, rows.bytes);
//!     }
//! }
//! # Ok::<(), howdah_bundle::archive::ArchiveError>(())
//! ```

mod custom;
mod decode;
mod directory;
mod error;
mod facts;
mod fields;
mod header;
mod input;
mod limits;
mod plain;
mod rows;
mod sniff;
mod statement;
mod text;
mod toc;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

pub(crate) use self::fields::{fields, unescape};
use self::{
    custom::Custom,
    decode::Decoder,
    directory::Directory,
    facts::Contents,
    input::{Input, Source},
    plain::Plain,
    rows::Copying,
    sniff::Kind,
};
pub use self::{
    error::{ArchiveError, RowFault},
    facts::{ArchiveVersion, Compression, CopyTarget, Entry, Facts, Format, Sequence},
    limits::Limits,
    rows::Rows,
};

/// A dump that is being read, from its front to its end.
pub struct Dump<'a> {
    contents: Contents,
    tables: Tables<'a>,
    limits: Limits,
    /// The table in hand, with rows not yet read.
    copying: Option<Copying>,
    failed: bool,
}

enum Tables<'a> {
    Custom(Custom<'a>),
    Directory(Directory<'a>),
    Plain(Box<Plain<'a>>),
}

impl Tables<'_> {
    /// What was read of the table in hand, and more.
    fn unread(&self) -> &[u8] {
        match self {
            Self::Custom(custom) => custom.unread(),
            Self::Directory(directory) => directory.unread(),
            Self::Plain(plain) => plain.unread(),
        }
    }
}

impl<'a> Dump<'a> {
    /// A dump in custom format or plain SQL, from wherever it comes.
    ///
    /// # Errors
    /// [`ArchiveError`], among them what it is if it is no such dump.
    pub fn read(reader: impl Read + Send + 'a, limits: Limits) -> Result<Self, ArchiveError> {
        let (kind, input) = sniffed(Box::new(reader))?;
        match kind {
            Kind::Archive => Self::custom(input, limits),
            Kind::Plain => Self::plain(input, Compression::None, limits),
            Kind::Compressed(framing) => {
                let decoder = Decoder::new(input, framing, &limits, limits.decompressed)?;
                match sniffed(Box::new(decoder))? {
                    (Kind::Archive, input) => Self::custom(input, limits),
                    (Kind::Plain, input) => Self::plain(input, framing.compression(), limits),
                    (Kind::Compressed(_), _) => {
                        let (what, way) = ("a file that is compressed twice", "unpack it once, and give what comes out");
                        Err(ArchiveError::Other { what, way })
                    }
                }
            }
        }
    }

    /// A dump in directory format. `open` gets names such as `toc.dat` or `3391.dat.gz`, which never have another part than a file's name,
    /// and answers [`io::ErrorKind::NotFound`] where there is no such file.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn folder(
        open: impl FnMut(&str) -> io::Result<Box<dyn Read + Send + 'a>> + Send + 'a,
        limits: Limits,
    ) -> Result<Self, ArchiveError> {
        let (directory, contents) = Directory::open(Box::new(open), &limits)?;
        Ok(Self::new(contents, Tables::Directory(directory), limits))
    }

    /// A dump on disk, of any format: a file, or the folder of one in directory format.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(path: &Path, limits: Limits) -> Result<Self, ArchiveError> {
        if path.is_dir() {
            Self::folder(directory::on_disk(path.to_owned()), limits)
        } else {
            Self::read(File::open(path).map_err(|source| ArchiveError::File { name: path.display().to_string(), source })?, limits)
        }
    }

    fn custom(input: Input<'a>, limits: Limits) -> Result<Self, ArchiveError> {
        let (custom, contents) = Custom::open(input, &limits)?;
        Ok(Self::new(contents, Tables::Custom(custom), limits))
    }

    fn plain(input: Input<'a>, compression: Compression, limits: Limits) -> Result<Self, ArchiveError> {
        let (plain, contents) = Plain::open(input, compression, &limits)?;
        Ok(Self::new(contents, Tables::Plain(Box::new(plain)), limits))
    }

    const fn new(contents: Contents, tables: Tables<'a>, limits: Limits) -> Self {
        Self { contents, tables, limits, copying: None, failed: false }
    }

    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.contents.facts
    }

    /// What the dump holds, in its order. Of plain SQL, what has been read of it so far.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.contents.entries
    }

    /// Where its sequences stand. Of plain SQL, those that have been read so far: all are known when there is no further table.
    #[must_use]
    pub fn sequences(&self) -> &[Sequence] {
        &self.contents.sequences
    }

    /// The next table that has rows, in the dump's order; what was not read of the one before is passed over, and looked at no less. A table
    /// that has partitions may come more than once. None at the end: only then is it known that the dump is whole.
    ///
    /// # Errors
    /// [`ArchiveError`]; after one, every further call fails.
    pub fn next_table(&mut self) -> Result<Option<Table<'_, 'a>>, ArchiveError> {
        while self.next_rows()?.is_some() {}
        let target = self.guarded(|it| match &mut it.tables {
            Tables::Custom(custom) => custom.next(&it.limits),
            Tables::Directory(directory) => directory.next(&it.limits),
            Tables::Plain(plain) => plain.next(&mut it.contents, &it.limits),
        })?;
        self.copying = target.as_ref().map(Copying::of);
        Ok(target.map(|target| Table { dump: self, target }))
    }

    fn next_rows(&mut self) -> Result<Option<Rows<'_>>, ArchiveError> {
        let found = self.guarded(|it| {
            let Some(copying) = &mut it.copying else { return Ok(None) };
            let found = match &mut it.tables {
                Tables::Custom(custom) => custom.rows(copying, &it.limits),
                Tables::Directory(directory) => directory.rows(copying, &it.limits),
                Tables::Plain(plain) => plain.rows(copying, &it.limits),
            }?;
            if found.is_none() {
                it.copying = None;
            }
            Ok(found)
        })?;
        Ok(found.map(|(bytes, count)| Rows { bytes: &self.tables.unread()[..bytes], count }))
    }

    /// Lets nothing be read on after an error.
    fn guarded<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ArchiveError>) -> Result<T, ArchiveError> {
        if self.failed {
            return Err(ArchiveError::Failed);
        }
        let result = read(self);
        self.failed = result.is_err();
        result
    }
}

/// What it is, and all of it.
fn sniffed(reader: Source<'_>) -> Result<(Kind, Input<'_>), ArchiveError> {
    let (head, input) = Input::with_head(reader, sniff::HEAD).map_err(|it| ArchiveError::of_reading(it, "in its first bytes"))?;
    Ok((sniff::kind(&head)?, input))
}

/// A table of a dump.
pub struct Table<'t, 'a> {
    dump: &'t mut Dump<'a>,
    target: CopyTarget,
}

impl Table<'_, '_> {
    #[must_use]
    pub const fn target(&self) -> &CopyTarget {
        &self.target
    }

    /// Further rows, as many as are at hand; None after the last.
    ///
    /// # Errors
    /// [`ArchiveError`]; after one, nothing more of the dump can be read.
    pub fn next_rows(&mut self) -> Result<Option<Rows<'_>>, ArchiveError> {
        self.dump.next_rows()
    }
}
