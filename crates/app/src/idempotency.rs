//! The same key with the same request has one effect and one answer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use howdah_db::models::idempotency::{Claim, IdempotencyKey as Row};
use howdah_db::{Conn, QueryErrorExt};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Actor, App, Error};

/// How long a second request waits for a first one with the same key.
const WAIT: Duration = Duration::from_secs(5);

/// A request's key, with what it was sent with.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(Row);

/// What became of a request that may have been made before.
#[derive(Debug)]
pub enum Once<T> {
    /// It was done now.
    Done(T),
    /// It was done before: the answer that was given then.
    Again { status: i16, body: Value },
}

impl<T> Once<T> {
    /// What was done now.
    #[must_use]
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(it) => Some(it),
            Self::Again { .. } => None,
        }
    }
}

impl IdempotencyKey {
    /// # Errors
    /// [`Error::Invalid`] for a key that is empty or longer than 255 characters.
    pub fn new(actor: &Actor, key: &str, method: &str, path: &str, body: &[u8]) -> Result<Self, Error> {
        if key.is_empty() || key.chars().count() > 255 {
            return Err(Error::invalid("Idempotency-Key", "malformed", "The Idempotency-Key has 1 to 255 characters."));
        }
        let mut digest = Sha256::new();
        for part in [method.as_bytes(), path.as_bytes(), body] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Ok(Self(Row { holder_id: actor.credential, key: key.to_owned(), request_digest: digest.finalize().into() }))
    }

    /// Claims the key for the transaction: `None` to go on, or the answer that was given before.
    async fn claim<T>(&self, conn: &mut Conn, now: DateTime<Utc>) -> Result<Option<Once<T>>, Error> {
        match self.0.claim(conn, WAIT, now).await {
            Ok(claim) => before(claim),
            Err(error) if error.is_lock_timeout() => Err(Error::Conflict {
                reason: "request_in_progress",
                sentence: "A request with this Idempotency-Key is still being worked on. Try again in a moment.".to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the answer, in the transaction of the effect.
    async fn answer(&self, conn: &mut Conn, (status, body): (i16, Value)) -> Result<(), Error> {
        self.0.answer(conn, status, &body).await?;
        Ok(())
    }
}

fn before<T>(claim: Claim) -> Result<Option<Once<T>>, Error> {
    match claim {
        Claim::Fresh => Ok(None),
        Claim::Answered { status, body } => Ok(Some(Once::Again { status, body })),
        Claim::Mismatch => Err(Error::Conflict {
            reason: "idempotency_key_reused",
            sentence: "This Idempotency-Key was used for another request. Use a new key for each new request.".to_owned(),
        }),
    }
}

/// How a caller asks for at most one effect: its key, and how the answer will look.
pub struct Idempotent<'a, T> {
    pub key: &'a IdempotencyKey,
    /// Status and body of the answer, as they are kept for the next request with the key. No secrets.
    pub render: &'a (dyn Fn(&T) -> (i16, Value) + Send + Sync),
}

impl<T> Clone for Idempotent<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Idempotent<'_, T> {}

/// First in the transaction of the effect: the answer that was given before, if there is a key and it was used.
pub(crate) async fn claim<T>(app: &App, conn: &mut Conn, idempotent: Option<Idempotent<'_, T>>) -> Result<Option<Once<T>>, Error> {
    match idempotent {
        Some(it) => it.key.claim(conn, app.now()).await,
        None => Ok(None),
    }
}

/// The answer that was given before, if there is a key and it was used; nothing is claimed. For who has slow work to do before the transaction of
/// the effect, which claims the key nevertheless.
pub(crate) async fn answered<T>(conn: &mut Conn, idempotent: Option<Idempotent<'_, T>>) -> Result<Option<Once<T>>, Error> {
    match idempotent {
        Some(it) => it.key.0.used(conn).await?.map_or(Ok(None), before),
        None => Ok(None),
    }
}

/// Last in it: the answer is kept, if there is a key.
pub(crate) async fn keep<T>(conn: &mut Conn, idempotent: Option<Idempotent<'_, T>>, done: T) -> Result<Once<T>, Error> {
    if let Some(it) = idempotent {
        let answer = (it.render)(&done);
        it.key.answer(conn, answer).await?;
    }
    Ok(Once::Done(done))
}

/// For an effect that is somebody else's, and that is one however often it is asked for: the answer is kept after it.
///
/// # Errors
/// Of the effect; [`Error::Conflict`] for a key that was used for another request.
pub async fn around<T: Send + Sync>(
    app: &App,
    idempotent: Option<Idempotent<'_, T>>,
    effect: impl Future<Output = Result<T, Error>>,
) -> Result<Once<T>, Error> {
    if let Some(before) = answered(&mut *app.conn().await?, idempotent).await? {
        return Ok(before);
    }
    let done = effect.await?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| match claim(app, conn, idempotent).await? {
        Some(before) => Ok(before),
        None => keep(conn, idempotent, done).await,
    })
    .await
}
