//! A code is taken, or refused: where somebody signs in, and where the password is asked for again.

use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::person::Person;
use howdah_db::models::second_factor::{RecoveryCode, SecondFactor};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use super::Guess;
use super::code::{Code, recovery_digest, step_of};
use crate::limits::CODE_AGAIN;
use crate::mails::{self, To};
use crate::people::record;
use crate::sessions::SignedIn;
use crate::{App, Error};

/// What was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    OfApp,
    /// So many are left.
    Recovery(i64),
}

/// The same answer for one that was taken before: who finds an old code on a screen learns nothing of it.
pub(crate) fn wrong(field: &'static str) -> Error {
    let sentence = "This code is not right, or was used before. Your app shows a new one every half minute; a recovery code is good once.";
    Error::invalid(field, "wrong", sentence)
}

/// Takes a code of the person's, once; `None` for one that is wrong or was taken before. To be called in a transaction, with the person's
/// factor on.
pub(crate) async fn take(app: &App, conn: &mut Conn, person: Uuid, typed: &str) -> Result<Option<Taken>, Error> {
    let Some(factor) = SecondFactor::lock(conn, person).await?.filter(|it| it.confirmed_at.is_some()) else { return Ok(None) };
    if let Some(step) = step(app, &factor, typed)? {
        SecondFactor::took(conn, person, step).await?;
        return Ok(Some(Taken::OfApp));
    }
    if let Some(Code::Recovery(plain)) = Code::parse(typed)
        && RecoveryCode::use_up(conn, person, &recovery_digest(person, &plain), app.now()).await?
    {
        return Ok(Some(Taken::Recovery(RecoveryCode::left(conn, person).await?)));
    }
    Ok(None)
}

/// Which half minute's code it is, where it is one of the app's that may be taken.
pub(super) fn step(app: &App, factor: &SecondFactor, typed: &str) -> Result<Option<i64>, Error> {
    let Some(Code::OneTime(digits)) = Code::parse(typed) else { return Ok(None) };
    let secret = factor.secret(&app.keys).map_err(Error::internal)?;
    step_of(secret.expose_secret(), &digits, app.now(), factor.last_step).map_err(Error::internal)
}

/// Tells the person where it was a recovery code: each is one less, and it may not have been them.
pub(crate) async fn told_of_recovery(app: &App, conn: &mut Conn, email: &str, person: Uuid, taken: Taken) -> Result<(), Error> {
    if let Taken::Recovery(left) = taken {
        let mail = mails::recovery_code_used(&app.config, app.now(), left);
        mails::put(app, conn, &mail, &To { email, person: Some(person), ..To::default() }).await?;
    }
    Ok(())
}

/// And the audit. To come last in its transaction.
pub(crate) async fn record_recovery(app: &App, conn: &mut Conn, chain: Uuid, person: Uuid, taken: Taken) -> Result<(), Error> {
    let Taken::Recovery(left) = taken else { return Ok(()) };
    let (actor, subject) = (AuditActor::Person(person), ("person", person));
    record(app, conn, chain, actor, "second_factor.use_recovery_code", subject, json!({"left": left})).await
}

/// Refuses a wrong code, where a second factor is on. Guesses are counted: a stolen session is no way around.
pub(crate) async fn check(app: &App, signed_in: &SignedIn, typed: &str) -> Result<(), Error> {
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    if !SecondFactor::is_on(&mut conn, person).await? {
        return Ok(());
    }
    let session = signed_in.session.to_string();
    CODE_AGAIN.take(app, &mut conn, &session).await?;
    let guess = Guess::count(app, &mut conn, person, &signed_in.email).await?;
    let taken = howdah_db::transaction(&mut conn, async |conn| {
        let person = Person::lock(conn, person).await?.ok_or(Error::Unauthenticated)?;
        let taken = take(app, conn, person.id, typed).await?.ok_or_else(|| wrong("code"))?;
        told_of_recovery(app, conn, &person.email, person.id, taken).await?;
        record_recovery(app, conn, signed_in.actor.account.as_uuid(), person.id, taken).await
    })
    .await;
    guess.settle(app, &mut conn, &taken).await?;
    taken?;
    CODE_AGAIN.forgive(&mut conn, &session).await
}
