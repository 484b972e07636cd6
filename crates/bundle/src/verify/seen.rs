//! What a bundle holds, as it is read: digests of everything, and the few files that the judgement needs.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use futures::{StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _};
use tokio_util::io::SyncIoBridge;

use super::media::{Compared, MediaSeen};
use super::{notice, signed, wrong};
use crate::archive::ArchiveError;
use crate::format::{self, BundlePath, FileFacts, Finding, Manifest, MediaFile, MediaKey, Preflight, Sha256Hex, TableFacts};
use crate::place::{Bundle, PlaceError, TarStream};
use crate::progress::{Event, Told};
use crate::rows;
use crate::seal::{self, Identities, Opener, SealError};

/// Of a file that is held: a manifest has a few hundred lines.
const HELD: u64 = 16 << 20;
/// The recovery key's name, but for the seal.
const RECOVERY: &str = "env/recovery-key";
/// Of a line of the inventory.
const LINE: u64 = 16 << 10;
/// Media files of a tree that are read at once.
const AT_ONCE: usize = 16;
const BUFFER: usize = 128 << 10;
/// Beside the media.
const MOST_FILES: usize = 1000;
/// Findings of one kind that are named; the rest is counted.
pub(super) const NAMED: usize = 200;

pub(super) struct Seen<'a> {
    identities: Option<&'a Identities>,
    /// What a passphrase among them opened.
    unlocked: Option<Identities>,
    told: &'a Told,
    pub files: BTreeMap<BundlePath, FileFacts>,
    pub preflight: Option<Preflight>,
    pub manifest: Option<Manifest>,
    /// Of [`signed::HELD`].
    pub held: BTreeMap<&'static str, Vec<u8>>,
    /// Opened, where that could be.
    pub secrets: Option<Result<Vec<u8>, SealError>>,
    pub dump: Option<DumpSeen>,
    pub media: MediaSeen,
    /// Lines of the inventory and their bytes.
    pub inventory: (u64, u64),
    pub findings: Vec<Finding>,
}

pub(super) struct DumpSeen {
    /// Before it was sealed; none where it was not opened.
    pub content: Option<FileFacts>,
    pub tables: Option<Result<BTreeMap<String, TableFacts>, DumpFault>>,
}

#[derive(Debug)]
pub(super) enum DumpFault {
    Seal(SealError),
    Archive(ArchiveError),
}

impl<'a> Seen<'a> {
    pub fn new(identities: Option<&'a Identities>, told: &'a Told) -> Self {
        Self {
            identities,
            unlocked: None,
            told,
            files: BTreeMap::new(),
            preflight: None,
            manifest: None,
            held: BTreeMap::new(),
            secrets: None,
            dump: None,
            media: MediaSeen::default(),
            inventory: (0, 0),
            findings: Vec::new(),
        }
    }

    fn identities(&self) -> Option<&Identities> {
        self.unlocked.as_ref().or(self.identities)
    }

    pub async fn stream(&mut self, mut stream: TarStream) -> Result<(), PlaceError> {
        while let Some(mut member) = stream.next().await? {
            let path = member.path.clone();
            match media_key(&path) {
                Some(key) => {
                    let facts =
                        hashed(&mut member.body, self.told).await.map_err(|source| PlaceError::Body { path: path.clone(), source })?;
                    self.media.add(&file(key, facts));
                }
                None => self.file(&path, &mut member.body).await?,
            }
        }
        Ok(())
    }

    pub async fn tree(&mut self, bundle: &Bundle) -> Result<(), PlaceError> {
        // A tree has no order, and this is wanted before the secrets and the dump.
        if let Ok(path) = BundlePath::parse(format::RECOVERY_KEY) {
            match bundle.read_small(&path, HELD).await {
                Ok(key) => self.unlock(&key),
                Err(PlaceError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut media = Vec::new();
        let mut listed = bundle.list();
        let mut inventory = None;
        while let Some(found) = listed.next().await {
            match found {
                Err(error) => self.find(notice("the folder", "unknown_name", error.to_string())),
                Ok((path, _)) if path.as_str() == format::INVENTORY => inventory = Some(path),
                Ok((path, _)) => match media_key(&path) {
                    None => {
                        let mut body = bundle.open(&path).await?.body;
                        self.file(&path, &mut body).await?;
                    }
                    Some(key) => media.push((path, key)),
                },
            }
            if media.len() >= 1000 {
                self.media(bundle, &mut media).await?;
            }
        }
        self.media(bundle, &mut media).await?;
        if let Some(path) = inventory {
            let mut body = bundle.open(&path).await?.body;
            self.file(&path, &mut body).await?;
        }
        Ok(())
    }

    async fn media(&mut self, bundle: &Bundle, portion: &mut Vec<(BundlePath, MediaKey)>) -> Result<(), PlaceError> {
        let told = self.told;
        let reads = futures::stream::iter(portion.drain(..)).map(|(path, key)| async move {
            let mut body = bundle.open(&path).await?.body;
            let facts = hashed(&mut body, told).await.map_err(|source| PlaceError::Body { path: path.clone(), source })?;
            Ok::<_, PlaceError>(file(key, facts))
        });
        let mut reads = reads.buffer_unordered(AT_ONCE);
        while let Some(file) = reads.try_next().await? {
            self.media.add(&file);
        }
        Ok(())
    }

    /// Anything but media.
    async fn file(&mut self, path: &BundlePath, body: &mut (impl AsyncRead + Unpin + Send)) -> Result<(), PlaceError> {
        let failed = |source| PlaceError::Body { path: path.clone(), source };
        let name = path.as_str().strip_suffix(format::SEALED).unwrap_or(path.as_str());
        let facts = match name {
            format::DUMP => self.dump(path, body),
            format::INVENTORY => self.read_inventory(body).await.map_err(failed)?,
            format::PREFLIGHT
            | format::MANIFEST
            | format::SECRETS
            | RECOVERY
            | format::SIGNATURE
            | format::VERIFY
            | format::VERIFY_SIGNATURE => {
                let mut held = Vec::new();
                body.take(HELD + 1).read_to_end(&mut held).await.map_err(failed)?;
                if held.len() as u64 > HELD {
                    self.findings.push(wrong(path.as_str(), "too_large", format!("{path} is larger than such a file can be")));
                }
                let facts = FileFacts { bytes: held.len() as u64, sha256: Sha256Hex::of(&held) };
                self.hold(path, name, held);
                facts
            }
            _ => hashed(body, self.told).await.map_err(failed)?,
        };
        if self.files.len() < MOST_FILES {
            self.files.insert(path.clone(), facts);
        } else {
            self.find(wrong(path.as_str(), "too_many", format!("more than {MOST_FILES} files beside the media: no bundle has so many")));
        }
        Ok(())
    }

    fn hold(&mut self, path: &BundlePath, name: &str, bytes: Vec<u8>) {
        match name {
            format::PREFLIGHT => self.preflight = self.parsed(path, &bytes),
            format::MANIFEST => self.manifest = self.parsed(path, &bytes),
            RECOVERY if path.as_str() == format::RECOVERY_KEY => return self.unlock(&bytes),
            format::SECRETS => {
                let sealed = path.as_str() != name;
                self.secrets = match (sealed, self.identities()) {
                    (false, _) => Some(Ok(bytes)),
                    (true, Some(identities)) => Some(seal::open(path.as_str(), &bytes, identities)),
                    (true, None) => None,
                };
                return;
            }
            _ => {}
        }
        if let Some(name) = signed::HELD.into_iter().find(|it| *it == path.as_str()) {
            self.held.insert(name, bytes);
        }
    }

    /// Once, however often it is seen.
    fn unlock(&mut self, key: &[u8]) {
        let Some(identities) = self.identities.filter(|_| self.unlocked.is_none()) else { return };
        match seal::unlocked(identities, key).and_then(|it| it.map(|it| Identities::file(&it)).transpose()) {
            Ok(unlocked) => self.unlocked = unlocked,
            Err(error) => {
                self.identities = None;
                self.find(wrong(format::RECOVERY_KEY, "not_opened", error.to_string()));
            }
        }
    }

    fn parsed<T: serde::de::DeserializeOwned>(&mut self, path: &BundlePath, bytes: &[u8]) -> Option<T> {
        match serde_json::from_slice(bytes) {
            Ok(value) => Some(value),
            Err(error) => {
                self.findings.push(wrong(path.as_str(), "unreadable", format!("{path} is not as the format has it: {error}")));
                None
            }
        }
    }

    /// Hashed, opened and read row by row in one pass.
    fn dump(&mut self, path: &BundlePath, body: &mut (impl AsyncRead + Unpin + Send)) -> FileFacts {
        let sealed = path.as_str().ends_with(format::SEALED);
        let (identities, told) = (self.identities(), self.told);
        let (facts, seen) = tokio::task::block_in_place(|| {
            let mut outer = Hashing::new(SyncIoBridge::new(body));
            let seen = match (sealed, identities) {
                (false, _) => read_dump(&mut outer, told),
                (true, Some(identities)) => match Opener::new(path.as_str(), &mut outer, identities) {
                    Ok(opened) => read_dump(opened, told),
                    Err(error) => DumpSeen { content: None, tables: Some(Err(DumpFault::Seal(error))) },
                },
                (true, None) => DumpSeen { content: None, tables: None },
            };
            // What nobody read is part of the file, too.
            let rest = io::copy(&mut outer, &mut io::sink());
            (rest.map(|_| outer.facts()), seen)
        });
        self.dump = Some(seen);
        facts.unwrap_or_else(|error| {
            self.findings.push(wrong(path.as_str(), "unreadable", format!("{path} can't be read to its end: {error}")));
            FileFacts { bytes: 0, sha256: Sha256Hex::of(b"") }
        })
    }

    async fn read_inventory(&mut self, body: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<FileFacts> {
        let mut reader = tokio::io::BufReader::with_capacity(BUFFER, body);
        let mut hasher = Sha256::new();
        let (mut bytes, mut number) = (0, 0_u64);
        let mut line = Vec::new();
        loop {
            line.clear();
            if (&mut reader).take(LINE).read_until(b'\n', &mut line).await? == 0 {
                break;
            }
            hasher.update(&line);
            bytes += line.len() as u64;
            number += 1;
            self.inventory_line(number, &line);
        }
        Ok(FileFacts { bytes, sha256: hasher.into() })
    }

    fn inventory_line(&mut self, number: u64, line: &[u8]) {
        let file: MediaFile = match serde_json::from_slice(line) {
            Ok(file) => file,
            Err(error) => {
                let sentence = format!("line {number} of {} is not as the format has it: {error}", format::INVENTORY);
                return self.find(wrong(format::INVENTORY, "unreadable", sentence));
            }
        };
        self.inventory.0 += 1;
        self.inventory.1 = self.inventory.1.saturating_add(file.bytes);
        let path = format!("{}/{}", format::MEDIA, file.key);
        let (reason, sentence) = match self.media.compare(&file) {
            Compared::Same => return,
            Compared::Differs => ("digest_differs", format!("{path} is not what it was when the bundle was made")),
            Compared::Missing => ("missing", format!("{path} is missing")),
            Compared::Twice => ("twice", format!("{path} is in the inventory twice")),
        };
        self.find(wrong(&path, reason, sentence));
    }

    fn find(&mut self, finding: Finding) {
        if self.findings.iter().filter(|it| it.reason == finding.reason).count() < NAMED {
            self.findings.push(finding);
        }
    }
}

fn read_dump(reader: impl Read + Send, told: &Told) -> DumpSeen {
    let mut content = Hashing::new(reader);
    let tables = rows::digests(&mut content, told);
    let rest = io::copy(&mut content, &mut io::sink());
    DumpSeen { content: rest.is_ok().then(|| content.facts()), tables: Some(tables.map(|it| it.0).map_err(DumpFault::Archive)) }
}

fn media_key(path: &BundlePath) -> Option<MediaKey> {
    MediaKey::parse(path.as_str().strip_prefix(format::MEDIA)?.strip_prefix('/')?).ok()
}

fn file(key: MediaKey, facts: FileFacts) -> MediaFile {
    let FileFacts { bytes, sha256 } = facts;
    MediaFile { key, bytes, sha256, content_type: None, cache_control: None, acl: None, etag: None, modified: None }
}

pub(crate) async fn hashed(body: &mut (impl AsyncRead + Unpin + Send), told: &Told) -> io::Result<FileFacts> {
    let mut body = Pin::new(body);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    loop {
        let read = body.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
        told(Event::Progress { bytes: read as u64, files: 0 });
    }
    told(Event::Progress { bytes: 0, files: 1 });
    Ok(FileFacts { bytes, sha256: hasher.into() })
}

/// Hashes what is read through it.
pub(crate) struct Hashing<R> {
    inner: R,
    hasher: Sha256,
    bytes: u64,
    told: Option<Arc<OnceLock<FileFacts>>>,
}

impl<R> Hashing<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: Sha256::new(), bytes: 0, told: None }
    }

    /// Tells what was read when it has come to its end.
    pub fn telling(inner: R, told: Arc<OnceLock<FileFacts>>) -> Self {
        Self { told: Some(told), ..Self::new(inner) }
    }

    pub fn facts(&self) -> FileFacts {
        FileFacts { bytes: self.bytes, sha256: self.hasher.clone().into() }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.bytes += read as u64;
        if let Some(told) = self.told.as_ref().filter(|_| read == 0 && !buffer.is_empty()) {
            let _ = told.set(self.facts());
        }
        Ok(read)
    }
}
