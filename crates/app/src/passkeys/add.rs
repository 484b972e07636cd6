//! A passkey is added.

use howdah_db::models::api_token::ApiToken;
use howdah_db::models::passkey::Passkey as Row;
use howdah_db::models::person::Person;
use howdah_db::models::session::Session;
use howdah_db::{Conn, QueryErrorExt};
use howdah_domain::PasskeyId;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{CreationChallengeResponse, Passkey, PasskeyRegistration, RegisterPublicKeyCredential};

use super::ceremony::{self, Answer, Begun, Purpose, relying_party};
use super::{name, recorded, told};
use crate::sessions::{SignedIn, require_recent};
use crate::{App, Error, mails, second_factor};

/// Nobody has so many devices.
const MOST: i64 = 20;

/// Refuses whoever has as many as they may.
///
/// # Errors
/// [`Error::Conflict`].
pub async fn room(app: &App, signed_in: &SignedIn) -> Result<(), Error> {
    check_room(&mut *app.conn().await?, signed_in.actor.person.as_uuid()).await
}

async fn check_room(conn: &mut Conn, person: Uuid) -> Result<(), Error> {
    if Row::count(conn, person).await? < MOST {
        return Ok(());
    }
    Err(Error::Conflict { reason: "too_many_passkeys", sentence: format!("You have {MOST} passkeys. Remove one that you don't use.") })
}

/// Asks for a new one.
///
/// # Errors
/// [`Error::Forbidden`] where the password was given too long ago, [`Error::Conflict`] where there are too many.
pub async fn begin(app: &App, signed_in: &SignedIn) -> Result<Begun, Error> {
    require_recent(app, signed_in)?;
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    check_room(&mut conn, person).await?;
    let known = Row::of_person(&mut conn, person).await?.into_iter().map(|it| it.credential_id).collect();
    let (asked, state) =
        relying_party(app)?.start_passkey_registration(person, &signed_in.email, &signed_in.name, Some(known)).map_err(Error::internal)?;
    ceremony::begin(app, &mut conn, (Purpose::Add, Some(person)), &state, options(&asked)?).await
}

/// One that signs in alone has to find by itself whose it is.
fn options(asked: &CreationChallengeResponse) -> Result<Value, Error> {
    let mut options = serde_json::to_value(&asked.public_key).map_err(Error::internal)?;
    options["authenticatorSelection"]["residentKey"] = json!("required");
    options["authenticatorSelection"]["requireResidentKey"] = json!(true);
    Ok(options)
}

/// Adds it. Where it is the first second factor, all other sessions end, and there are recovery codes, which are shown now or never; else
/// none are made, and those before stay good.
///
/// # Errors
/// [`Error::Invalid`] with the field that is wrong; [`Error::Conflict`] for one that was added before, or is one too many;
/// [`Error::Forbidden`] where the password was given too long ago.
pub async fn add(app: &App, signed_in: &SignedIn, typed: &str, answer: Answer<'_>) -> Result<Vec<SecretString>, Error> {
    require_recent(app, signed_in)?;
    let name = name(typed)?;
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    let made = made(app, &mut conn, signed_in, answer).await?;
    let row = Row {
        id: PasskeyId::generate(app.now(), &*app.randomness).as_uuid(),
        person_id: person,
        credential_id: made.cred_id().to_vec(),
        credential: serde_json::to_value(&made).map_err(Error::internal)?,
        name,
        created_at: app.now(),
        last_used_at: None,
    };
    howdah_db::transaction(&mut conn, async |conn| {
        // As it is read where somebody signs in: no session begins by the password alone while this is done.
        Person::lock(conn, person).await?.ok_or(Error::Unauthenticated)?;
        check_room(conn, person).await?;
        let is_first = !second_factor::is_on(conn, person).await?;
        row.insert(conn).await.map_err(known)?;
        let mut codes = Vec::new();
        let mut tokens = None;
        if is_first {
            codes = second_factor::replace_codes(app, conn, person).await?;
            Session::revoke_all(conn, person, Some(signed_in.session.as_uuid()), app.now()).await?;
            tokens = Some(ApiToken::count_live(conn, person, app.now()).await?);
        }
        told(app, conn, signed_in, &mails::passkey_added(&app.config, app.now(), &row.name, tokens)).await?;
        recorded(app, conn, signed_in, "passkey.add", &row).await?;
        Ok(codes)
    })
    .await
}

/// What the authenticator made for this ceremony.
async fn made(app: &App, conn: &mut Conn, signed_in: &SignedIn, answer: Answer<'_>) -> Result<Passkey, Error> {
    let purpose = (Purpose::Add, Some(signed_in.actor.person.as_uuid()));
    let state: Option<PasskeyRegistration> = ceremony::take(app, conn, purpose, answer.ceremony).await?;
    let answer = serde_json::from_str::<RegisterPublicKeyCredential>(answer.credential).ok();
    let (Some(state), Some(answer)) = (state, answer) else { return Err(not_added()) };
    relying_party(app)?.finish_passkey_registration(&answer, &state).map_err(|error| {
        tracing::info!(person.id = %signed_in.actor.person, %error, "a new passkey was refused");
        not_added()
    })
}

fn not_added() -> Error {
    let sentence = "No passkey was added: your browser did not send one within ten minutes, or it can't be used here. Try again.";
    Error::invalid("passkey", "refused", sentence)
}

fn known(error: howdah_db::QueryError) -> Error {
    if error.unique_violation().is_none() {
        return error.into();
    }
    Error::Conflict { reason: "passkey_known", sentence: "This passkey was added before. Choose another device for a new one.".to_owned() }
}
