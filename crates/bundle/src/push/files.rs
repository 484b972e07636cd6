//! From files that can be opened: some are announced at a time, and what of them is not there is read as it is sent.

use futures::{StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use url::Url;

use super::host::{Host, Offer, Part, Put};
use super::{ANNOUNCED, ANNOUNCED_BYTES, ANNOUNCED_NAMES, AT_ONCE, HELD, PIECE, PushError, Pushed, length};
use crate::format::{BundlePath, MANIFEST, PREFLIGHT};
use crate::place::{Bundle, PlaceError};
use crate::progress::{Event, Told};

type File = (BundlePath, u64);

/// Some bytes of a file, and where they go.
struct Piece {
    /// Of the file, in its portion.
    file: usize,
    offset: u64,
    bytes: u64,
    url: Url,
}

pub(super) async fn push(bundle: &Bundle, host: &Host, told: &Told) -> Result<Pushed, PushError> {
    let preflight = BundlePath::parse(PREFLIGHT).map_err(PlaceError::from)?;
    host.brings(&bundle.read_small(&preflight, HELD).await?);
    let mut pushed = Pushed::default();
    let mut manifest = Vec::new();
    let mut portion: Vec<File> = Vec::with_capacity(ANNOUNCED);
    let (mut bytes, mut names) = (0, 0);
    let mut listed = bundle.list();
    while let Some(found) = listed.try_next().await? {
        if found.0.as_str() == MANIFEST {
            manifest.push(found);
            continue;
        }
        if portion.len() == ANNOUNCED || bytes >= ANNOUNCED_BYTES || names + length(&found.0) > ANNOUNCED_NAMES {
            bring(bundle, host, std::mem::take(&mut portion), &mut pushed, told).await?;
            (bytes, names) = (0, 0);
        }
        bytes += found.1;
        names += length(&found.0);
        portion.push(found);
    }
    bring(bundle, host, portion, &mut pushed, told).await?;
    bring(bundle, host, manifest, &mut pushed, told).await?;
    Ok(pushed)
}

/// Until all of them are there: what goes in parts, and whose link has ended, is announced again. A host that has it brought more than twice
/// loses it each time.
async fn bring(bundle: &Bundle, host: &Host, mut files: Vec<File>, pushed: &mut Pushed, told: &Told) -> Result<(), PushError> {
    let mut is_first = true;
    let mut left = files.iter().fold(0_u64, |sum, it| sum.saturating_add(it.1)).saturating_mul(2);
    while !files.is_empty() {
        let (mut pieces, mut again) = (Vec::new(), vec![false; files.len()]);
        for (file, offer) in host.offer(&files).await?.into_iter().enumerate() {
            let bytes = files[file].1;
            match offer {
                Offer::There if is_first => pushed.kept(bytes, told),
                Offer::There => pushed.arrived(bytes, told),
                Offer::Whole(url) => pieces.push(Piece { file, offset: 0, bytes, url }),
                Offer::Parts(parts) => {
                    again[file] = true;
                    pieces.extend(parts.into_iter().map(|Part { offset, bytes, url }| Piece { file, offset, bytes, url }));
                }
            }
        }
        let any = pieces.first().map(|it| files[it.file].0.clone());
        let mut is_any_put = pieces.is_empty();
        let puts = futures::stream::iter(pieces).map(|piece| put(bundle, host, &files, piece));
        let mut puts = puts.buffer_unordered(AT_ONCE);
        while let Some((piece, ended)) = puts.try_next().await? {
            match ended {
                Put::Stale => again[piece.file] = true,
                Put::Done => {
                    is_any_put = true;
                    let lost =
                        || PushError::Put { path: files[piece.file].0.clone(), why: "the host asks for it again and again".to_owned() };
                    left = left.checked_sub(piece.bytes).ok_or_else(lost)?;
                    told(Event::Progress { bytes: piece.bytes, files: 0 });
                    if !again[piece.file] {
                        pushed.arrived(piece.bytes, told);
                    }
                }
            }
        }
        drop(puts);
        if let Some(path) = any.filter(|_| !is_any_put) {
            return Err(PushError::Put { path, why: "the store refuses the host's links".to_owned() });
        }
        let mut again = again.into_iter();
        files.retain(|_| again.next().unwrap_or_default());
        is_first = false;
    }
    Ok(())
}

async fn put(bundle: &Bundle, host: &Host, files: &[File], piece: Piece) -> Result<(Piece, Put), PushError> {
    let path = &files[piece.file].0;
    let body = async || {
        let opened = bundle.open_at(path, piece.offset).await?;
        Ok(ReaderStream::with_capacity(opened.body.take(piece.bytes), PIECE))
    };
    let ended = host.put(path, &piece.url, piece.bytes, body).await?;
    Ok((piece, ended))
}
