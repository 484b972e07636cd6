//! A file at a URL of somebody else's, from its start to its end, whatever breaks meanwhile: where a connection ends too early the next one
//! goes on, as long as what is there has not changed.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE};
use reqwest::{Certificate, Client, Response, StatusCode};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;
use url::Url;

use super::guard::causes;
use super::{Allowed, Guard, Refused, check};
use crate::may_pass;

const REDIRECTS: usize = 5;
/// In a row, without a byte.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// No error shows what follows the `?` of a URL: it may be a key.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{at} is not fetched: {source}")]
    Refused { at: String, source: Refused },
    #[error("{at} can't be fetched: {why}")]
    Request { at: String, why: String },
    #[error("{at} answered {status}")]
    Status { at: String, status: StatusCode },
    #[error("{at} redirects, and not to a URL")]
    Location { at: String },
    #[error("{at} redirects more than {REDIRECTS} times")]
    Redirects { at: String },
    #[error("{at} changed while it was fetched: begin anew once it stays as it is")]
    Changed { at: String },
}

impl FetchError {
    /// Whether the next try would meet it again.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Request { .. } => false,
            Self::Status { status, .. } => !may_pass(*status),
            Self::Refused { .. } | Self::Location { .. } | Self::Redirects { .. } | Self::Changed { .. } => true,
        }
    }
}

/// A file that is fetched.
#[derive(Clone)]
pub struct Remote {
    client: Client,
    allowed: Allowed,
    url: Url,
}

impl Remote {
    /// # Errors
    /// [`FetchError::Refused`] for a URL that is not asked, [`FetchError::Request`] where no client can be made.
    pub fn new(url: Url, guard: &Guard, authorities: &[Certificate]) -> Result<Self, FetchError> {
        check(&url, guard.allowed()).map_err(|source| FetchError::Refused { at: shown(&url), source })?;
        let client = guard.client(authorities).map_err(|error| FetchError::Request { at: shown(&url), why: chain(&error) })?;
        Ok(Self { client, allowed: guard.allowed().clone(), url })
    }

    /// All of it, once. Nothing is asked before the first byte is wanted.
    pub fn read(self) -> impl AsyncRead + Send + Unpin + 'static {
        let reading = Reading { remote: self, at: 0, skip: 0, known: None, response: None };
        let chunks = futures::stream::try_unfold(reading, async |mut it| Ok(it.next().await?.map(|bytes| (bytes, it))));
        StreamReader::new(Box::pin(chunks.map_err(|error: FetchError| io::Error::other(error))))
    }

    /// From there on, after as many redirects as are followed.
    async fn ask(&self, at: u64, known: Option<&Known>) -> Result<Response, FetchError> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTS {
            check(&url, &self.allowed).map_err(|source| FetchError::Refused { at: shown(&url), source })?;
            let mut request = self.client.get(url.clone());
            if at > 0 {
                request = request.header(RANGE, format!("bytes={at}-"));
                // Only a strong one can be asked for.
                if let Some(tag) = known.and_then(|it| it.tag.as_deref()).filter(|it| it.starts_with('"')) {
                    request = request.header(IF_RANGE, tag);
                }
            }
            let sent = request.send().await;
            let response = sent.map_err(|error| failed(&url, error))?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let location = response.headers().get(LOCATION).and_then(|it| it.to_str().ok()).and_then(|it| url.join(it).ok());
            url = location.ok_or_else(|| FetchError::Location { at: shown(&url) })?;
        }
        Err(FetchError::Redirects { at: shown(&self.url) })
    }
}

/// How far it is.
struct Reading {
    remote: Remote,
    at: u64,
    /// Bytes that this answer repeats.
    skip: u64,
    known: Option<Known>,
    response: Option<Response>,
}

/// By what a file is known to be the one of before.
#[derive(Debug, Clone)]
struct Known {
    bytes: Option<u64>,
    tag: Option<String>,
}

impl Known {
    fn of(response: &Response) -> Self {
        let headers = response.headers();
        let text = |name| headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
        let bytes = match response.status() {
            StatusCode::PARTIAL_CONTENT => range(headers).and_then(|(_, whole)| whole),
            _ => response.content_length(),
        };
        Self { bytes, tag: text(ETAG).or_else(|| text(LAST_MODIFIED)) }
    }

    /// What an answer leaves out contradicts nothing.
    fn contradicts(&self, other: &Self) -> bool {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        differ(self.bytes.as_ref(), other.bytes.as_ref()) || differ(self.tag.as_ref(), other.tag.as_ref())
    }
}

/// Where an answer begins, and how many bytes there are in all: `bytes 7-9/10`.
fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, whole) = text.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, whole.parse().ok()))
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            match self.one().await {
                Err(error) if attempt < TRIES && !error.is_lasting() => {
                    self.response = None;
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                ended => return ended,
            }
        }
        Ok(None)
    }

    async fn one(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            if self.response.is_none() {
                self.response = Some(self.go_on().await?);
            }
            let Some(response) = &mut self.response else { continue };
            let chunk = response.chunk().await.map_err(|error| failed(&self.remote.url, error))?;
            let Some(mut bytes) = chunk else { return self.end().map(|()| None) };
            let repeated = self.skip.min(bytes.len() as u64);
            self.skip -= repeated;
            let new = bytes.split_off(repeated as usize);
            if !new.is_empty() {
                self.at += new.len() as u64;
                return Ok(Some(new));
            }
        }
    }

    fn end(&self) -> Result<(), FetchError> {
        match self.known.as_ref().and_then(|it| it.bytes) {
            Some(whole) if self.at < whole => {
                Err(FetchError::Request { at: shown(&self.remote.url), why: "it ended too early".to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// The answer that has what comes next; what it repeats is skipped.
    async fn go_on(&mut self) -> Result<Response, FetchError> {
        let at = shown(&self.remote.url);
        let response = self.remote.ask(self.at, self.known.as_ref()).await?;
        let begins = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if self.at > 0 => range(response.headers()).map_or(u64::MAX, |(begin, _)| begin),
            status => return Err(FetchError::Status { at, status }),
        };
        let known = Known::of(&response);
        if begins > self.at || self.known.as_ref().is_some_and(|it| it.contradicts(&known)) {
            return Err(FetchError::Changed { at });
        }
        self.skip = self.at - begins;
        self.known = Some(known);
        Ok(response)
    }
}

/// A refusal of the resolver's comes as a cause.
fn failed(url: &Url, error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    match causes(&error).find_map(|it| it.downcast_ref::<Refused>()) {
        Some(refused) => FetchError::Refused { at: shown(url), source: refused.clone() },
        None => FetchError::Request { at: shown(url), why: chain(&error) },
    }
}

/// Without what may be a key.
fn shown(url: &Url) -> String {
    let port = url.port().map(|it| format!(":{it}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// With its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        text = format!("{text}: {it}");
        cause = it.source();
    }
    text
}
