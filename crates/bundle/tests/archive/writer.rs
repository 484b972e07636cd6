//! Writes archives as `pg_dump` does, and as it never would.

use std::io::{Cursor, Write};

/// An archive in custom format, or the table of contents of one in directory format.
#[derive(Clone)]
pub struct Archive {
    /// 12 to 16.
    pub minor: u8,
    pub compression: Method,
    pub directory: bool,
    pub entries: Vec<EntryOf>,
    /// Bytes of the pieces that data are cut into.
    pub piece: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    None,
    Gzip,
    Lz4,
    Zstd,
}

#[derive(Clone)]
pub struct EntryOf {
    pub id: i32,
    pub kind: &'static str,
    pub name: String,
    pub schema: &'static str,
    pub definition: String,
    pub copy: Option<String>,
    /// What its block has, before compression.
    pub data: Option<Vec<u8>>,
    pub file: String,
}

pub fn table(id: i32, copy: &str, data: impl Into<Vec<u8>>) -> EntryOf {
    EntryOf {
        id,
        kind: "TABLE DATA",
        name: "t".to_owned(),
        schema: "public",
        definition: String::new(),
        copy: Some(copy.to_owned()),
        data: Some(data.into()),
        file: format!("{id}.dat"),
    }
}

pub fn sequence(id: i32, definition: &str) -> EntryOf {
    let definition = definition.to_owned();
    EntryOf { kind: "SEQUENCE SET", definition, copy: None, data: None, ..table(id, "", "") }
}

pub fn archive(entries: Vec<EntryOf>) -> Archive {
    Archive { minor: 16, compression: Method::None, directory: false, entries, piece: 4096 }
}

impl Archive {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.toc();
        for entry in &self.entries {
            if let Some(data) = &entry.data {
                bytes.extend(self.block(entry.id, data));
            }
        }
        bytes
    }

    pub fn toc(&self) -> Vec<u8> {
        let mut bytes = b"PGDMP".to_vec();
        bytes.extend([1, self.minor, 0, 4, 8, if self.directory { 3 } else { 1 }]);
        if self.minor >= 15 {
            bytes.push(self.compression as u8);
        } else {
            assert!(matches!(self.compression, Method::None | Method::Gzip), "older archives have no others");
            bytes.extend(int(if self.compression == Method::None { 0 } else { -1 }));
        }
        // 2024-02-29 12:34:56
        [56, 34, 12, 29, 1, 124, 0].into_iter().for_each(|it| bytes.extend(int(it)));
        ["mastodon_production", "16.1", "16.2"].into_iter().for_each(|it| bytes.extend(text(it)));
        bytes.extend(int(i32::try_from(self.entries.len()).expect("few")));
        self.entries.iter().for_each(|it| bytes.extend(self.entry(it)));
        bytes
    }

    fn entry(&self, entry: &EntryOf) -> Vec<u8> {
        let mut bytes = int(entry.id);
        bytes.extend(int(i32::from(entry.data.is_some())));
        ["1259", "16385", &entry.name, entry.kind].into_iter().for_each(|it| bytes.extend(text(it)));
        bytes.extend(int(3));
        bytes.extend(text(&entry.definition));
        bytes.extend(text(""));
        bytes.extend(entry.copy.as_deref().map_or_else(|| int(-1), text));
        bytes.extend(text(entry.schema));
        bytes.extend(int(-1));
        if self.minor >= 14 {
            bytes.extend(int(-1));
        }
        if self.minor >= 16 {
            bytes.extend(int(i32::from(b'r')));
        }
        ["owner", "false", "2", "3"].into_iter().for_each(|it| bytes.extend(text(it)));
        bytes.extend(int(-1));
        if self.directory {
            bytes.extend(text(if entry.data.is_some() { &entry.file } else { "" }));
        } else {
            bytes.push(if entry.data.is_some() { 1 } else { 3 });
            bytes.extend([0; 8]);
        }
        bytes
    }

    fn block(&self, id: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(int(id));
        for piece in compressed(self.compression, data).chunks(self.piece) {
            bytes.extend(int(i32::try_from(piece.len()).expect("a piece")));
            bytes.extend(piece);
        }
        bytes.extend(int(0));
        bytes
    }
}

/// As inside an archive: with zlib's framing.
pub fn compressed(method: Method, data: &[u8]) -> Vec<u8> {
    match method {
        Method::None => data.to_vec(),
        Method::Gzip => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(data).and_then(|()| encoder.finish()).expect("in memory")
        }
        Method::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(data).expect("in memory");
            encoder.finish().expect("in memory")
        }
        Method::Zstd => zstd::encode_all(Cursor::new(data), 1).expect("in memory"),
    }
}

/// As a file, or around a whole dump.
pub fn gzipped(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("in memory")
}

pub fn int(number: i32) -> Vec<u8> {
    let mut bytes = vec![u8::from(number < 0)];
    bytes.extend(number.unsigned_abs().to_le_bytes());
    bytes
}

pub fn text(text: &str) -> Vec<u8> {
    let mut bytes = int(i32::try_from(text.len()).expect("short"));
    bytes.extend(text.as_bytes());
    bytes
}

/// Plain SQL with these blocks, as `pg_dump` frames it.
pub fn plain(body: &str) -> String {
    format!(
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict key\n\n-- Dumped from database version 17.1\n-- Dumped by pg_dump version 17.2\n\n\
         SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n{body}\n\
         --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict key\n\n"
    )
}
