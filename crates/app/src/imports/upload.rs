//! Links by which the files of a bundle are put where they are looked for, straight into the bucket: no byte passes the control plane.
//!
//! A link lets one file in, or a part of one, of the length that was announced and no other, and ends soon: who brings much asks again.
//! What is there already is not brought again, if it is of the same bundle: that is known by the digest of its PREFLIGHT.json, which says when it
//! was made. Of another one everything goes but media, whose names Mastodon makes up anew for each file.
//!
//! What is large comes in parts; the store keeps which of them are there, and whoever announces the file again makes it whole after the last.

use std::time::Duration;

use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use howdah_bundle::format::BundlePath;
use howdah_db::models::import::Import;
use howdah_domain::ImportId;
use url::Url;

use super::{is_open, look, quota, seen_by};
use crate::limits;
use crate::ports::{Bundles, Upload};
use crate::text::clipped;
use crate::{Actor, App, Error};

/// Files of one request.
const MOST_AT_ONCE: usize = 1000;
/// Bytes of parts that one answer has links for: what a slow line brings while they are valid.
const MOST_BYTES: u64 = 1 << 30;
/// What is larger comes in parts of this length, or longer ones where there would be too many: who pulls holds a few at a time, in little memory.
const WHOLE: u64 = 8 << 20;
/// No file of a bundle is larger; nor is an object of S3.
const LARGEST: u64 = 5 << 40;
/// Parts that a file may have.
const PARTS: u64 = 10_000;
/// Of a link. A PUT that has begun may go on for longer.
pub(super) const VALID: Duration = Duration::from_secs(15 * 60);
const ASKED_AT_ONCE: usize = 32;

/// A file that somebody is about to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    pub path: String,
    pub bytes: u64,
}

/// How it is brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    pub path: String,
    pub put: Put,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is there already, of that size.
    There,
    Whole(Url),
    /// Those of its parts that are not there, or some of them. To be announced again once these are.
    Parts(Vec<PartLink>),
}

/// Bytes of a file, from the offset on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartLink {
    pub offset: u64,
    pub bytes: u64,
    pub url: Url,
}

/// For each file where it is to be put, in the order in which they were announced. Who asks again after a break is told what is there.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for an import that takes nothing any more, or not so much; [`Error::Invalid`] for paths that no
/// bundle has and files that are too large; [`Error::RateLimited`]; [`Error::Unavailable`] where the bucket doesn't answer.
pub async fn offer(app: &App, actor: &Actor, id: ImportId, of: Option<&str>, files: &[Announced]) -> Result<Vec<Offered>, Error> {
    actor.may_change()?;
    let mut conn = app.conn().await?;
    let import = seen_by(&mut conn, actor, id).await?;
    drop(conn);
    offer_of(app, &import, of, files).await
}

/// The same for whoever may bring it. `of`: SHA-256 of the bundle's PREFLIGHT.json, in hexadecimal.
pub(super) async fn offer_of(app: &App, import: &Import, of: Option<&str>, files: &[Announced]) -> Result<Vec<Offered>, Error> {
    let paths = parse(files)?;
    let of = of.map(preflight).transpose()?;
    is_open(app, import)?;
    if import.source != "upload" {
        let sentence = "This import is of an export that lies here: nothing has to be brought.".to_owned();
        return Err(Error::Conflict { reason: "nothing_to_bring", sentence });
    }
    if files.iter().fold(0_u64, |sum, it| sum.saturating_add(it.bytes)) > quota::most(app) {
        return Err(quota::too_much(app));
    }
    limits::UPLOADS_OF.take(app, &mut *app.conn().await?, &import.id.to_string()).await?;
    let bundles = app.bundles.as_deref().ok_or(Error::NotFound { what: "import" })?;
    if let Some(of) = of.filter(|it| import.preflight_sha256.as_deref() != Some(*it)) {
        make_way(app, bundles, import, of).await?;
    }
    let large = files.iter().filter(|it| it.bytes > WHOLE).count().max(1) as u64;
    let wanted = paths.iter().zip(files).map(|(path, file)| wanted(bundles, &import.prefix, path, file.bytes, MOST_BYTES / large));
    let wanted: Vec<Wanted> = stream::iter(wanted).buffered(ASKED_AT_ONCE).try_collect().await?;
    quota::take(app, bundles, import, wanted.iter().map(Wanted::bytes).sum()).await?;
    let offered = paths.iter().zip(wanted).map(async |(path, wanted)| {
        let put = wanted.links(bundles, &import.prefix, path).await?;
        Ok(Offered { path: path.to_string(), put })
    });
    stream::iter(offered).buffered(ASKED_AT_ONCE).try_collect().await
}

fn preflight(of: &str) -> Result<&str, Error> {
    let is_digest = of.len() == 64 && of.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    let wrong = || Error::invalid("preflight_sha256", "malformed", "A SHA-256 has 64 digits: 0–9 and a–f.");
    is_digest.then_some(of).ok_or_else(wrong)
}

/// For another bundle than the one that lies there. Whoever comes meanwhile waits, and finds it done: what they bring next stays.
async fn make_way(app: &App, bundles: &dyn Bundles, import: &Import, of: &str) -> Result<(), Error> {
    limits::BUNDLES_OF.take(app, &mut *app.conn().await?, &import.id.to_string()).await?;
    let there = look::listed(bundles, &import.prefix).await?;
    let others: Vec<String> = there.others().map(str::to_owned).collect();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let import = Import::lock(conn, import.id).await?.ok_or(Error::NotFound { what: "import" })?;
        // It may have become a server since, whose files these are.
        is_open(app, &import)?;
        if import.preflight_sha256.as_deref() == Some(of) {
            return Ok(());
        }
        bundles.forget(&import.prefix, &others).await?;
        Ok(Import::is_of(conn, import.id, of, quota::signed(there.media_bytes())).await?)
    })
    .await
}

/// What of a file is still to be brought.
enum Wanted {
    Nothing,
    Whole(u64),
    Parts(Upload, Vec<Part>),
}

#[derive(Clone, Copy)]
struct Part {
    number: u32,
    offset: u64,
    bytes: u64,
}

async fn wanted(bundles: &dyn Bundles, prefix: &str, path: &BundlePath, bytes: u64, most: u64) -> Result<Wanted, Error> {
    if bundles.size(prefix, path.as_str()).await? == Some(bytes) {
        return Ok(Wanted::Nothing);
    }
    if bytes <= WHOLE {
        return Ok(Wanted::Whole(bytes));
    }
    let mut upload = bundles.upload(prefix, path.as_str()).await?;
    // Of a file that was announced with another length before there may be more.
    let last = parts(bytes).last().map_or(0, |it| it.number);
    upload.parts.retain(|number, _| *number <= last);
    let has = |part: &Part| upload.parts.get(&part.number).is_some_and(|it| it.bytes == part.bytes);
    // One at least.
    let mut left = most;
    let fits = |part: &Part| {
        let before = left;
        left = left.saturating_sub(part.bytes);
        before > 0
    };
    let missing: Vec<Part> = parts(bytes).filter(|it| !has(it)).take_while(fits).collect();
    if missing.is_empty() {
        bundles.complete(&upload).await?;
        return Ok(Wanted::Nothing);
    }
    Ok(Wanted::Parts(upload, missing))
}

/// By the file's length alone, so that whoever goes on has the same.
fn parts(bytes: u64) -> impl Iterator<Item = Part> {
    const MIB: u64 = 1 << 20;
    let each = bytes.div_ceil(PARTS).next_multiple_of(MIB).max(WHOLE);
    (1u32..).zip((0..bytes).step_by(usize::try_from(each).unwrap_or(usize::MAX))).map(move |(number, offset)| {
        let bytes = each.min(bytes - offset);
        Part { number, offset, bytes }
    })
}

impl Wanted {
    /// That links are asked for.
    fn bytes(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Whole(bytes) => *bytes,
            Self::Parts(_, parts) => parts.iter().map(|it| it.bytes).sum(),
        }
    }

    async fn links(self, bundles: &dyn Bundles, prefix: &str, path: &BundlePath) -> Result<Put, Error> {
        match self {
            Self::Nothing => Ok(Put::There),
            Self::Whole(bytes) => Ok(Put::Whole(bundles.upload_link(prefix, path.as_str(), bytes, VALID).await?)),
            Self::Parts(upload, parts) => {
                let mut links = Vec::with_capacity(parts.len());
                for Part { number, offset, bytes } in parts {
                    links.push(PartLink { offset, bytes, url: bundles.part_link(&upload, number, bytes, VALID).await? });
                }
                Ok(Put::Parts(links))
            }
        }
    }
}

fn parse(files: &[Announced]) -> Result<Vec<BundlePath>, Error> {
    if files.is_empty() || files.len() > MOST_AT_ONCE {
        return Err(Error::invalid("files", "count", format!("Announce between 1 and {MOST_AT_ONCE} files at a time.")));
    }
    let one = |file: &Announced| {
        if file.bytes > LARGEST {
            let sentence = format!("“{}” is larger than 5 TiB, which no file may be.", clipped(&file.path, 120));
            return Err(Error::invalid("files", "too_large", sentence));
        }
        BundlePath::parse(&file.path).map_err(|error| Error::invalid("files", "path", format!("{error}.")))
    };
    files.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_every_byte_once_and_are_no_more_than_a_store_takes() {
        for bytes in [WHOLE + 1, 2 * WHOLE, 100 << 30, 321 << 30, LARGEST] {
            let (mut end, mut count) = (0, 0);
            for part in parts(bytes) {
                assert_eq!((part.offset, u64::from(part.number)), (end, count + 1), "of {bytes}");
                assert!((1..=1 << 30).contains(&part.bytes), "of {bytes}: {}", part.bytes);
                (end, count) = (end + part.bytes, count + 1);
            }
            assert!(end == bytes && count <= PARTS, "{bytes}: {end} in {count}");
        }
    }
}
