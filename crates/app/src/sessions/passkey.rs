//! Signing in by a passkey alone: it is the person's password and second factor in one.

use howdah_db::models::person::Person;
use howdah_db::models::session::Session as Row;

use super::sign_in::begin;
use super::{Client, NewSession, SignedIn};
use crate::limits::{CODE_AGAIN, PASSKEYS_FROM, Place};
use crate::passkeys::{self, Answer, Begun, Given, refused};
use crate::{App, Error};

/// Asks for whichever passkey of this dashboard the browser finds: nobody is known yet.
///
/// # Errors
/// [`Error::RateLimited`].
pub async fn begin_sign_in(app: &App, client: &Client<'_>) -> Result<Begun, Error> {
    let mut conn = app.conn().await?;
    PASSKEYS_FROM.take_from(app, &mut conn, &Place::of_client(client.address)).await?;
    passkeys::begin_sign_in(app, &mut conn).await
}

/// A session. Every passkey that is not accepted is one answer, after the same work.
///
/// # Errors
/// [`Error::Invalid`] for a passkey that is not accepted; [`Error::Forbidden`] for who belongs to no account; [`Error::RateLimited`].
pub async fn sign_in_with_passkey(app: &App, answer: Answer<'_>, client: &Client<'_>) -> Result<NewSession, Error> {
    let mut conn = app.conn().await?;
    PASSKEYS_FROM.take_from(app, &mut conn, &Place::of_client(client.address)).await?;
    let given = Given::read(app, &mut conn, None, answer).await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let person = match given.claimed(conn).await? {
            Some(person) => Person::lock(conn, person).await?,
            None => None,
        };
        given.check(app, conn, person.as_ref().map(|it| it.id)).await?;
        begin(app, conn, &person.ok_or_else(refused)?, client).await
    })
    .await
}

/// In place of the password and a code, before what can't be taken back: whoever can sign in by it could as well do that.
///
/// # Errors
/// [`Error::Invalid`] for a passkey that is not accepted, [`Error::RateLimited`].
pub async fn confirm_with_passkey(app: &App, signed_in: &SignedIn, answer: Answer<'_>) -> Result<(), Error> {
    let mut conn = app.conn().await?;
    let session = signed_in.session.to_string();
    CODE_AGAIN.take(app, &mut conn, &session).await?;
    let person = signed_in.actor.person.as_uuid();
    let given = Given::read(app, &mut conn, Some(person), answer).await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let person = Person::lock(conn, person).await?.ok_or(Error::Unauthenticated)?;
        given.check(app, conn, Some(person.id)).await?;
        Row::authenticated(conn, signed_in.session.as_uuid(), app.now()).await?;
        Ok::<_, Error>(())
    })
    .await?;
    CODE_AGAIN.forgive(&mut conn, &session).await
}
