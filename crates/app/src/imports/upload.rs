//! Links by which the files of a bundle are put where they are looked for, straight into the bucket: no byte passes the control plane.

use std::time::Duration;

use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use howdah_bundle::format::BundlePath;
use howdah_domain::ImportId;
use url::Url;

use super::{is_open, seen_by};
use crate::limits;
use crate::ports::Bundles;
use crate::{Actor, App, Error};

/// Files of one request.
const MOST_AT_ONCE: usize = 1000;
/// S3 takes no more with one PUT.
const LARGEST: u64 = 5 << 30;
/// Long enough for the largest file on a slow line, and no longer.
const VALID: Duration = Duration::from_secs(6 * 3600);
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
    /// Where it is PUT; `None`: it is there already, of that size.
    pub url: Option<Url>,
}

/// For each file where it is to be put, in the order in which they were announced. Who asks again after a break is told what is there.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for an import that takes nothing any more; [`Error::Invalid`] for paths that no bundle has and
/// files that are too large; [`Error::RateLimited`]; [`Error::Unavailable`] where the bucket doesn't answer.
pub async fn offer(app: &App, actor: &Actor, id: ImportId, files: &[Announced]) -> Result<Vec<Offered>, Error> {
    actor.may_change()?;
    let paths = parse(files)?;
    let mut conn = app.conn().await?;
    let import = seen_by(&mut conn, actor, id).await?;
    is_open(app, &import)?;
    if import.source != "upload" {
        let sentence = "This import is of an export that lies here: nothing has to be brought.".to_owned();
        return Err(Error::Conflict { reason: "nothing_to_bring", sentence });
    }
    limits::UPLOADS_OF.take(app, &mut conn, &import.id.to_string()).await?;
    drop(conn);
    let bundles = app.bundles.as_deref().ok_or(Error::NotFound { what: "import" })?;
    let offered = paths.iter().zip(files).map(|(path, file)| offer_one(bundles, &import.prefix, path, file.bytes));
    stream::iter(offered).buffered(ASKED_AT_ONCE).try_collect().await
}

async fn offer_one(bundles: &dyn Bundles, prefix: &str, path: &BundlePath, bytes: u64) -> Result<Offered, Error> {
    let is_there = bundles.size(prefix, path.as_str()).await? == Some(bytes);
    let url = if is_there { None } else { Some(bundles.upload_link(prefix, path.as_str(), VALID).await?) };
    Ok(Offered { path: path.to_string(), url })
}

fn parse(files: &[Announced]) -> Result<Vec<BundlePath>, Error> {
    if files.is_empty() || files.len() > MOST_AT_ONCE {
        return Err(Error::invalid("files", "count", format!("Announce between 1 and {MOST_AT_ONCE} files at a time.")));
    }
    let one = |file: &Announced| {
        if file.bytes > LARGEST {
            let sentence = format!("“{}” is larger than 5 GiB, which no single upload may be.", clipped(&file.path));
            return Err(Error::invalid("files", "too_large", sentence));
        }
        BundlePath::parse(&file.path).map_err(|error| Error::invalid("files", "path", format!("{error}.")))
    };
    files.iter().map(one).collect()
}

fn clipped(text: &str) -> String {
    text.chars().take(120).collect()
}
