//! A small server's bundle, made as the command makes one.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use howdah_bundle::{
    format::{
        BundlePath, Consistency, ContentDigest, DumpFacts, INVENTORY, InventoryFacts, MANIFEST, MediaFile, MediaKey, Multiset, PREFLIGHT,
        SECRETS, SIGNATURE, Seal, Sha256Hex, TableFacts, VERSION,
    },
    format::{CHECKS, DUMP, MISSING, Manifest},
    place::{Body, Bundle, Inventory, Media, Place, PlaceError, Reader, Run, TarStream, Writer},
};
use tokio::io::AsyncReadExt as _;

pub fn path(text: &str) -> BundlePath {
    BundlePath::parse(text).unwrap()
}

pub fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

pub fn run() -> Run {
    let seal = Seal::Recipients { recipients: vec!["age1one".to_owned()] };
    Run { started_at: at(0), domain: "example.org".to_owned(), consistency: Consistency::Live, seal, earlier: None }
}

/// What the server has, and how its bytes come.
#[derive(Clone)]
pub struct Source {
    pub media: BTreeMap<String, (Vec<u8>, i64)>,
    pub dump: Vec<u8>,
    /// After so many bytes of media and dump were handed out, nothing comes any more.
    budget: Arc<AtomicI64>,
    at_the_end: fn(),
    /// How many media files were read.
    pub read: Arc<AtomicUsize>,
}

pub fn noise(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|it| (it.wrapping_mul(31).wrapping_add(seed.wrapping_mul(131)) >> 3) as u8).collect()
}

impl Source {
    pub fn small() -> Self {
        let mut media = BTreeMap::new();
        for (number, length) in [0, 1, 511, 512, 513, 4096, 70_000, 200_000].into_iter().enumerate() {
            media.insert(
                format!("media_attachments/files/000/000/{number:03}/original/{number}.jpg"),
                (noise(length, number), number as i64),
            );
        }
        let long = "long-".repeat(19);
        for name in
            [format!("{long}.png"), format!("{long}/{long}.png"), format!("{long}/{long}/{long}.png"), "é 'quote' [a]%41~.png".to_owned()]
        {
            media.insert(format!("accounts/avatars/000/000/001/original/{name}"), (noise(300, name.len()), 99));
        }
        Self { media, dump: noise(150_000, 5), budget: Arc::new(AtomicI64::new(i64::MAX)), at_the_end: || {}, read: Arc::default() }
    }

    /// With a dump and a file that take two parts in a bucket.
    pub fn in_parts() -> Self {
        let mut source = Self::small();
        source.media.insert("media_attachments/files/000/000/100/original/v.mp4".to_owned(), (noise((5 << 20) + 9, 1), 1));
        source.dump = noise((5 << 20) + 77, 3);
        source
    }

    /// With more of them.
    pub fn large() -> Self {
        let mut source = Self::in_parts();
        source.media.insert("media_attachments/files/000/000/101/original/w.mp4".to_owned(), (noise(12 << 20, 2), 1));
        source.dump = noise(11 << 20, 3);
        source
    }

    pub fn failing_after(&self, bytes: i64, at_the_end: fn()) -> Self {
        Self { budget: Arc::new(AtomicI64::new(bytes)), at_the_end, read: Arc::default(), ..self.clone() }
    }

    pub fn total(&self) -> i64 {
        (self.dump.len() + self.media.values().map(|it| it.0.len()).sum::<usize>()) as i64
    }

    fn take(&self, chunk: &[u8]) -> io::Result<Bytes> {
        if self.budget.fetch_sub(chunk.len() as i64, Ordering::SeqCst) < chunk.len() as i64 {
            (self.at_the_end)();
            return Err(io::Error::other("the source is gone"));
        }
        Ok(Bytes::copy_from_slice(chunk))
    }

    fn body(&self, bytes: &[u8], number: usize) -> Result<Body, PlaceError> {
        self.read.fetch_add(1, Ordering::SeqCst);
        if number.is_multiple_of(2) && bytes.len() < 100_000 {
            let chunk = self.take(bytes).map_err(|source| PlaceError::Body { path: path(PREFLIGHT), source })?;
            return Ok(Body::Whole(chunk, number.is_multiple_of(4).then(|| Sha256Hex::of(bytes))));
        }
        let chunks = bytes.chunks(7_001).map(|it| self.take(it)).take_while(|it| it.is_ok()).collect::<Vec<_>>();
        let broke = chunks.iter().flatten().map(Bytes::len).sum::<usize>() < bytes.len();
        let end = broke.then(|| Err(io::Error::other("the source is gone")));
        Ok(Body::Chunks(futures::stream::iter(chunks.into_iter().chain(end)).boxed()))
    }

    fn listed(&self) -> Vec<Media> {
        let media = |(key, (bytes, second)): (&String, &(Vec<u8>, i64))| Media {
            key: MediaKey::parse(key).unwrap(),
            bytes: bytes.len() as u64,
            content_type: None,
            cache_control: None,
            acl: None,
            etag: None,
            modified: Some(at(*second)),
        };
        self.media.iter().map(media).collect()
    }

    /// Every file that a finished bundle of it has, but those whose bytes depend on the order they were written in.
    pub fn expected(&self) -> BTreeMap<String, Sha256Hex> {
        let media = self.media.iter().map(|(key, (bytes, _))| (format!("media/{key}"), Sha256Hex::of(bytes)));
        let others = small_files().into_iter().map(|(path, bytes)| (path.to_string(), Sha256Hex::of(bytes)));
        let more = [(format!("{DUMP}.age"), Sha256Hex::of(&self.dump)), (MISSING.to_owned(), Sha256Hex::of(b""))];
        media.chain(others).chain(more).chain([(SIGNATURE.to_owned(), Sha256Hex::of(b"signed"))]).collect()
    }
}

fn small_files() -> Vec<(BundlePath, &'static [u8])> {
    vec![
        (path(PREFLIGHT), b"{\"preflight\":1}"),
        (path(&format!("{SECRETS}.age")), b"sealed"),
        (path(CHECKS), b"{}"),
        (path("env/.env.production"), b""),
    ]
}

fn tables() -> BTreeMap<String, TableFacts> {
    BTreeMap::from([("accounts".to_owned(), TableFacts { rows: 3, digest: Sha256Hex::of(b"rows") })])
}

/// A writer, when what the last one left to the background has ended.
pub async fn open(place: &Place, run: Run, earlier: Option<&Place>) -> Result<Writer, PlaceError> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        match Writer::open(place, run.clone(), None, earlier).await {
            Err(PlaceError::Busy { .. }) if std::time::Instant::now() < deadline => tokio::task::yield_now().await,
            other => return other,
        }
    }
}

/// Makes the bundle, or goes on with it.
pub async fn make(place: &Place, source: &Source) -> Result<(), PlaceError> {
    make_with(open(place, run(), None).await?, source).await
}

pub async fn make_with(writer: Writer, source: &Source) -> Result<(), PlaceError> {
    let has = |writer: &Writer, text: &str| writer.files().contains_key(&path(text));
    if !has(&writer, MANIFEST) {
        for (path, bytes) in small_files() {
            writer.write_small(&path, bytes.into()).await?;
        }
        if writer.dump().is_none() {
            dump(&writer, source).await?;
        }
        media(&writer, source).await?;
        if !has(&writer, MISSING) {
            let stream = writer.stream(&path(MISSING)).await?;
            tokio::task::spawn_blocking(move || stream.finish()).await??;
        }
        let inventory = writer.write_inventory().await?;
        let manifest = manifest(&writer, &inventory);
        writer.write_small(&path(MANIFEST), serde_json::to_vec(&manifest).unwrap().into()).await?;
    }
    if !has(&writer, SIGNATURE) {
        writer.write_small(&path(SIGNATURE), Bytes::from_static(b"signed")).await?;
    }
    writer.finish().await
}

async fn dump(writer: &Writer, source: &Source) -> Result<(), PlaceError> {
    let mut stream = writer.stream(&path(&format!("{DUMP}.age"))).await?;
    let source = source.clone();
    tokio::task::spawn_blocking(move || {
        for piece in source.dump.chunks(65_536) {
            let written = source.take(piece).and_then(|it| stream.write_all(&it));
            written.map_err(|it| PlaceError::Body { path: path(DUMP), source: it })?;
        }
        let dump = DumpFacts {
            pg_dump: "pg_dump 17".to_owned(),
            compression: "zstd".to_owned(),
            bytes: source.dump.len() as u64,
            sha256: Sha256Hex::of(&source.dump),
        };
        stream.finish_dump(dump, tables()).map(drop)
    })
    .await?
}

async fn media(writer: &Writer, source: &Source) -> Result<(), PlaceError> {
    let copied = futures::stream::iter(source.listed().into_iter().enumerate()).map(async |(number, mut media)| {
        if writer.keep(&media).await? {
            return Ok(());
        }
        let bytes = &source.media[media.key.as_str()].0;
        media.content_type = Some("image/png".to_owned());
        media.cache_control = Some("public, max-age=315576000, immutable".to_owned());
        let written = writer.write_media(media, source.body(bytes, number)?).await?;
        assert_eq!(written.sha256, Sha256Hex::of(bytes));
        Ok(())
    });
    copied.buffer_unordered(4).try_collect().await
}

fn manifest(writer: &Writer, inventory: &Inventory) -> Manifest {
    let dump = writer.dump().unwrap();
    assert_eq!(dump.tables, tables());
    let tables = dump.tables.iter().map(|(name, it)| (name.as_str(), it.rows, it.digest));
    Manifest {
        format: VERSION,
        made_by: "test".to_owned(),
        started_at: writer.run().started_at,
        finished_at: at(1000),
        consistency: writer.run().consistency,
        files: writer.files(),
        inventory: InventoryFacts { files: inventory.files, bytes: inventory.bytes, sha256: inventory.file.sha256, missing: 0, orphans: 0 },
        content_digest: ContentDigest::of(&inventory.digest, tables),
        tables: dump.tables,
        dump: dump.dump,
        seal: writer.run().seal.clone(),
    }
}

/// What a finished bundle holds, by reading all of it: of each file its digest, and what its manifest and inventory say.
pub struct Held {
    pub files: BTreeMap<String, Sha256Hex>,
    pub manifest: Manifest,
    pub inventory: Vec<MediaFile>,
}

impl Held {
    /// That it is just what a bundle of this source is.
    pub fn is_of(&self, source: &Source) {
        let mut files = self.files.clone();
        files.retain(|path, _| path != MANIFEST && path != INVENTORY);
        let names = |it: &BTreeMap<String, Sha256Hex>| it.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&files), names(&source.expected()));
        assert_eq!(files, source.expected());

        let mut digest = Multiset::default();
        for file in &self.inventory {
            assert_eq!(self.files[&format!("media/{}", file.key)], file.sha256);
            assert_eq!(file.content_type.as_deref(), Some("image/png"));
            digest.add(file.digest_member().as_bytes());
        }
        let keys = self.inventory.iter().map(|it| it.key.to_string()).collect::<BTreeSet<_>>();
        assert_eq!((keys.len(), self.inventory.len()), (source.media.len(), source.media.len()), "each once");
        let tables = tables();
        let tables = tables.iter().map(|(name, it)| (name.as_str(), it.rows, it.digest));
        assert_eq!(self.manifest.content_digest, ContentDigest::of(&digest, tables));
        for (path, facts) in &self.manifest.files {
            assert_eq!(self.files[path.as_str()], facts.sha256, "{path}");
        }
        assert_eq!(self.manifest.files.len(), self.files.len() - source.media.len() - 2, "all but media, manifest and signature");
    }
}

pub async fn bundle(place: &Place) -> Bundle {
    match Reader::open(place).await.unwrap() {
        Reader::Bundle(bundle) => bundle,
        Reader::Stream(_) => panic!("it is no pipe"),
    }
}

pub async fn held(place: &Place) -> Held {
    let bundle = bundle(place).await;
    let mut files = BTreeMap::new();
    if let Some(members) = bundle.members().await.unwrap() {
        files = all_members(members).await.unwrap().into_iter().map(|(path, bytes)| (path, Sha256Hex::of(&bytes))).collect();
    } else {
        let listed = bundle.list().try_collect::<Vec<_>>().await.unwrap();
        for (path, bytes) in listed {
            let mut read = Vec::new();
            bundle.open(&path).await.unwrap().body.read_to_end(&mut read).await.unwrap();
            assert_eq!(read.len() as u64, bytes);
            files.insert(path.to_string(), Sha256Hex::of(&read));
        }
    }
    let manifest = bundle.read_small(&path(MANIFEST), 1 << 20).await.unwrap();
    let inventory = bundle.read_small(&path(INVENTORY), 1 << 20).await.unwrap();
    let inventory = inventory.split_inclusive(|it| *it == b'\n').map(|it| serde_json::from_slice(it).unwrap()).collect();
    Held { files, manifest: serde_json::from_slice(&manifest).unwrap(), inventory }
}

pub async fn all_members(mut tar: TarStream) -> Result<BTreeMap<String, Vec<u8>>, PlaceError> {
    let mut files = BTreeMap::new();
    while let Some(mut member) = tar.next().await? {
        let mut bytes = Vec::new();
        member.body.read_to_end(&mut bytes).await.map_err(PlaceError::ReadTar)?;
        assert_eq!(bytes.len() as u64, member.bytes);
        files.insert(member.path.to_string(), bytes);
    }
    Ok(files)
}
