//! A new password for somebody who doesn't know theirs: by a link to their e-mail address, good once and for an hour.

use howdah_db::Conn;
use howdah_db::models::api_token::ApiToken;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::person::Person;
use howdah_db::models::person_link::PersonLink;
use howdah_db::models::session::Session;
use howdah_domain::PersonLinkId;
use secrecy::SecretString;
use serde_json::json;

use crate::limits::{MAIL_FROM, PASSWORD_OF, Place, RESET_OF};
use crate::mails::{self, To};
use crate::people::{chain_of, record};
use crate::sessions::Client;
use crate::{App, Error, links, passwords, people};

const PURPOSE: &str = "reset_password";
const LINK: links::Kind = links::Kind { anew: "Ask for a new one.", used: "Sign in with your new password, or ask for a new link." };

/// Has a link mailed, or, to an e-mail address that nobody here has, a mail that says so.
///
/// # Errors
/// [`Error::Invalid`] for what is no e-mail address, [`Error::RateLimited`].
pub async fn ask(app: &App, email: &str, client: &Client<'_>) -> Result<(), Error> {
    let email = people::email("email", email).map_err(|it| Error::Invalid { fields: vec![it] })?;
    let mut conn = app.conn().await?;
    let place = Place::of_client(client.address);
    MAIL_FROM.take_from(app, &mut conn, &place).await?;
    RESET_OF.take(app, &mut conn, &email, &place).await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let person = Person::by_email(conn, &email).await?;
        let (token, row) = insert(app, conn, person.as_ref(), &email, links::RESET).await?;
        let link = mails::reset_url(&app.config, &token);
        let (mail, link) = match &person {
            Some(_) => (mails::reset_password(row.expires_at), Some(link.as_str())),
            None => (mails::no_account(&app.config), None),
        };
        let to = To { email: &email, person: person.map(|it| it.id), link, ..To::default() };
        mails::put(app, conn, &mail, &to).await?;
        Ok(())
    })
    .await
}

/// For nobody, too: both take the same time.
async fn insert(
    app: &App,
    conn: &mut Conn,
    person: Option<&Person>,
    email: &str,
    valid: chrono::TimeDelta,
) -> Result<(String, PersonLink), Error> {
    let token = links::new_token(&*app.randomness);
    let row = PersonLink {
        id: PersonLinkId::generate(app.now(), &*app.randomness).as_uuid(),
        purpose: PURPOSE.to_owned(),
        person_id: person.map(|it| it.id),
        email: email.to_owned(),
        token_digest: links::digest(&token),
        created_at: app.now(),
        expires_at: app.now() + valid,
        used_at: None,
    };
    row.insert(conn).await?;
    Ok((token, row))
}

/// A link to the first password of somebody who was added on the machine itself.
pub(crate) async fn first_password(app: &App, conn: &mut Conn, person: &Person) -> Result<SecretString, Error> {
    let (token, _) = insert(app, conn, Some(person), &person.email, links::FIRST_PASSWORD).await?;
    Ok(mails::reset_url(&app.config, &token).into())
}

/// Whose password it sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetLook {
    pub email: String,
}

/// Changes nothing: mail programs look at links too.
///
/// # Errors
/// [`Error::Conflict`] for a link that is unknown, used or too old.
pub async fn look(app: &App, token: &str) -> Result<ResetLook, Error> {
    let row = PersonLink::by_digest(&mut *app.conn().await?, PURPOSE, &links::digest(token)).await?;
    Ok(ResetLook { email: good(app, row)?.0.email })
}

fn good(app: &App, row: Option<PersonLink>) -> Result<(PersonLink, uuid::Uuid), Error> {
    let row = row.ok_or_else(|| LINK.unknown())?;
    LINK.check(row.used_at.is_some(), row.expires_at, app.now())?;
    let person = row.person_id.ok_or_else(|| LINK.unknown())?;
    Ok((row, person))
}

/// Uses the link. All sessions and API tokens end, and all other links of the person are good no more.
///
/// # Errors
/// [`Error::Invalid`] for a password that can't be one, [`Error::Conflict`] for a link that is unknown, used or too old.
pub async fn set(app: &App, token: &str, password: SecretString, client: &Client<'_>) -> Result<(), Error> {
    let email = look(app, token).await?.email;
    if let Some(fault) = passwords::fault("password", &password, &[&email]) {
        return Err(Error::Invalid { fields: vec![fault] });
    }
    let hash = passwords::hash(password).await?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let (_, person) = good(app, PersonLink::lock_by_digest(conn, PURPOSE, &links::digest(token)).await?)?;
        let person = Person::lock(conn, person).await?.ok_or_else(|| LINK.unknown())?;
        replace(app, conn, &person, &hash).await?;
        PASSWORD_OF.forgive(conn, &person.email, &Place::of_client(client.address)).await?;
        let chain = chain_of(conn, person.id).await?;
        record(app, conn, chain, AuditActor::Person(person.id), "password.reset", ("person", person.id), json!({})).await
    })
    .await
}

/// Another password for somebody whose own is lost: whoever came in by the one before is out, and a mail tells it.
pub(crate) async fn replace(app: &App, conn: &mut Conn, person: &Person, hash: &str) -> Result<(), Error> {
    Person::set_password_hash(conn, person.id, hash).await?;
    PersonLink::use_up(conn, person.id, app.now()).await?;
    Session::revoke_all(conn, person.id, None, app.now()).await?;
    // Who lost a password may have lost what was made with it.
    ApiToken::revoke_all(conn, person.id, app.now()).await?;
    let mail = mails::password_changed(&app.config, app.now());
    mails::put(app, conn, &mail, &To { email: &person.email, person: Some(person.id), ..To::default() }).await?;
    Ok(())
}
