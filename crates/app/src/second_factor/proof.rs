//! What somebody shows besides the password: a code, or a passkey's answer.

use howdah_db::Conn;
use howdah_db::models::person::Person;
use uuid::Uuid;

use super::take::{Taken, record_recovery, take, told_of_recovery, wrong};
use super::{Guess, is_on};
use crate::limits::CODE_AGAIN;
use crate::passkeys::{self, Answer};
use crate::sessions::SignedIn;
use crate::{App, Error};

/// As it was sent.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// Of the app, or for recovery.
    Code(&'a str),
    Passkey(Answer<'a>),
}

impl<'a, T: AsRef<str> + ?Sized> From<&'a T> for Proof<'a> {
    fn from(code: &'a T) -> Self {
        Self::Code(code.as_ref())
    }
}

/// One of a person's, counted before it is looked at.
pub(crate) enum Given<'a> {
    Code(&'a str, Guess<'a>),
    /// Nobody guesses one.
    Passkey(Box<passkeys::Given>),
}

impl<'a> Given<'a> {
    /// Not to be called in a transaction that a wrong one rolls back.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; [`Error::Invalid`] for a passkey's answer to nothing that was asked.
    pub(crate) async fn read(app: &App, conn: &mut Conn, (person, email): (Uuid, &'a str), proof: Proof<'a>) -> Result<Self, Error> {
        match proof {
            Proof::Code(typed) => Ok(Self::Code(typed, Guess::count(app, conn, person, email).await?)),
            Proof::Passkey(answer) => Ok(Self::Passkey(Box::new(passkeys::Given::read(app, conn, Some(person), answer).await?))),
        }
    }

    /// Takes it, once. To be called in a transaction, with the person's row locked.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong one.
    pub(crate) async fn take(&self, app: &App, conn: &mut Conn, person: &Person) -> Result<Taken, Error> {
        match self {
            Self::Code(typed, _) => {
                let taken = take(app, conn, person.id, typed).await?.ok_or_else(|| wrong("code"))?;
                told_of_recovery(app, conn, &person.email, person.id, taken).await?;
                Ok(taken)
            }
            Self::Passkey(given) => given.check(app, conn, Some(person.id)).await.map(|()| Taken::OfPasskey),
        }
    }

    /// What came of it, after its transaction.
    pub(crate) async fn settle<T>(self, app: &App, conn: &mut Conn, result: &Result<T, Error>) -> Result<(), Error> {
        match self {
            Self::Code(_, guess) => guess.settle(app, conn, result).await,
            Self::Passkey(_) => Ok(()),
        }
    }
}

/// Refuses a wrong one, where a second factor is on. Tries are counted: a stolen session is no way around.
pub(crate) async fn check(app: &App, signed_in: &SignedIn, proof: Proof<'_>) -> Result<(), Error> {
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    if !is_on(&mut conn, person).await? {
        return Ok(());
    }
    let session = signed_in.session.to_string();
    CODE_AGAIN.take(app, &mut conn, &session).await?;
    let given = Given::read(app, &mut conn, (person, &signed_in.email), proof).await?;
    let taken = howdah_db::transaction(&mut conn, async |conn| {
        let person = Person::lock(conn, person).await?.ok_or(Error::Unauthenticated)?;
        let taken = given.take(app, conn, &person).await?;
        record_recovery(app, conn, signed_in.actor.account.as_uuid(), person.id, taken).await
    })
    .await;
    given.settle(app, &mut conn, &taken).await?;
    taken?;
    CODE_AGAIN.forgive(&mut conn, &session).await
}
