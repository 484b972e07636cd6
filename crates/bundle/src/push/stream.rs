//! From a tar as it comes: small files are gathered, and sent while the next ones are read; what is larger goes part by part.
//!
//! All that is held at a time is bounded, whatever the tar has: what is gathered, twice, and two parts. Parts that are larger (a store takes only so
//! many of one file) are passed on without being held.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{SinkExt as _, Stream, StreamExt as _, TryStreamExt as _, try_join};
use tokio::io::{AsyncReadExt as _, copy, sink};

use super::host::{Host, Offer, Part, Put};
use super::{ANNOUNCED, ANNOUNCED_NAMES, AT_ONCE, HELD, PIECE, PushError, Pushed, length};
use crate::format::{BundlePath, MANIFEST, PREFLIGHT};
use crate::place::{Member, MemberBody, PlaceError, TarStream};
use crate::progress::{Event, Told};

/// What is held of small files at a time, twice: while some is sent, the next is read.
const GATHERED: u64 = 8 << 20;
/// What is larger is brought alone, and not held with others.
const SMALL: u64 = 4 << 20;
/// Hosts of ours take what is no larger in one piece, and what is larger in parts of that length.
const PART_HELD: u64 = 8 << 20;
/// Hosts of another version may take as much in one piece.
const WHOLE_HELD: u64 = 32 << 20;
/// Links are asked for anew after so long: what is passed on can't be sent again by another one.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// A link that has ended is asked for anew so often; the host's clock may be wrong.
const RENEWED: u32 = 3;

type Held = (BundlePath, Bytes);

pub(super) async fn push(mut tar: TarStream, host: &Host, told: &Told) -> Result<Pushed, PushError> {
    let mut pushed = Pushed::default();
    let mut manifest = Vec::new();
    let mut gathered = Gathered::default();
    loop {
        let waiting = std::mem::take(&mut gathered.files);
        let sent = bring(host, waiting, &mut pushed, told);
        ((), gathered) = try_join!(sent, gather(&mut tar, host, told, &mut manifest))?;
        pushed.files += gathered.large.files;
        pushed.bytes += gathered.large.bytes;
        pushed.kept += gathered.large.kept;
        if gathered.is_end && gathered.files.is_empty() {
            break;
        }
    }
    bring(host, manifest, &mut pushed, told).await?;
    Ok(pushed)
}

/// What was read at one go.
#[derive(Default)]
struct Gathered {
    files: Vec<Held>,
    /// What was too large to be held, and is there by now.
    large: Pushed,
    is_end: bool,
}

async fn gather(tar: &mut TarStream, host: &Host, told: &Told, manifest: &mut Vec<Held>) -> Result<Gathered, PushError> {
    let mut gathered = Gathered::default();
    let (mut bytes, mut names) = (0, 0);
    // A name that comes has at most a thousand bytes and some.
    while gathered.files.len() < ANNOUNCED && bytes < GATHERED && names < ANNOUNCED_NAMES {
        let Some(member) = tar.next().await? else {
            gathered.is_end = true;
            break;
        };
        if member.path.as_str() == MANIFEST {
            if !manifest.is_empty() {
                return Err(PlaceError::Twice { path: member.path }.into());
            }
            manifest.push(held(member, HELD).await?);
        } else if member.bytes > SMALL {
            bring_large(member, host, &mut gathered.large, told).await?;
        } else {
            bytes += member.bytes;
            names += length(&member.path);
            let file = held(member, SMALL).await?;
            if file.0.as_str() == PREFLIGHT {
                host.brings(&file.1);
            }
            gathered.files.push(file);
        }
    }
    Ok(gathered)
}

async fn held(member: Member<'_>, limit: u64) -> Result<Held, PushError> {
    let Member { path, bytes, mut body } = member;
    if bytes > limit {
        return Err(PlaceError::Large { path, bytes, limit }.into());
    }
    Ok((path.clone(), read(&mut body, bytes, &path).await?))
}

async fn read(body: &mut MemberBody<'_>, bytes: u64, path: &BundlePath) -> Result<Bytes, PushError> {
    let mut held = Vec::with_capacity(bytes as usize);
    let read = (&mut *body).take(bytes).read_to_end(&mut held).await;
    let read = read.map_err(|source| PushError::Read { path: path.clone(), source })?;
    match read as u64 == bytes {
        true => Ok(held.into()),
        false => Err(PushError::Read { path: path.clone(), source: std::io::ErrorKind::UnexpectedEof.into() }),
    }
}

/// Until all of them are there; those whose link has ended are announced again.
async fn bring(host: &Host, mut files: Vec<Held>, pushed: &mut Pushed, told: &Told) -> Result<(), PushError> {
    let mut renewed = 0;
    while !files.is_empty() {
        let announced: Vec<_> = files.iter().map(|(path, bytes)| (path.clone(), bytes.len() as u64)).collect();
        let mut wanted = Vec::new();
        for (held, offer) in files.into_iter().zip(host.offer(&announced).await?) {
            match offer {
                Offer::There => pushed.kept(held.1.len() as u64, told),
                Offer::Whole(url) => wanted.push((held, url)),
                // Hosts take what is so small in one piece.
                Offer::Parts(_) => return Err(PushError::Answer),
            }
        }
        let puts = futures::stream::iter(wanted).map(|((path, bytes), url)| async move {
            let ended = host.put(&path, &url, bytes.len() as u64, async || Ok(pieces(bytes.clone()))).await?;
            Ok::<_, PushError>(((path, bytes), ended))
        });
        let mut puts = puts.buffer_unordered(AT_ONCE);
        let mut stale = Vec::new();
        while let Some((held, ended)) = puts.try_next().await? {
            match ended {
                Put::Stale => stale.push(held),
                Put::Done => {
                    told(Event::Progress { bytes: held.1.len() as u64, files: 0 });
                    pushed.arrived(held.1.len() as u64, told);
                }
            }
        }
        drop(puts);
        files = stale;
        renewed += 1;
        if let Some((path, _)) = files.first().filter(|_| renewed > RENEWED) {
            return Err(refused(path));
        }
    }
    Ok(())
}

/// Sent bit by bit, so that it is seen to move.
fn pieces(bytes: Bytes) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    let next = |mut rest: Bytes| async move {
        let piece = rest.split_to(rest.len().min(PIECE));
        (!piece.is_empty()).then_some((Ok(piece), rest))
    };
    futures::stream::unfold(bytes, next)
}

fn refused(path: &BundlePath) -> PushError {
    PushError::Put { path: path.clone(), why: "the store refuses the host's links".to_owned() }
}

/// Part by part, each sent while the next is read. What is there is read over.
async fn bring_large(member: Member<'_>, host: &Host, pushed: &mut Pushed, told: &Told) -> Result<(), PushError> {
    let Member { path, bytes, mut body } = member;
    let announced = [(path.clone(), bytes)];
    let mut sending: Option<(Part, Bytes)> = None;
    let (mut at, mut is_first) = (0, true);
    loop {
        let asked = Instant::now();
        let parts = match offer(host, &announced).await? {
            Offer::There => break,
            Offer::Whole(_) if is_first && bytes <= WHOLE_HELD => {
                let held = read(&mut body, bytes, &path).await?;
                return bring(host, vec![(path, held)], pushed, told).await;
            }
            Offer::Whole(_) => return Err(PushError::Answer),
            Offer::Parts(parts) => parts,
        };
        // What comes before was read already: the store has lost it, and the next run brings it.
        if parts.first().is_none_or(|it| it.offset < at) {
            return Err(PushError::Put { path, why: "a part that was sent is not there".to_owned() });
        }
        for part in parts {
            skip(&mut body, part.offset - at, &path).await?;
            at = part.offset;
            // Reading over what is there takes its time, too.
            if part.bytes > PART_HELD && asked.elapsed() > FRESH {
                break;
            }
            at += part.bytes;
            if part.bytes > PART_HELD {
                pass(host, &path, &part, &mut body, told).await?;
                continue;
            }
            let ((), next) = try_join!(send(host, &announced, sending.take(), told), read(&mut body, part.bytes, &path))?;
            sending = Some((part, next));
        }
        send(host, &announced, sending.take(), told).await?;
        is_first = false;
    }
    if is_first {
        pushed.kept(bytes, told)
    } else {
        pushed.arrived(bytes, told)
    }
    Ok(())
}

/// Straight from the tar, some pieces at a time. What has passed is gone: where it breaks off, the next run goes on with this part.
async fn pass(host: &Host, path: &BundlePath, part: &Part, body: &mut MemberBody<'_>, told: &Told) -> Result<(), PushError> {
    const PIECES: usize = 4;
    let broke = || PushError::Put { path: path.clone(), why: "it broke off, and is too large to be held meanwhile".to_owned() };
    let (mut sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(PIECES);
    let mut receiver = Some(receiver);
    let feed = async {
        let mut left = part.bytes;
        while left > 0 {
            let piece = read(body, left.min(PIECE as u64), path).await?;
            left -= piece.len() as u64;
            // Whoever listens no more says why.
            if sender.send(Ok(piece)).await.is_err() {
                break;
            }
        }
        drop(sender);
        Ok::<_, PushError>(())
    };
    let put = host.put(path, &part.url, part.bytes, async || receiver.take().ok_or_else(broke));
    let (ended, ()) = try_join!(put, feed)?;
    if ended == Put::Stale {
        return Err(broke());
    }
    told(Event::Progress { bytes: part.bytes, files: 0 });
    Ok(())
}

async fn offer(host: &Host, announced: &[(BundlePath, u64)]) -> Result<Offer, PushError> {
    host.offer(announced).await?.pop().ok_or(PushError::Answer)
}

async fn skip(body: &mut MemberBody<'_>, bytes: u64, path: &BundlePath) -> Result<(), PushError> {
    let skipped = copy(&mut (&mut *body).take(bytes), &mut sink()).await;
    skipped.map(drop).map_err(|source| PushError::Read { path: path.clone(), source })
}

/// A part; by another link where its own has ended meanwhile.
async fn send(host: &Host, announced: &[(BundlePath, u64)], part: Option<(Part, Bytes)>, told: &Told) -> Result<(), PushError> {
    let Some((mut part, bytes)) = part else { return Ok(()) };
    let path = &announced[0].0;
    for _ in 0..=RENEWED {
        let ended = host.put(path, &part.url, part.bytes, async || Ok(pieces(bytes.clone()))).await?;
        if ended == Put::Done {
            told(Event::Progress { bytes: part.bytes, files: 0 });
            return Ok(());
        }
        let Offer::Parts(parts) = offer(host, announced).await? else { return Ok(()) };
        let same = |it: &Part| (it.offset, it.bytes) == (part.offset, part.bytes);
        // It did arrive.
        let Some(renewed) = parts.into_iter().find(same) else { return Ok(()) };
        part = renewed;
    }
    Err(refused(path))
}
