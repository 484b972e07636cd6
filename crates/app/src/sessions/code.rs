//! The second page of a sign-in, where a second factor is on: a code or a passkey, after the right password.
//!
//! In between there is no session: only a challenge, good for some minutes and for nothing else, whose random value is in a cookie.

use chrono::TimeDelta;
use howdah_db::Conn;
use howdah_db::models::person::Person;
use howdah_db::models::sign_in_challenge::SignInChallenge;
use secrecy::SecretString;

use super::sign_in::begin;
use super::{Client, NewSession};
use crate::limits::{CODE_OF, PASSKEYS_FROM, Place};
use crate::passkeys::{Begun, begin_proof_of};
use crate::second_factor::{self, Given, On, Proof, record_recovery};
use crate::{App, Error, links};

/// Between the password and the code.
pub const CODE_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// What the right password led to.
#[derive(Debug)]
pub enum SignIn {
    Done(Box<NewSession>),
    /// A code or a passkey is asked for; with this value of a cookie, to be given out now or never.
    NeedsCode(SecretString),
}

/// On from the right password. To come last in its transaction.
pub(super) async fn go_on(app: &App, conn: &mut Conn, person: &Person, client: &Client<'_>) -> Result<SignIn, Error> {
    // Whoever turns a factor on holds the row: no session begins without a code meanwhile.
    Person::lock(conn, person.id).await?;
    if !second_factor::is_on(conn, person.id).await? {
        return Ok(SignIn::Done(Box::new(begin(app, conn, person, client).await?)));
    }
    let token = links::new_token(&*app.randomness);
    let challenge = SignInChallenge {
        token_digest: links::digest(&token),
        person_id: person.id,
        password_digest: password_digest(person),
        expires_at: app.now() + CODE_WITHIN,
    };
    challenge.insert(conn).await?;
    Ok(SignIn::NeedsCode(token.into()))
}

fn password_digest(person: &Person) -> Vec<u8> {
    links::digest(person.password_hash.as_deref().unwrap_or_default())
}

fn over() -> Error {
    let sentence = "The code was not given within ten minutes of the password, or the password was changed meanwhile. Sign in again.";
    Error::Conflict { reason: "sign_in_over", sentence: sentence.to_owned() }
}

async fn live(app: &App, conn: &mut Conn, challenge: &str) -> Result<(SignInChallenge, Person), Error> {
    if challenge.len() > 200 {
        return Err(over());
    }
    SignInChallenge::live(conn, &links::digest(challenge), app.now()).await?.ok_or_else(over)
}

/// What may be given with the challenge.
///
/// # Errors
/// [`Error::Conflict`] for a challenge that is unknown or over, or of somebody whose second factor was taken away meanwhile.
pub async fn asked(app: &App, challenge: &str) -> Result<On, Error> {
    let mut conn = app.conn().await?;
    let (_, person) = live(app, &mut conn, challenge).await?;
    second_factor::of(&mut conn, person.id).await?.ok_or_else(over)
}

/// Asks for one of the person's passkeys.
///
/// # Errors
/// [`Error::Conflict`] for a challenge that is unknown or over, and where there is no passkey; [`Error::RateLimited`].
pub async fn begin_proof(app: &App, challenge: &str, client: &Client<'_>) -> Result<Begun, Error> {
    let mut conn = app.conn().await?;
    let (_, person) = live(app, &mut conn, challenge).await?;
    PASSKEYS_FROM.take_from(app, &mut conn, &Place::of_client(client.address)).await?;
    begin_proof_of(app, &mut conn, person.id).await
}

/// The session, with the challenge and a right code, of the app or one for recovery, or a passkey's answer.
///
/// # Errors
/// [`Error::Invalid`] for a wrong one; [`Error::Conflict`] for a challenge that is unknown or over; [`Error::RateLimited`].
pub async fn give_code<'a>(app: &App, challenge: &str, proof: impl Into<Proof<'a>>, client: &Client<'_>) -> Result<NewSession, Error> {
    let mut conn = app.conn().await?;
    let (challenge, person) = live(app, &mut conn, challenge).await?;
    let place = Place::of_client(client.address);
    CODE_OF.take(app, &mut conn, &person.email, &place).await?;
    let given = Given::read(app, &mut conn, (person.id, &person.email), proof.into()).await?;
    let entered = howdah_db::transaction(&mut conn, async |conn| {
        // As it is now: a password that was changed meanwhile leads nowhere any more.
        let person = Person::lock(conn, challenge.person_id).await?.filter(|it| password_digest(it) == challenge.password_digest);
        let person = person.ok_or_else(over)?;
        if !SignInChallenge::end(conn, &challenge.token_digest).await? {
            return Err(over());
        }
        let taken = given.take(app, conn, &person).await?;
        let new = begin(app, conn, &person, client).await?;
        record_recovery(app, conn, new.signed_in.actor.account.as_uuid(), person.id, taken).await?;
        Ok(new)
    })
    .await;
    given.settle(app, &mut conn, &entered).await?;
    match &entered {
        Ok(_) => CODE_OF.forgive(&mut conn, &person.email, &place).await?,
        Err(Error::Invalid { .. }) => tracing::info!(person.id = %person.id, "a code or passkey was refused at a sign-in"),
        Err(_) => {}
    }
    entered
}
