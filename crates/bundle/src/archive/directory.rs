//! Directory format: a table of contents, and a file for each table, compressed as its name says.

use std::{
    collections::{BTreeMap, btree_map},
    fs::{self, File},
    io::{self, ErrorKind},
    path::PathBuf,
};

use super::{
    decode::{Decoder, Framing},
    error::{ArchiveError, Shown},
    facts::{Contents, CopyTarget, Format},
    input::{Input, Source},
    limits::Limits,
    rows::Copying,
    text::Text,
    toc::{At, Data, Toc},
};

const TOC: &str = "toc.dat";

/// Opens a file of the folder by its name, which has no other parts. `NotFound` where there is none.
pub(super) type Open<'a> = Box<dyn FnMut(&str) -> io::Result<Source<'a>> + Send + 'a>;

/// Opens plain files of a folder on disk; none that a link leads to.
pub(super) fn on_disk<'a>(folder: PathBuf) -> Open<'a> {
    Box::new(move |name| {
        let path = folder.join(name);
        if fs::symlink_metadata(&path)?.is_file() {
            Ok(Box::new(File::open(path)?))
        } else {
            Err(io::Error::new(ErrorKind::InvalidInput, "it is not a plain file"))
        }
    })
}

pub(super) struct Directory<'a> {
    open: Open<'a>,
    data: btree_map::IntoIter<i32, Data>,
    /// Of the table in hand.
    text: Option<Text<Decoder<Input<'a>>>>,
    left: u64,
    buffer: Vec<u8>,
}

impl<'a> Directory<'a> {
    pub fn open(mut open: Open<'a>, limits: &Limits) -> Result<(Self, Contents), ArchiveError> {
        let mut reader = Input::new(Box::new(file(&mut open, TOC, limits, limits.decompressed)?));
        let Toc { contents, data, .. } = Toc::read(&mut reader, Format::Directory, limits)?;
        reader.at_end("after its table of contents")?;
        let data = with_files(data)?.into_iter();
        Ok((Self { open, data, text: None, left: limits.decompressed, buffer: Vec::new() }, contents))
    }

    pub fn next(&mut self, limits: &Limits) -> Result<Option<CopyTarget>, ArchiveError> {
        for (_, data) in self.data.by_ref() {
            if let (Some(target), At::File(name)) = (data.target, data.at) {
                let decoder = file(&mut self.open, &name, limits, self.left)?;
                self.text = Some(Text::new(decoder, std::mem::take(&mut self.buffer)));
                return Ok(Some(target));
            }
        }
        Ok(None)
    }

    /// See [`Copying::next`].
    pub fn rows(&mut self, copying: &mut Copying, limits: &Limits) -> Result<Option<(usize, u64)>, ArchiveError> {
        let text = self.text.as_mut().ok_or(ArchiveError::Failed)?;
        let found = copying.next(text, limits.row)?;
        if found.is_none() {
            text.only_two_newlines(&copying.place())?;
            self.close(&copying.place())?;
        }
        Ok(found)
    }

    pub fn unread(&self) -> &[u8] {
        self.text.as_ref().map_or(&[], Text::unread)
    }

    /// The table's text is at its end; so must be its file.
    fn close(&mut self, place: &str) -> Result<(), ArchiveError> {
        let (decoder, buffer) = self.text.take().ok_or(ArchiveError::Failed)?.into_parts();
        let (_, left) = decoder.finish().map_err(|it| ArchiveError::of_reading(it, place))?;
        (self.buffer, self.left) = (buffer, left);
        Ok(())
    }
}

/// A table's file is named by its entry's number and nothing else.
fn with_files(data: BTreeMap<i32, Data>) -> Result<BTreeMap<i32, Data>, ArchiveError> {
    for (id, data) in data.iter().filter(|(_, it)| it.target.is_some()) {
        match &data.at {
            At::File(name) if *name == format!("{id}.dat") => {}
            At::File(name) => {
                let what = format!("the rows of entry {id} are said to be in `{}`", Shown(name));
                return Err(ArchiveError::damaged("in its table of contents", what));
            }
            _ => return Err(ArchiveError::damaged("in its table of contents", format!("entry {id} has rows and no file"))),
        }
    }
    Ok(data)
}

/// A file as `pg_dump` wrote it, or compressed afterwards.
fn file<'a>(open: &mut Open<'a>, name: &str, limits: &Limits, left: u64) -> Result<Decoder<Input<'a>>, ArchiveError> {
    for (ending, framing) in [("", Framing::Plain), (".gz", Framing::Gzip), (".lz4", Framing::Lz4), (".zst", Framing::Zstd)] {
        let name = format!("{name}{ending}");
        match open(&name) {
            Ok(reader) => return Decoder::new(Input::new(reader), framing, limits, left),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(ArchiveError::File { name, source }),
        }
    }
    Err(ArchiveError::Missing(name.to_owned()))
}
