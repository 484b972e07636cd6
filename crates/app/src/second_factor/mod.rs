//! A second factor: besides the password, a code that an app makes of a secret which it shares with us (TOTP, RFC 6238), a passkey
//! (`passkeys`), or one of ten recovery codes.
//!
//! An app counts from when a right code of it was given, a passkey from when it was added. Each code is taken once. A new password does not take it away: whoever reads
//! somebody's mails shall not get in by that alone. What does, without app and passkeys, is a recovery code, or an operator at the machine.

mod code;
mod guesses;
mod proof;
mod take;

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE32_NOPAD;
use howdah_db::Conn;
use howdah_db::models::api_token::ApiToken;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::passkey::Passkey;
use howdah_db::models::person::Person;
use howdah_db::models::second_factor::{RecoveryCode, SecondFactor};
use howdah_db::models::session::Session;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use crate::mails::{self, Mail, To};
use crate::people::record;
use crate::sessions::{SignedIn, check_password};
use crate::{App, Error};

pub(crate) use guesses::Guess;
pub use proof::Proof;
pub(crate) use proof::{Given, check};
pub(crate) use take::record_recovery;

/// How long somebody may take to set it up.
pub(crate) const SETTING_UP: TimeDelta = TimeDelta::hours(1);

/// How it stands with somebody's app.
#[derive(Debug)]
pub enum Standing {
    Off,
    /// It is being set up: the app has to know this, and nobody else.
    Begun(Setup),
    On(On),
}

#[derive(Debug)]
pub struct Setup {
    /// In base 32, to be typed.
    pub secret: SecretString,
    /// The same as an `otpauth:` URL, to be read from a QR code.
    pub url: SecretString,
}

/// What signing in takes besides the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct On {
    /// Since when an app is set up; `None` where passkeys alone are there.
    pub app: Option<DateTime<Utc>>,
    pub passkeys: i64,
    /// Recovery codes that were not used yet.
    pub codes_left: i64,
}

/// # Errors
/// [`Error::Unavailable`].
pub async fn standing(app: &App, signed_in: &SignedIn) -> Result<Standing, Error> {
    let mut conn = app.conn().await?;
    let person = signed_in.actor.person.as_uuid();
    let Some(factor) = SecondFactor::of(&mut conn, person).await? else { return Ok(Standing::Off) };
    if factor.confirmed_at.is_some() {
        return Ok(of(&mut conn, person).await?.map_or(Standing::Off, Standing::On));
    }
    if !is_fresh(app, &factor) {
        return Ok(Standing::Off);
    }
    let secret = factor.secret(&app.keys).map_err(Error::internal)?;
    let plain = secret.expose_secret();
    let url = code::for_app(plain, &issuer(app), &signed_in.email).and_then(|it| it.to_url()).map_err(Error::internal)?;
    Ok(Standing::Begun(Setup { secret: BASE32_NOPAD.encode(plain).into(), url: url.into() }))
}

/// Without the secret of one that is being set up: `None` where none is on.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn on(app: &App, signed_in: &SignedIn) -> Result<Option<On>, Error> {
    of(&mut *app.conn().await?, signed_in.actor.person.as_uuid()).await
}

pub(crate) async fn of(conn: &mut Conn, person: Uuid) -> Result<Option<On>, Error> {
    let app = SecondFactor::of(conn, person).await?.and_then(|it| it.confirmed_at);
    let passkeys = Passkey::count(conn, person).await?;
    if app.is_none() && passkeys == 0 {
        return Ok(None);
    }
    Ok(Some(On { app, passkeys, codes_left: RecoveryCode::left(conn, person).await? }))
}

/// Whether the password alone is not enough.
pub(crate) async fn is_on(conn: &mut Conn, person: Uuid) -> Result<bool, Error> {
    Ok(SecondFactor::is_on(conn, person).await? || Passkey::count(conn, person).await? > 0)
}

/// After an app or a passkey was taken away: whether anything is left. Without it, recovery codes are good for nothing.
pub(crate) async fn settle(conn: &mut Conn, person: Uuid) -> Result<bool, Error> {
    let is_on = is_on(conn, person).await?;
    if !is_on {
        RecoveryCode::remove_all(conn, person).await?;
    }
    Ok(is_on)
}

fn is_fresh(app: &App, factor: &SecondFactor) -> bool {
    app.now() < factor.created_at + SETTING_UP
}

/// The dashboard's host: somebody may have accounts at several.
fn issuer(app: &App) -> String {
    let host = url::Url::parse(&app.config.dashboard_url).ok().and_then(|it| it.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "Howdah".to_owned())
}

/// Makes a secret for an app, in place of one that was never confirmed.
///
/// # Errors
/// [`Error::Conflict`] where one is on.
pub async fn begin(app: &App, signed_in: &SignedIn) -> Result<(), Error> {
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        Person::lock(conn, person).await?.ok_or(Error::Unauthenticated)?;
        if SecondFactor::is_on(conn, person).await? {
            return Err(already_on());
        }
        SecondFactor::begin(conn, &app.keys, person, &code::new_secret(&*app.randomness), app.now()).await?;
        Ok(())
    })
    .await
}

fn already_on() -> Error {
    let sentence = "An app is set up already. Turn it off before you set up another.".to_owned();
    Error::Conflict { reason: "second_factor_on", sentence }
}

/// Turns it on, with the first right code. All other sessions end. The recovery codes are shown now or never; where there are passkeys, those
/// before stay good, and none are made.
///
/// # Errors
/// [`Error::Invalid`] for a wrong code; [`Error::Conflict`] where one is on, or none was begun within an hour.
pub async fn confirm(app: &App, signed_in: &SignedIn, typed: &str) -> Result<Vec<SecretString>, Error> {
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        // As it is read where somebody signs in: no session begins without a code while this is done.
        Person::lock(conn, person).await?.ok_or(Error::Unauthenticated)?;
        let factor = SecondFactor::lock(conn, person).await?;
        if factor.as_ref().is_some_and(|it| it.confirmed_at.is_some()) {
            return Err(already_on());
        }
        let factor = factor.filter(|it| is_fresh(app, it)).ok_or_else(|| Error::Conflict {
            reason: "second_factor_not_begun",
            sentence: "The secret was not confirmed within an hour, so it is good no more. Begin again.".to_owned(),
        })?;
        let step = take::step(app, &factor, typed)?.ok_or_else(|| take::wrong("code"))?;
        SecondFactor::confirm(conn, person, step, app.now()).await?;
        let codes = match Passkey::count(conn, person).await? {
            0 => replace_codes(app, conn, person).await?,
            _ => Vec::new(),
        };
        Session::revoke_all(conn, person, Some(signed_in.session.as_uuid()), app.now()).await?;
        let tokens = ApiToken::count_live(conn, person, app.now()).await?;
        done(app, conn, signed_in, &mails::second_factor_on(&app.config, app.now(), tokens), "second_factor.turn_on").await?;
        Ok(codes)
    })
    .await
}

pub(crate) async fn replace_codes(app: &App, conn: &mut Conn, person: Uuid) -> Result<Vec<SecretString>, Error> {
    let new = std::iter::repeat_with(|| code::new_recovery_code(person, &*app.randomness));
    let (shown, digests): (Vec<_>, Vec<_>) = new.take(code::RECOVERY_CODES).unzip();
    RecoveryCode::replace(conn, person, &digests).await?;
    Ok(shown)
}

/// The mail that tells of a change, and the audit's entry. To come last in its transaction.
async fn done(app: &App, conn: &mut Conn, signed_in: &SignedIn, mail: &Mail, action: &str) -> Result<(), Error> {
    let person = signed_in.actor.person.as_uuid();
    mails::put(app, conn, mail, &To { email: &signed_in.email, person: Some(person), ..To::default() }).await?;
    let (chain, subject) = (signed_in.actor.account.as_uuid(), ("person", person));
    record(app, conn, chain, AuditActor::Person(person), action, subject, json!({})).await
}

/// Ten recovery codes in place of those before, with the password and a proof.
///
/// # Errors
/// [`Error::Invalid`] with the field that is wrong, [`Error::Conflict`] where none is on, [`Error::RateLimited`].
pub async fn new_recovery_codes<'a>(
    app: &App,
    signed_in: &SignedIn,
    password: SecretString,
    proof: impl Into<Proof<'a>>,
) -> Result<Vec<SecretString>, Error> {
    check_password(app, signed_in, "password", password).await?;
    check(app, signed_in, proof.into()).await?;
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        Person::lock(conn, person).await?.ok_or(Error::Unauthenticated)?;
        if !is_on(conn, person).await? {
            return Err(off());
        }
        let codes = replace_codes(app, conn, person).await?;
        done(app, conn, signed_in, &mails::new_recovery_codes(&app.config, app.now()), "second_factor.new_codes").await?;
        Ok(codes)
    })
    .await
}

/// Takes the app away, with the password and a proof.
///
/// # Errors
/// [`Error::Invalid`] with the field that is wrong, [`Error::Conflict`] where none is on, [`Error::RateLimited`].
pub async fn turn_off<'a>(app: &App, signed_in: &SignedIn, password: SecretString, proof: impl Into<Proof<'a>>) -> Result<(), Error> {
    check_password(app, signed_in, "password", password).await?;
    check(app, signed_in, proof.into()).await?;
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        Person::lock(conn, person).await?.ok_or(Error::Unauthenticated)?;
        if !SecondFactor::remove(conn, person).await? {
            return Err(off());
        }
        let has_passkeys = settle(conn, person).await?;
        done(app, conn, signed_in, &mails::second_factor_off(&app.config, app.now(), has_passkeys), "second_factor.turn_off").await
    })
    .await
}

fn off() -> Error {
    Error::Conflict { reason: "second_factor_off", sentence: "No second factor is on.".to_owned() }
}
