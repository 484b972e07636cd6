//! A code is taken, or refused: where somebody signs in, and where the password is asked for again.

use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::second_factor::{RecoveryCode, SecondFactor};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use super::code::{Code, recovery_digest, step_of};
use crate::mails::{self, To};
use crate::people::record;
use crate::{App, Error};

/// What was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    OfApp,
    OfPasskey,
    /// So many are left.
    Recovery(i64),
}

/// The same answer for one that was taken before: who finds an old code on a screen learns nothing of it.
pub(super) fn wrong(field: &'static str) -> Error {
    let sentence = "This code is not right, or was used before. Your app shows a new one every half minute; a recovery code is good once.";
    Error::invalid(field, "wrong", sentence)
}

/// Takes a code of the person's, once; `None` for one that is wrong or was taken before. To be called in a transaction.
pub(super) async fn take(app: &App, conn: &mut Conn, person: Uuid, typed: &str) -> Result<Option<Taken>, Error> {
    if let Some(factor) = SecondFactor::lock(conn, person).await?.filter(|it| it.confirmed_at.is_some())
        && let Some(step) = step(app, &factor, typed)?
    {
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
pub(super) async fn told_of_recovery(app: &App, conn: &mut Conn, email: &str, person: Uuid, taken: Taken) -> Result<(), Error> {
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
