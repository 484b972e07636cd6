//! An archive's table of contents: what objects the dump has. Their definitions are passed over, but for the values of sequences; what is
//! kept are kinds and names, and where rows lie.

use std::{collections::BTreeMap, io::Read};

use sha2::{Digest as _, Sha256};

use super::{
    error::{ArchiveError, Shown},
    facts::{Contents, CopyTarget, Entry, Format},
    header::{Fields, Header, WITH_ACCESS_METHOD, WITH_RELATION_KIND, lossy},
    limits::{Limits, NAME, STATEMENT},
    statement,
};

/// A header and the table of contents after it.
pub(super) struct Toc {
    pub contents: Contents,
    /// What has data, by its number.
    pub data: BTreeMap<i32, Data>,
    pub identity: Identity,
}

/// By which a table of contents is known when it comes again.
pub(super) struct Identity {
    header: Header,
    /// Of all that is read of its entries, but where their data lie.
    sha256: [u8; 32],
}

/// Data of an entry.
pub(super) struct Data {
    /// None for large objects, which Mastodon doesn't have.
    pub target: Option<CopyTarget>,
    pub at: At,
}

/// Where data lie.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum At {
    /// In this file of the folder.
    File(String),
    /// At this byte of the stream.
    Byte(u64),
    /// Somewhere in the stream: it was written to a pipe.
    Somewhere,
    Nowhere,
}

impl Toc {
    /// `format`: what it has to be.
    pub fn read(reader: &mut impl Read, format: Format, limits: &Limits) -> Result<Self, ArchiveError> {
        let (header, mut fields) = Header::read(reader, limits)?;
        if header.format != format {
            let way = "give the folder of a dump in directory format, or the file of one in custom format";
            return Err(ArchiveError::Other { what: "a file of a dump in another format", way });
        }
        Self::entries(&mut fields, header, limits)
    }

    fn entries<R: Read>(fields: &mut Fields<'_, R>, header: Header, limits: &Limits) -> Result<Self, ArchiveError> {
        let count = fields.int()?;
        let count = u32::try_from(count).map_err(|_| fields.damaged(format!("it has {count} entries")))?;
        if count > limits.entries {
            return Err(ArchiveError::too_large(fields.place(), format!("it has {count} entries")));
        }
        let (mut contents, mut data, mut sha256) = (Contents::new(header.facts.clone()), BTreeMap::new(), Sha256::new());
        for _ in 0..count {
            let entry = RawEntry::read(fields, &header, limits)?;
            let RawEntry { id, entry: of, has_data, definition, copy, at: _ } = &entry;
            sha256.update(format!("{id} {of:?} {has_data} {definition:?} {copy:?}\n"));
            entry.add(&mut contents, &mut data, fields, limits)?;
        }
        Ok(Self { contents, data, identity: Identity { header, sha256: sha256.finalize().into() } })
    }
}

impl Identity {
    /// Reads it as it comes again: `found` says where each entry's data were.
    pub fn again(self, reader: &mut impl Read, found: &BTreeMap<i32, u64>, limits: &Limits) -> Result<(), ArchiveError> {
        const PLACE: &str = "behind its last table";
        let Self { header, sha256 } = self;
        let mut fields = Fields::of(reader, PLACE);
        let Toc { data, identity, .. } = Toc::entries(&mut fields, header, limits)?;
        let is_there = |(id, data): (&i32, &Data)| found.get(id).is_some_and(|it| data.at == At::Byte(*it));
        if identity.sha256 == sha256 && data.iter().all(is_there) {
            Ok(())
        } else {
            Err(ArchiveError::damaged(PLACE, "what follows is not its table of contents once more"))
        }
    }
}

const ENCODING: &str = "ENCODING";
const SEQUENCE_SET: &str = "SEQUENCE SET";
const TABLE_DATA: &str = "TABLE DATA";
const LARGE_OBJECTS: &str = "BLOBS";

/// One entry as it is read.
struct RawEntry {
    id: i32,
    entry: Entry,
    has_data: bool,
    /// Of the kinds whose statement means something.
    definition: Option<String>,
    copy: Option<String>,
    at: At,
}

impl RawEntry {
    fn read<R: Read>(fields: &mut Fields<'_, R>, header: &Header, limits: &Limits) -> Result<Self, ArchiveError> {
        let id = fields.int()?;
        if id <= 0 {
            return Err(fields.damaged(format!("an entry has the number {id}")));
        }
        let has_data = match fields.int()? {
            0 => false,
            1 => true,
            other => return Err(fields.damaged(format!("entry {id} has {other} for whether it has data"))),
        };
        // The object's numbers in the catalogue.
        fields.pass(limits)?;
        fields.pass(limits)?;
        let name = fields.text(NAME, limits)?.map(lossy).unwrap_or_default();
        let kind = fields.text(NAME, limits)?.map(lossy).unwrap_or_default();
        let _section = fields.int()?;
        let definition = match kind.as_str() {
            SEQUENCE_SET | ENCODING => fields.statement(limits)?,
            _ => fields.pass(limits).map(|_| None)?,
        };
        let _drop = fields.pass(limits)?;
        let copy = if kind == TABLE_DATA { fields.statement(limits)? } else { fields.pass(limits).map(|_| None)? };
        let schema = fields.text(NAME, limits)?.map(lossy).filter(|it| !it.is_empty());
        let _tablespace = fields.pass(limits)?;
        if header.version.minor >= WITH_ACCESS_METHOD {
            fields.pass(limits)?;
        }
        if header.version.minor >= WITH_RELATION_KIND {
            fields.int()?;
        }
        let _owner = fields.pass(limits)?;
        let _with_oids = fields.pass(limits)?;
        // Numbers of the entries that it needs, as texts.
        while fields.pass(limits)? {}
        let at = if header.format == Format::Custom { in_stream(fields)? } else { in_folder(fields, limits)? };
        Ok(Self { id, entry: Entry { kind, schema, name }, has_data, definition, copy, at })
    }

    fn add<R: Read>(
        self,
        contents: &mut Contents,
        all_data: &mut BTreeMap<i32, Data>,
        fields: &Fields<'_, R>,
        limits: &Limits,
    ) -> Result<(), ArchiveError> {
        if !self.is_consistent() {
            return Err(fields.damaged(format!("it isn't clear whether entry {} has data", self.id)));
        }
        let Self { id, entry, has_data, definition, copy, at } = self;
        let unlike = |what: String| fields.unlike(format!("{} {}: {what}", Shown(&entry.kind), Shown(&entry.name)));
        let schema = entry.schema.as_deref();
        match (entry.kind.as_str(), &definition) {
            (ENCODING, Some(text)) => contents.set_encoding(text),
            (SEQUENCE_SET, text) => {
                let sequence = statement::setval(text.as_deref().unwrap_or_default(), schema).map_err(unlike)?;
                contents.add_sequence(sequence, limits, fields.place())?;
            }
            _ => {}
        }
        let target = match (entry.kind.as_str(), &copy) {
            (TABLE_DATA, None) => return Err(ArchiveError::Inserts),
            (TABLE_DATA, Some(text)) => Some(statement::copy(text, schema, limits.columns).map_err(unlike)?),
            _ => None,
        };
        if has_data {
            contents.count(size_of::<Data>() + target.as_ref().map_or(0, CopyTarget::size), limits, fields.place())?;
            if all_data.insert(id, Data { target, at }).is_some() {
                return Err(fields.damaged(format!("two entries have the number {id}")));
            }
        }
        contents.add(entry, limits, fields.place())
    }

    /// Rows are somewhere, and nothing else has data: a dump doesn't lose a table by one changed byte.
    fn is_consistent(&self) -> bool {
        match self.entry.kind.as_str() {
            TABLE_DATA => self.has_data && self.at != At::Nowhere,
            LARGE_OBJECTS => !self.has_data || self.at != At::Nowhere,
            _ => !self.has_data,
        }
    }
}

impl<R: Read> Fields<'_, R> {
    fn statement(&mut self, limits: &Limits) -> Result<Option<String>, ArchiveError> {
        let text = self.text(STATEMENT, limits)?.filter(|it| !it.is_empty());
        text.map(String::from_utf8).transpose().map_err(|_| self.unlike("a statement is not UTF-8"))
    }
}

fn in_stream<R: Read>(fields: &mut Fields<'_, R>) -> Result<At, ArchiveError> {
    let kind = fields.byte()?;
    let offset = fields.offset()?;
    match kind {
        1 => Ok(At::Somewhere),
        2 => Ok(At::Byte(offset)),
        3 => Ok(At::Nowhere),
        other => Err(fields.damaged(format!("a place in the file is of kind {other}"))),
    }
}

fn in_folder<R: Read>(fields: &mut Fields<'_, R>, limits: &Limits) -> Result<At, ArchiveError> {
    let name = fields.text(NAME, limits)?.map(lossy).unwrap_or_default();
    Ok(if name.is_empty() { At::Nowhere } else { At::File(name) })
}
