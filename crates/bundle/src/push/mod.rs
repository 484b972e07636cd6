//! Bringing a bundle to a host that takes it in: each file by a link that the host hands out for it, straight into its store.
//!
//! The host is asked for a thousand files at a time, and says which it has already: a run that was cut off goes on where it was. The manifest
//! goes last: what has none is not whole, and nobody takes it for that.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::{Client, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;
use url::Url;

use crate::format::{BundlePath, MANIFEST};
use crate::place::{Bundle, Place, PlaceError, Reader};
use crate::progress::{Event, Stage, Told};

/// As many as the host answers for at once.
const ANNOUNCED: usize = 1000;
const AT_ONCE: usize = 8;
/// Of one file, and of one question.
const TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("a pipe is read once, and what was brought before is not brought again: save it to a FILE.tar first, and push that")]
    Pipe,
    #[error("{url} can't be asked")]
    Host { url: Url, source: reqwest::Error },
    #[error("{url} refuses: {sentence}")]
    Refused { url: Url, sentence: String },
    #[error("{path} could not be put where the host wants it: {why}. Run the same again: what is there is not sent twice")]
    Put { path: BundlePath, why: String },
    #[error("the host answered for other files than it was asked about")]
    Answer,
}

/// Where it goes.
pub struct Host {
    client: Client,
    /// Of the import: `https://howdah.example/api/v1/imports/<id>`.
    import: Url,
    token: SecretString,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pushed {
    pub files: u64,
    pub bytes: u64,
    /// That were there already.
    pub kept: u64,
}

#[derive(Serialize)]
struct Announcement<'a> {
    files: Vec<Announced<'a>>,
}

#[derive(Serialize)]
struct Announced<'a> {
    path: &'a str,
    bytes: u64,
}

#[derive(Deserialize)]
struct Offer {
    files: Vec<Offered>,
}

#[derive(Deserialize)]
struct Offered {
    path: String,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

impl Host {
    /// # Errors
    /// [`PushError::Host`] where no client can be made.
    pub fn new(import: Url, token: SecretString) -> Result<Self, PushError> {
        // A redirect would carry the token to another host.
        let client = Client::builder().connect_timeout(Duration::from_secs(10)).redirect(reqwest::redirect::Policy::none()).build();
        match client {
            Ok(client) => Ok(Self { client, import, token }),
            Err(source) => Err(PushError::Host { url: import, source }),
        }
    }

    async fn offer(&self, files: &[(BundlePath, u64)]) -> Result<Vec<Offered>, PushError> {
        let url = Url::parse(&format!("{}/files", self.import.as_str().trim_end_matches('/'))).map_err(|_| PushError::Answer)?;
        let announced = files.iter().map(|(path, bytes)| Announced { path: path.as_str(), bytes: *bytes }).collect();
        let body = Announcement { files: announced };
        tried(async || {
            let sent = self.client.post(url.clone()).bearer_auth(self.token.expose_secret()).json(&body).send().await;
            let answer = sent.map_err(|source| Failure::passing(PushError::Host { url: url.clone(), source }))?;
            let status = answer.status();
            if !status.is_success() {
                let sentence = answer.json().await.map_or_else(|_| format!("it answered {status}"), |it: Problem| it.detail);
                return Err(Failure { may_pass: may_pass(status), error: PushError::Refused { url: url.clone(), sentence } });
            }
            let offer: Offer = answer.json().await.map_err(|source| Failure::passing(PushError::Host { url: url.clone(), source }))?;
            Ok(offer.files)
        })
        .await
    }
}

/// Why something was not done, and whether it is worth to try it again.
struct Failure {
    may_pass: bool,
    error: PushError,
}

impl Failure {
    const fn passing(error: PushError) -> Self {
        Self { may_pass: true, error }
    }
}

/// With growing pauses, until it is done, can't be, or was tried often enough.
async fn tried<T>(mut what: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, PushError> {
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        match what().await {
            Err(Failure { may_pass: true, .. }) => tokio::time::sleep(wait).await,
            ended => return ended.map_err(|it| it.error),
        }
        wait *= 2;
    }
    what().await.map_err(|it| it.error)
}

/// Whether it is worth to ask again.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// # Errors
/// [`PushError`]; what was brought stays, and the next run doesn't bring it again.
pub async fn push(from: &Place, host: &Host, told: &Told) -> Result<Pushed, PushError> {
    let Reader::Bundle(bundle) = Reader::open(from).await? else { return Err(PushError::Pipe) };
    told(Event::Stage { stage: Stage::Sending, bytes: None, files: None });
    let mut pushed = Pushed::default();
    let mut manifest = Vec::new();
    let mut portion = Vec::with_capacity(ANNOUNCED);
    let mut listed = bundle.list();
    while let Some(found) = listed.try_next().await? {
        match found.0.as_str() {
            MANIFEST => manifest.push(found),
            _ => portion.push(found),
        }
        if portion.len() == ANNOUNCED {
            bring(&bundle, host, &mut portion, &mut pushed, told).await?;
        }
    }
    bring(&bundle, host, &mut portion, &mut pushed, told).await?;
    bring(&bundle, host, &mut manifest, &mut pushed, told).await?;
    Ok(pushed)
}

async fn bring(
    bundle: &Bundle,
    host: &Host,
    files: &mut Vec<(BundlePath, u64)>,
    pushed: &mut Pushed,
    told: &Told,
) -> Result<(), PushError> {
    if files.is_empty() {
        return Ok(());
    }
    let offered = host.offer(files).await?;
    if offered.len() != files.len() || offered.iter().zip(&*files).any(|(offered, (path, _))| offered.path != path.as_str()) {
        return Err(PushError::Answer);
    }
    let puts = futures::stream::iter(files.drain(..).zip(offered)).map(|((path, bytes), offered)| async move {
        match offered.url {
            None => told(Event::Kept { bytes, files: 1 }),
            Some(url) => {
                let url = Url::parse(&url).map_err(|_| PushError::Answer)?;
                put(bundle, host, &path, bytes, url).await?;
                told(Event::Progress { bytes, files: 1 });
                return Ok::<_, PushError>(Pushed { files: 1, bytes, kept: 0 });
            }
        }
        Ok(Pushed { files: 0, bytes: 0, kept: 1 })
    });
    let mut puts = puts.buffer_unordered(AT_ONCE);
    while let Some(one) = puts.try_next().await? {
        pushed.files += one.files;
        pushed.bytes += one.bytes;
        pushed.kept += one.kept;
    }
    Ok(())
}

async fn put(bundle: &Bundle, host: &Host, path: &BundlePath, bytes: u64, url: Url) -> Result<(), PushError> {
    tried(async || {
        let failed = |may_pass, why| Failure { may_pass, error: PushError::Put { path: path.clone(), why } };
        let read = bundle.open(path).await.map_err(|error| Failure { may_pass: false, error: error.into() })?;
        let body = reqwest::Body::wrap_stream(ReaderStream::with_capacity(read.body, 256 << 10));
        let sent = host.client.put(url.clone()).header(header::CONTENT_LENGTH, bytes).body(body).send().await;
        // A link is a key: no error shows it.
        let status = sent.map_err(|error| failed(true, error.without_url().to_string()))?.status();
        if status.is_success() { Ok(()) } else { Err(failed(may_pass(status), status.to_string())) }
    })
    .await
}
