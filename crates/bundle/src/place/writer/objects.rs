//! A tree below a prefix in a bucket: what is small in one put, what is larger or of unknown size in parts. An upload in parts that fails is
//! aborted, and one that a killed run left is aborted by the next, which finds it in the journal.

use std::{mem, sync::Arc};

use bytes::Bytes;
use object_store::{
    Attribute, Attributes, Error, ObjectStore as _, PutMultipartOptions, PutOptions, PutPayload, multipart::PartId, path::Path,
};
use tokio::{runtime::Handle, sync::Semaphore, task::JoinHandle};

use crate::{
    format::{BundlePath, FileFacts},
    place::{Body, Media, PlaceError, Prefix, body::Meter, journal::Journal, record::Record},
};

const MIB: usize = 1 << 20;
/// The least that S3 takes for a part that is not the last.
const PART: usize = 5 * MIB;
/// So many MiB of bodies that come in chunks are gathered at a time.
const ROOM: usize = 15;

pub(in crate::place) struct Objects {
    pub prefix: Prefix,
    room: Semaphore,
}

impl Objects {
    pub(in crate::place) fn new(prefix: Prefix) -> Self {
        Self { prefix, room: Semaphore::new(ROOM) }
    }

    /// What is said of a media file goes along, so that the prefix can be synced to a bucket's root; but not its ACL: a bundle is for nobody else.
    pub(in crate::place) async fn write(
        &self,
        path: &BundlePath,
        said: u64,
        body: Body,
        media: Option<&Media>,
        journal: &Journal,
    ) -> Result<FileFacts, PlaceError> {
        let attributes = media.map(attributes).unwrap_or_default();
        if let Body::Whole(bytes, _) = &body {
            let mut meter = Meter::new(path, Some(said), &body);
            meter.take(bytes)?;
            let facts = meter.end()?;
            self.put(path, bytes.clone().into(), attributes).await?;
            return Ok(facts);
        }
        let mib = said.div_ceil(MIB as u64).clamp(1, (PART / MIB) as u64);
        // The semaphore is never closed.
        let _room = self.room.acquire_many(mib as u32).await.ok();
        if said <= PART as u64 {
            self.gather(path, said, body, attributes).await
        } else {
            self.divide(path, said, body, attributes, journal).await
        }
    }

    async fn gather(&self, path: &BundlePath, said: u64, mut body: Body, attributes: Attributes) -> Result<FileFacts, PlaceError> {
        let mut meter = Meter::new(path, Some(said), &body);
        let mut gathered = Gathered::default();
        while let Some(chunk) = body.next(path).await? {
            meter.take(&chunk)?;
            gathered.push(chunk);
        }
        let facts = meter.end()?;
        self.put(path, gathered.take(), attributes).await.map(|()| facts)
    }

    async fn divide(
        &self,
        path: &BundlePath,
        said: u64,
        mut body: Body,
        attributes: Attributes,
        journal: &Journal,
    ) -> Result<FileFacts, PlaceError> {
        let mut meter = Meter::new(path, Some(said), &body);
        let mut gathered = Gathered::default();
        let mut upload = self.upload(path, attributes, journal).await?;
        let all = async {
            while let Some(chunk) = body.next(path).await? {
                meter.take(&chunk)?;
                gathered.push(chunk);
                if gathered.bytes >= upload.part_size()? {
                    upload.part(gathered.take()).await?;
                    upload.settle().await?;
                }
            }
            let facts = meter.end()?;
            upload.part(gathered.take()).await?;
            upload.complete().await.map(|()| facts)
        };
        let written = all.await;
        if written.is_err() {
            upload.abort().await;
        }
        written
    }

    pub(in crate::place) async fn put(&self, path: &BundlePath, payload: PutPayload, attributes: Attributes) -> Result<(), PlaceError> {
        let at = self.prefix.at(path.as_str())?;
        let put = self.prefix.store.put_opts(&at, payload, PutOptions { attributes, ..PutOptions::default() }).await;
        put.map(drop).map_err(PlaceError::store("write", &at))
    }

    pub(in crate::place) async fn upload(
        &self,
        path: &BundlePath,
        attributes: Attributes,
        journal: &Journal,
    ) -> Result<Upload, PlaceError> {
        let at = self.prefix.at(path.as_str())?;
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let id = self.prefix.store.create_multipart_opts(&at, options).await.map_err(PlaceError::store("begin to write", &at))?;
        let (prefix, runtime) = (self.prefix.clone(), Handle::current());
        let upload = Upload { prefix, runtime, path: path.clone(), at, id, parts: Vec::new(), going: None, open: true };
        journal.note(None, &Record::Upload { path: path.clone(), id: upload.id.clone() }).await?;
        Ok(upload)
    }

    /// What a run that was killed left open. One that is gone already is no matter.
    pub(in crate::place) async fn abort(&self, path: &BundlePath, id: &str) -> Result<(), PlaceError> {
        let at = self.prefix.at(path.as_str())?;
        match self.prefix.store.abort_multipart(&at, &id.to_owned()).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(other) => Err(PlaceError::store("abort the upload of", &at)(other)),
        }
    }
}

/// What a store answers with for a file of a bundle, as far as it was told and can be a header.
fn attributes(media: &Media) -> Attributes {
    let header = |text: &Option<String>| text.clone().filter(|it| it.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
    let pairs = [(Attribute::ContentType, header(&media.content_type)), (Attribute::CacheControl, header(&media.cache_control))];
    pairs.into_iter().filter_map(|(name, value)| value.map(|it| (name, it))).collect()
}

#[derive(Default)]
struct Gathered {
    chunks: Vec<Bytes>,
    bytes: usize,
}

impl Gathered {
    fn push(&mut self, chunk: Bytes) {
        self.bytes += chunk.len();
        self.chunks.push(chunk);
    }

    fn take(&mut self) -> PutPayload {
        mem::take(self).chunks.into_iter().collect()
    }
}

/// An upload in parts. Dropped without being completed, it is aborted.
pub(in crate::place) struct Upload {
    prefix: Prefix,
    /// It may be dropped on a thread that knows none.
    runtime: Handle,
    path: BundlePath,
    at: Path,
    id: String,
    parts: Vec<PartId>,
    going: Option<JoinHandle<object_store::Result<PartId>>>,
    open: bool,
}

impl Upload {
    /// What fits into one part, or needs none, is put at once.
    pub(in crate::place) const FIRST: usize = PART;

    /// Of the part that comes next. They grow, so that 10,000 of them, which is all that S3 takes, make 260 GB.
    pub(in crate::place) fn part_size(&self) -> Result<usize, PlaceError> {
        match self.parts.len() + usize::from(self.going.is_some()) {
            0..4000 => Ok(PART),
            4000..7000 => Ok(16 * MIB),
            7000..10_000 => Ok(64 * MIB),
            _ => Err(PlaceError::Parts { path: self.path.clone() }),
        }
    }

    /// Begins to send a part, when the one before is there.
    pub(in crate::place) async fn part(&mut self, payload: PutPayload) -> Result<(), PlaceError> {
        self.settle().await?;
        if payload.content_length() > 0 {
            let (store, at, id, number) = (Arc::clone(&self.prefix.store), self.at.clone(), self.id.clone(), self.parts.len());
            self.going = Some(tokio::spawn(async move { store.put_part(&at, &id, number, payload).await }));
        }
        Ok(())
    }

    /// All parts are there that were begun.
    pub(in crate::place) async fn settle(&mut self) -> Result<(), PlaceError> {
        if let Some(going) = &mut self.going {
            let sent = going.await;
            self.going = None;
            self.parts.push(sent?.map_err(PlaceError::store("write", &self.at))?);
        }
        Ok(())
    }

    pub(in crate::place) async fn complete(&mut self) -> Result<(), PlaceError> {
        self.settle().await?;
        let parts = mem::take(&mut self.parts);
        self.prefix.store.complete_multipart(&self.at, &self.id, parts).await.map_err(PlaceError::store("finish writing", &self.at))?;
        self.open = false;
        Ok(())
    }

    pub(in crate::place) async fn abort(&mut self) {
        self.open = false;
        if let Some(going) = self.going.take() {
            going.abort();
            let _ = going.await;
        }
        match self.prefix.store.abort_multipart(&self.at, &self.id).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => {
                tracing::warn!(object = %self.at, upload = self.id, %error, "an upload stays open in the bucket until the next run aborts it");
            }
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.open {
            let mut left = Self {
                prefix: self.prefix.clone(),
                runtime: self.runtime.clone(),
                path: self.path.clone(),
                at: self.at.clone(),
                id: mem::take(&mut self.id),
                parts: Vec::new(),
                going: self.going.take(),
                open: false,
            };
            self.runtime.spawn(async move { left.abort().await });
        }
    }
}
