//! Signing in, and giving the password again.
//!
//! Somebody who is unknown is answered as somebody whose password is wrong, after the same work.

use howdah_db::Conn;
use howdah_db::models::account::{Account, Membership};
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::person::Person;
use howdah_db::models::session::{Owner, Session as Row};
use howdah_db::models::sign_up::SignUp;
use howdah_domain::SessionId;
use secrecy::SecretString;
use serde_json::json;

use super::code::{SignIn, go_on};
use super::{Client, LONGEST, SignedIn, signed_in};
use crate::limits::{PASSWORD_AGAIN, PASSWORD_FROM, PASSWORD_OF, Place};
use crate::people::record;
use crate::second_factor::{self, Proof};
use crate::{App, Error, links, passwords, people};

/// A session that has just begun.
#[derive(Debug)]
pub struct NewSession {
    /// The cookie's value, to be given out now or never.
    pub token: SecretString,
    pub signed_in: SignedIn,
}

const WRONG: Error = Error::Forbidden { reason: "wrong_credentials", sentence: "The e-mail address or the password is wrong." };

/// A session, or, where a second factor is on, what the code has to be given with.
///
/// # Errors
/// [`Error::Forbidden`] for a wrong e-mail address or password, and, with the right ones, for who waits for approval or belongs to no
/// account; [`Error::RateLimited`].
pub async fn sign_in(app: &App, email: &str, password: SecretString, client: &Client<'_>) -> Result<SignIn, Error> {
    let email = people::email("email", email).map_err(|it| Error::Invalid { fields: vec![it] })?;
    let mut conn = app.conn().await?;
    let place = Place::of_client(client.address);
    PASSWORD_FROM.take_from(app, &mut conn, &place).await?;
    PASSWORD_OF.take(app, &mut conn, &email, &place).await?;
    let person = Person::by_email(&mut conn, &email).await?;
    let waiting = SignUp::waiting_of(&mut conn, &email).await?;
    // Nobody else waits for a connection while a password is worked on.
    drop(conn);
    let hash = match (&person, &waiting) {
        (Some(person), _) => person.password_hash.as_deref(),
        (None, Some(waiting)) => waiting.password_hash.as_deref(),
        (None, None) => None,
    };
    if !passwords::is_right(password, hash).await? {
        tracing::info!(person.id = person.map(|it| it.id.to_string()), "a sign-in was refused");
        return Err(WRONG);
    }
    let Some(person) = person else {
        return Err(Error::Forbidden {
            reason: "awaiting_approval",
            sentence: "Your account waits for an operator's approval. A mail tells you when you can sign in.",
        });
    };
    let mut conn = app.conn().await?;
    PASSWORD_OF.forgive(&mut conn, &email, &place).await?;
    howdah_db::transaction(&mut conn, async |conn| go_on(app, conn, &person, client).await).await
}

/// A session of somebody whose password and code, or whose passkey, were right, or whose first password was chosen just now. To come last in its transaction, but for what the audit has of it.
pub(crate) async fn begin(app: &App, conn: &mut Conn, person: &Person, client: &Client<'_>) -> Result<NewSession, Error> {
    let token = links::new_token(&*app.randomness);
    // As it is now: a password that was changed while the old one was looked at lets nobody in.
    let now_is = Person::lock(conn, person.id).await?.filter(|it| it.password_hash == person.password_hash).ok_or(WRONG)?;
    let (role, account) = first_account(conn, &now_is).await?;
    let session = row(app, person, &account, &token, client);
    session.insert(conn).await?;
    let subject = ("session", session.id);
    record(app, conn, account.id, AuditActor::Person(person.id), "session.begin", subject, json!({"address": session.address})).await?;
    let owner = Owner { session, person: now_is, account, role };
    Ok(NewSession { token: token.into(), signed_in: signed_in(app, owner)? })
}

/// The one to begin with: the oldest.
async fn first_account(conn: &mut Conn, person: &Person) -> Result<(String, Account), Error> {
    let open = Membership::of_person(conn, person.id).await?.into_iter().find(|(_, account)| account.closed_at.is_none());
    open.map(|(membership, account)| (membership.role, account)).ok_or(Error::Forbidden {
        reason: "no_account",
        sentence: "You belong to no account any more. Ask an owner of the account to invite you again, or write to the support.",
    })
}

fn row(app: &App, person: &Person, account: &Account, token: &str, client: &Client<'_>) -> Row {
    let now = app.now();
    Row {
        id: SessionId::generate(now, &*app.randomness).as_uuid(),
        person_id: person.id,
        token_digest: links::digest(token),
        address: Some(client.address.to_canonical().to_string()),
        user_agent: Some(client.user_agent.chars().filter(|it| !it.is_control()).take(512).collect()),
        created_at: now,
        last_seen_at: now,
        expires_at: now + LONGEST,
        revoked_at: None,
        account_id: account.id,
        authenticated_at: now,
    }
}

/// The password again, before what can't be taken back; and a proof, where a second factor is on.
///
/// # Errors
/// [`Error::Invalid`] with the field that is wrong, [`Error::RateLimited`].
pub async fn confirm_password<'a>(
    app: &App,
    signed_in: &SignedIn,
    password: SecretString,
    proof: impl Into<Proof<'a>>,
) -> Result<(), Error> {
    check_password(app, signed_in, "password", password).await?;
    second_factor::check(app, signed_in, proof.into()).await?;
    Row::authenticated(&mut *app.conn().await?, signed_in.session.as_uuid(), app.now()).await?;
    Ok(())
}

/// Refuses a password that is not the person's. Guesses are counted here too: a stolen session is no way around.
pub(crate) async fn check_password(app: &App, signed_in: &SignedIn, field: &'static str, password: SecretString) -> Result<(), Error> {
    let mut conn = app.conn().await?;
    let session = signed_in.session.to_string();
    PASSWORD_AGAIN.take(app, &mut conn, &session).await?;
    let person = Person::by_id(&mut conn, signed_in.actor.person.as_uuid()).await?.ok_or(Error::Unauthenticated)?;
    drop(conn);
    if !passwords::is_right(password, person.password_hash.as_deref()).await? {
        return Err(Error::invalid(field, "wrong", "This is not your password."));
    }
    PASSWORD_AGAIN.forgive(&mut *app.conn().await?, &session).await
}
