//! Media files, from the bundle into a store, each with the headers that its inventory tells. What an earlier run has put, and is the same, is
//! left there.

use futures::{StreamExt as _, TryStreamExt as _, pin_mut};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio_util::io::ReaderStream;

use super::{RestoreError, path};
use crate::format::{self, BundlePath, FileFacts, Manifest, MediaFile, MediaKey};
use crate::media::{Attributes, Body, Digest, MediaError, Store};
use crate::place::{Bundle, PlaceError, TarStream};
use crate::progress::{Event, Stage, Told};
use crate::verify::hashed;

const AT_ONCE: usize = 16;
/// Of a line of the inventory.
const LINE: u64 = 16 << 10;
const BUFFER: usize = 64 << 10;

/// Returns how many are there now.
pub(super) async fn put(bundle: &Bundle, store: &Store, manifest: &Manifest, told: &Told) -> Result<u64, RestoreError> {
    told(Event::Stage { stage: Stage::CopyingMedia, bytes: Some(manifest.inventory.bytes), files: Some(manifest.inventory.files) });
    inventory_is_whole(bundle, manifest).await?;
    let count = match bundle.members().await? {
        Some(tar) => in_order(tar, bundle, store, manifest, told).await?,
        None => side_by_side(bundle, store, manifest, told).await?,
    };
    store.flush().await.map_err(|source| RestoreError::Media { key: "the last".to_owned(), source })?;
    if count == manifest.inventory.files { Ok(count) } else { Err(RestoreError::InventoryDiffers) }
}

/// Its lines decide what is put: a shorter one would be a smaller server. This look keeps what is wrong from the store altogether; that the lines
/// that are used are the same is seen when they are read ([`lines`]).
async fn inventory_is_whole(bundle: &Bundle, manifest: &Manifest) -> Result<(), RestoreError> {
    let inventory = path(format::INVENTORY)?;
    let mut body = bundle.open(&inventory).await?.body;
    let facts = hashed(&mut body, &|_| {}).await.map_err(|source| PlaceError::Body { path: inventory.clone(), source })?;
    if manifest.files.get(&inventory) == Some(&facts) { Ok(()) } else { Err(RestoreError::InventoryDiffers) }
}

async fn side_by_side(bundle: &Bundle, store: &Store, manifest: &Manifest, told: &Told) -> Result<u64, RestoreError> {
    let lines = lines(bundle, manifest).await?;
    // An empty store is asked for nothing.
    let may_hold = store.list("").next().await.is_some();
    let puts = lines.map_ok(|file| async move {
        if may_hold && store.holds(&file.key, FileFacts { bytes: file.bytes, sha256: file.sha256 }).await {
            told(Event::Kept { bytes: file.bytes, files: 1 });
            return Ok(());
        }
        let body = bundle.open(&file.key.path()?).await?.body;
        one(store, &file, body).await?;
        told(Event::Progress { bytes: file.bytes, files: 1 });
        Ok::<_, RestoreError>(())
    });
    puts.try_buffer_unordered(AT_ONCE).try_fold(0, async |count, ()| Ok(count + 1)).await
}

/// A tar is read once, front to end, and so all of it is put. Its inventory has the files in the order in which they were written, which is theirs in the tar.
async fn in_order(mut tar: TarStream, bundle: &Bundle, store: &Store, manifest: &Manifest, told: &Told) -> Result<u64, RestoreError> {
    let lines = lines(bundle, manifest).await?;
    pin_mut!(lines);
    let mut count = 0;
    while let Some(mut member) = tar.next().await? {
        let key = member.path.as_str().strip_prefix(format::MEDIA).and_then(|it| it.strip_prefix('/')).map(MediaKey::parse);
        let Some(Ok(key)) = key else { continue };
        let Some(file) = lines.try_next().await?.filter(|it| it.key == key) else {
            return Err(RestoreError::Reordered { key: key.to_string() });
        };
        let (mut near, far) = tokio::io::duplex(BUFFER);
        let passing = async {
            // What ends early is told by whoever reads: it is shorter than its line says.
            let _ = tokio::io::copy(&mut member.body, &mut near).await;
            drop(near);
        };
        let ((), put) = futures::join!(passing, one(store, &file, far));
        put?;
        told(Event::Progress { bytes: file.bytes, files: 1 });
        count += 1;
    }
    match lines.try_next().await? {
        None => Ok(count),
        Some(missing) => Err(RestoreError::MediaDiffers { key: missing.key.to_string() }),
    }
}

async fn one(store: &Store, file: &MediaFile, body: impl tokio::io::AsyncRead + Send + 'static) -> Result<(), RestoreError> {
    let name = file.key.to_string();
    let stream = ReaderStream::with_capacity(body, BUFFER).map_err(move |source| MediaError::Disk { name: name.clone(), source });
    let attributes =
        Attributes { content_type: file.content_type.clone(), cache_control: file.cache_control.clone(), acl: file.acl.clone() };
    let body = Body::Stream { bytes: file.bytes, stream: stream.boxed() };
    let put = store.put(&file.key, &attributes, Digest::Expected(file.sha256), body).await;
    put.map(drop).map_err(|source| match source {
        MediaError::Digest { .. } | MediaError::Length { .. } => RestoreError::MediaDiffers { key: file.key.to_string() },
        source => RestoreError::Media { key: file.key.to_string(), source },
    })
}

/// The inventory's. They end in an error where what was read is not what the manifest says: before any row is loaded.
async fn lines(bundle: &Bundle, manifest: &Manifest) -> Result<impl futures::Stream<Item = Result<MediaFile, RestoreError>>, RestoreError> {
    let inventory = path(format::INVENTORY)?;
    let said = manifest.files.get(&inventory).copied();
    let lines = Lines {
        reader: BufReader::with_capacity(BUFFER, bundle.open(&inventory).await?.body),
        inventory,
        hasher: Sha256::new(),
        bytes: 0,
        number: 0,
    };
    Ok(futures::stream::try_unfold(lines, move |mut lines| async move {
        match lines.next().await? {
            Some(file) => Ok(Some((file, lines))),
            None if Some(lines.facts()) == said => Ok(None),
            None => Err(RestoreError::InventoryDiffers),
        }
    }))
}

/// Lines of an inventory, hashed as they are read.
struct Lines<R> {
    reader: R,
    inventory: BundlePath,
    hasher: Sha256,
    bytes: u64,
    number: u64,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    async fn next(&mut self) -> Result<Option<MediaFile>, RestoreError> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(LINE).read_until(b'\n', &mut line).await;
        if read.map_err(|source| PlaceError::Body { path: self.inventory.clone(), source })? == 0 {
            return Ok(None);
        }
        self.hasher.update(&line);
        self.bytes += line.len() as u64;
        self.number += 1;
        let number = self.number;
        serde_json::from_slice(&line).map(Some).map_err(|source| RestoreError::Inventory { number, source })
    }

    fn facts(&self) -> FileFacts {
        FileFacts { bytes: self.bytes, sha256: self.hasher.clone().into() }
    }
}
