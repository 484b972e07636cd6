//! Bringing a bundle to a host that takes it in: each file by a link that the host hands out for it, straight into its store.
//!
//! The host is asked for some files at a time, and says which it has already: a run that was cut off goes on where it was. What is large
//! goes in parts. Links end soon: where one has ended, another is asked for. The manifest goes last: what has none is not whole, and nobody
//! takes it for that.
//!
//! Nothing is kept on a disk. Of files that can be opened, each is read as it is sent; of a tar that comes from elsewhere, once and from its
//! start, some megabytes are held, so that what failed on the way to the host can be sent again.

mod files;
mod host;
mod stream;

use reqwest::{Certificate, StatusCode};
use serde::Serialize;
use url::Url;

pub use self::host::Host;
use crate::format::{BundlePath, PREFLIGHT};
use crate::may_pass;
use crate::outside::{FetchError, Guard, Remote};
use crate::place::{Bundle, Location, Place, PlaceError, Reader, TarStream};
use crate::progress::{Event, Stage, Told};
use crate::s3::S3Settings;

/// As many as the host answers for at once.
const ANNOUNCED: usize = 1000;
/// Nor is a longer question read: bytes of the names in it.
const ANNOUNCED_NAMES: usize = 40_000;
/// And no more bytes than a slow line brings while links are valid.
const ANNOUNCED_BYTES: u64 = 256 << 20;
const AT_ONCE: usize = 8;
/// That are read and sent at a time, of one file.
const PIECE: usize = 256 << 10;
/// What describes a bundle is never larger.
const HELD: u64 = 16 << 20;

#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{url} can't be asked")]
    Host { url: Url, source: reqwest::Error },
    #[error("{url} refuses: {sentence}")]
    Refused { url: Url, status: StatusCode, sentence: String },
    #[error("{path} could not be put where the host wants it: {why}. Run the same again: what is there is not sent twice")]
    Put { path: BundlePath, why: String },
    #[error("{path} broke off while it was read: {source}")]
    Read { path: BundlePath, source: std::io::Error },
    #[error("the host answered for other files than it was asked about")]
    Answer,
    #[error(
        "{PREFLIGHT} does not come first in the tar, as the format has it, and without it the host can't tell the bundle from another one: somebody packed it \
         anew. Unpack it (`tar -xf`), and push the folder. Nothing was sent"
    )]
    Unnamed,
}

impl PushError {
    /// Whether the next try would meet it again: it is the source, or the host's decision.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Place(error) => is_places_own(error),
            Self::Read { source, .. } => is_sources_own(source),
            Self::Fetch(error) => error.is_lasting(),
            Self::Answer | Self::Unnamed => true,
            Self::Refused { status, .. } => !may_pass(*status),
            Self::Host { .. } | Self::Put { .. } => false,
        }
    }
}

fn is_places_own(error: &PlaceError) -> bool {
    match error {
        PlaceError::ReadTar(source) => is_sources_own(source),
        PlaceError::Io { .. } | PlaceError::Store { .. } | PlaceError::Body { .. } | PlaceError::Task(_) => false,
        _ => true,
    }
}

/// Why bytes broke off: what is fetched, or the tar around them, says so by itself.
fn is_sources_own(error: &std::io::Error) -> bool {
    let Some(inner) = error.get_ref() else { return false };
    match (inner.downcast_ref::<FetchError>(), inner.downcast_ref::<PlaceError>()) {
        (Some(error), _) => error.is_lasting(),
        (None, Some(error)) => is_places_own(error),
        (None, None) => false,
    }
}

/// Where it comes from.
pub enum Source {
    /// Files that can be opened, in any order.
    Files(Bundle),
    /// A tar, from its start to its end.
    Stream(TarStream),
}

impl Source {
    /// # Errors
    /// [`PushError::Place`], for one that is not whole above all.
    pub async fn open(place: &Place) -> Result<Self, PushError> {
        match Reader::open(place).await? {
            Reader::Stream(stream) => Ok(Self::Stream(stream)),
            // In a tar only what isn't media can be opened by name.
            Reader::Bundle(bundle) => match bundle.members().await? {
                Some(stream) => Ok(Self::Stream(stream)),
                None => Ok(Self::Files(bundle)),
            },
        }
    }

    /// A bundle's tar at somebody's URL.
    #[must_use]
    pub fn fetch(remote: Remote) -> Self {
        Self::Stream(TarStream::new(remote.read()))
    }

    /// A bundle below a prefix in somebody's bucket.
    ///
    /// # Errors
    /// As [`Place::guarded`]'s, and [`Self::open`]'s.
    pub async fn bucket(location: &Location, s3: &S3Settings, guard: &Guard, authorities: &[Certificate]) -> Result<Self, PushError> {
        Self::open(&Place::guarded(location, s3, guard, authorities)?).await
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pushed {
    pub files: u64,
    pub bytes: u64,
    /// That were there already.
    pub kept: u64,
}

/// What the run of a pull says of itself.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Report<'a> {
    /// All of it is there.
    pub is_done: bool,
    /// That are there by now.
    pub files: u64,
    pub bytes: u64,
    /// Why it broke off.
    pub sentence: Option<&'a str>,
}

/// Tells the host how far a pull is.
///
/// # Errors
/// The host's.
pub async fn report(host: &Host, report: &Report<'_>) -> Result<(), PushError> {
    host.report(report).await
}

/// # Errors
/// [`PushError`]; what was brought stays, and the next run doesn't bring it again.
pub async fn push(from: Source, host: &Host, told: &Told) -> Result<Pushed, PushError> {
    told(Event::Stage { stage: Stage::Sending, bytes: None, files: None });
    match from {
        Source::Files(bundle) => files::push(&bundle, host, told).await,
        Source::Stream(stream) => stream::push(stream, host, told).await,
    }
}

/// In a question.
fn length(path: &BundlePath) -> usize {
    path.as_str().len() + 50
}

impl Pushed {
    fn kept(&mut self, bytes: u64, told: &Told) {
        self.kept += 1;
        told(Event::Kept { bytes, files: 1 });
    }

    /// Of a file that is there only now.
    fn arrived(&mut self, bytes: u64, told: &Told) {
        self.files += 1;
        self.bytes += bytes;
        told(Event::Progress { bytes: 0, files: 1 });
    }
}
