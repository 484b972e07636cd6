//! The host that takes a bundle in: what it is asked, what it answers, and how bytes get to its store.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use reqwest::{Body, Certificate, Client, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use url::Url;

use super::PushError;
use crate::format::{BundlePath, Sha256Hex};
use crate::may_pass;

/// Of one file, and of one question.
const TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A connection on which nothing moves for so long is dead. A slow line moves something.
const SILENCE: Duration = Duration::from_secs(120);
/// Files have 5 TiB at most, in 10,000 parts.
const LARGEST_PART: u64 = 1 << 30;

/// Where a bundle goes.
pub struct Host {
    client: Client,
    /// Of the import, `https://howdah.example/api/v1/imports/<id>`, or of a pull.
    import: Url,
    token: SecretString,
    silence: Duration,
    /// Which bundle is brought, once that is known.
    bundle: OnceLock<Sha256Hex>,
}

#[derive(Serialize)]
struct Announcement<'a> {
    files: Vec<Announced<'a>>,
    preflight_sha256: &'a Sha256Hex,
}

#[derive(Serialize)]
struct Announced<'a> {
    path: &'a str,
    bytes: u64,
}

#[derive(Deserialize)]
struct Answer {
    files: Vec<Offered>,
}

#[derive(Deserialize)]
struct Offered {
    path: String,
    url: Option<String>,
    #[serde(default)]
    parts: Option<Vec<OfferedPart>>,
}

#[derive(Deserialize)]
struct OfferedPart {
    offset: u64,
    bytes: u64,
    url: String,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// What is to be done with a file.
pub(super) enum Offer {
    /// It is there.
    There,
    Whole(Url),
    /// Those of its parts that are not there, in their order. Announced again, it says which are next, and makes it whole after the last.
    Parts(Vec<Part>),
}

pub(super) struct Part {
    pub offset: u64,
    pub bytes: u64,
    pub url: Url,
}

/// How a PUT ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Done,
    /// Its link is valid no more: another one is to be asked for.
    Stale,
}

/// Why something was not done, and whether it is worth to try it again.
pub(super) struct Failure {
    pub may_pass: bool,
    pub error: PushError,
}

impl Failure {
    const fn passing(error: PushError) -> Self {
        Self { may_pass: true, error }
    }

    pub const fn lasting(error: PushError) -> Self {
        Self { may_pass: false, error }
    }
}

impl Host {
    /// `authorities`: that are trusted besides the system's.
    ///
    /// # Errors
    /// [`PushError::Host`] where no client can be made.
    pub fn new(import: Url, token: SecretString, authorities: &[Certificate]) -> Result<Self, PushError> {
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(10))
            // A redirect would carry the token to another host.
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_merge(authorities.iter().cloned())
            .build();
        match client {
            Ok(client) => Ok(Self { client, import, token, silence: SILENCE, bundle: OnceLock::new() }),
            Err(source) => Err(PushError::Host { url: import, source }),
        }
    }

    /// How long nothing may move while a file is put: two minutes, where nobody says.
    #[must_use]
    pub fn patient_for(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// What is brought has this PREFLIGHT.json, which says when it was made: what the host has of another bundle is none of its files.
    pub(super) fn brings(&self, preflight: &[u8]) {
        self.bundle.get_or_init(|| Sha256Hex::of(preflight));
    }

    /// For each file what is to be done with it, in their order. None that the host could take for another bundle's, and throw away, is asked about.
    pub(super) async fn offer(&self, files: &[(BundlePath, u64)]) -> Result<Vec<Offer>, PushError> {
        let bundle = self.bundle.get().ok_or(PushError::Unnamed)?;
        let announced = files.iter().map(|(path, bytes)| Announced { path: path.as_str(), bytes: *bytes }).collect();
        let answer: Answer = self.ask("files", &Announcement { files: announced, preflight_sha256: bundle }).await?;
        if answer.files.len() != files.len() {
            return Err(PushError::Answer);
        }
        answer.files.into_iter().zip(files).map(|(offered, (path, bytes))| read(offered, path, *bytes)).collect()
    }

    /// Of a pull: how far it is.
    pub(super) async fn report(&self, report: &super::Report<'_>) -> Result<(), PushError> {
        self.ask::<serde::de::IgnoredAny>("report", report).await.map(drop)
    }

    async fn ask<T: for<'de> Deserialize<'de>>(&self, what: &str, body: &impl Serialize) -> Result<T, PushError> {
        let url = Url::parse(&format!("{}/{what}", self.import.as_str().trim_end_matches('/'))).map_err(|_| PushError::Answer)?;
        let failed = |source| Failure::passing(PushError::Host { url: url.clone(), source });
        tried(async || {
            let sent = self.client.post(url.clone()).timeout(SILENCE).bearer_auth(self.token.expose_secret()).json(body).send().await;
            let answer = sent.map_err(failed)?;
            let status = answer.status();
            if !status.is_success() {
                let sentence = answer.json().await.map_or_else(|_| format!("it answered {status}"), |it: Problem| it.detail);
                return Err(Failure { may_pass: may_pass(status), error: PushError::Refused { url: url.clone(), status, sentence } });
            }
            answer.json().await.map_err(failed)
        })
        .await
    }

    /// `body` is asked for anew by each try.
    pub(super) async fn put<S>(
        &self,
        path: &BundlePath,
        url: &Url,
        bytes: u64,
        mut body: impl AsyncFnMut() -> Result<S, PushError>,
    ) -> Result<Put, PushError>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        tried(async || {
            let failed = |may_pass, why| Failure { may_pass, error: PushError::Put { path: path.clone(), why } };
            let moved = Arc::new(Notify::new());
            let moving = Arc::clone(&moved);
            let body = body().await.map_err(Failure::lasting)?.inspect(move |_| moving.notify_one());
            // The length is part of what the link was signed for.
            let sent = self.client.put(url.clone()).header(header::CONTENT_LENGTH, bytes).body(Body::wrap_stream(body)).send();
            let ended = while_moving(sent, &moved, self.silence).await;
            let sent = ended.ok_or_else(|| failed(true, format!("nothing moved for {} seconds", self.silence.as_secs())))?;
            // A link is a key: no error shows it.
            let status = sent.map_err(|error| failed(true, error.without_url().to_string()))?.status();
            match status {
                _ if status.is_success() => Ok(Put::Done),
                StatusCode::FORBIDDEN => Ok(Put::Stale),
                _ => Err(failed(may_pass(status), status.to_string())),
            }
        })
        .await
    }
}

/// `None` where nothing moved for so long.
async fn while_moving<T>(asked: impl Future<Output = T>, moved: &Notify, silence: Duration) -> Option<T> {
    let mut asked = std::pin::pin!(asked);
    loop {
        tokio::select! {
            ended = &mut asked => return Some(ended),
            () = moved.notified() => {}
            () = tokio::time::sleep(silence) => return None,
        }
    }
}

fn read(offered: Offered, path: &BundlePath, bytes: u64) -> Result<Offer, PushError> {
    if offered.path != path.as_str() {
        return Err(PushError::Answer);
    }
    let url = |text: &str| Url::parse(text).map_err(|_| PushError::Answer);
    match (offered.url, offered.parts.filter(|it| !it.is_empty())) {
        (None, None) => Ok(Offer::There),
        (Some(text), _) => Ok(Offer::Whole(url(&text)?)),
        (None, Some(parts)) => {
            let mut end = 0;
            let mut read = Vec::with_capacity(parts.len());
            for OfferedPart { offset, bytes: length, url: text } in parts {
                let fits = offset >= end && (1..=LARGEST_PART).contains(&length) && offset.saturating_add(length) <= bytes;
                if !fits {
                    return Err(PushError::Answer);
                }
                end = offset + length;
                read.push(Part { offset, bytes: length, url: url(&text)? });
            }
            Ok(Offer::Parts(read))
        }
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
