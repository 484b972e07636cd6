//! What a person changes about themselves: name, password, e-mail address.

use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::person::Person;
use howdah_db::models::person_link::PersonLink;
use howdah_db::models::session::Session;
use howdah_domain::PersonLinkId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::limits::{MAIL_BY, MAIL_TO};
use crate::mails::{self, To};
use crate::people::{address_taken, chain_of, record};
use crate::second_factor::{self, Proof};
use crate::sessions::{SignedIn, check_password};
use crate::{App, Error, links, passwords, people};

const PURPOSE: &str = "change_email";
const LINK: links::Kind =
    links::Kind { anew: "Ask for the change again on your account's page.", used: "Sign in with the e-mail address that you confirmed." };

/// # Errors
/// [`Error::Invalid`].
pub async fn change_name(app: &App, signed_in: &SignedIn, name: &str) -> Result<(), Error> {
    let name = people::name("name", name).map_err(|it| Error::Invalid { fields: vec![it] })?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        Person::rename(conn, signed_in.actor.person.as_uuid(), &name).await?;
        recorded(app, conn, signed_in, "person.rename", json!({})).await
    })
    .await
}

/// Needs the old one, and a proof, where a second factor is on. All other sessions end, and all links that were mailed are good no more.
///
/// # Errors
/// [`Error::Invalid`] with the field that is wrong, [`Error::RateLimited`].
pub async fn change_password<'a>(
    app: &App,
    signed_in: &SignedIn,
    old: SecretString,
    proof: impl Into<Proof<'a>>,
    new: SecretString,
) -> Result<(), Error> {
    let is_same = old.expose_secret() == new.expose_secret();
    check_password(app, signed_in, "old_password", old).await?;
    if let Some(fault) = passwords::fault("new_password", &new, &[&signed_in.email, &signed_in.name, &signed_in.account_name]) {
        return Err(Error::Invalid { fields: vec![fault] });
    }
    if is_same {
        return Err(Error::invalid("new_password", "same", "This is your present password. Choose another."));
    }
    second_factor::check(app, signed_in, proof.into()).await?;
    let hash = passwords::hash(new).await?;
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        Person::set_password_hash(conn, person, &hash).await?;
        PersonLink::use_up(conn, person, app.now()).await?;
        Session::revoke_all(conn, person, Some(signed_in.session.as_uuid()), app.now()).await?;
        Session::authenticated(conn, signed_in.session.as_uuid(), app.now()).await?;
        let mail = mails::password_changed(&app.config, app.now());
        mails::put(app, conn, &mail, &To { email: &signed_in.email, person: Some(person), ..To::default() }).await?;
        recorded(app, conn, signed_in, "password.change", json!({})).await
    })
    .await
}

/// Has a link mailed to the new e-mail address, and a note to the old one. Needs the password, and a proof, where a second factor is
/// on. One that somebody else has gets a mail that says so.
///
/// # Errors
/// [`Error::Invalid`] with the field that is wrong, [`Error::RateLimited`].
pub async fn change_email<'a>(
    app: &App,
    signed_in: &SignedIn,
    password: SecretString,
    proof: impl Into<Proof<'a>>,
    new: &str,
) -> Result<(), Error> {
    let email = people::email("email", new).map_err(|it| Error::Invalid { fields: vec![it] })?;
    if email == signed_in.email {
        return Err(Error::invalid("email", "same", "This is your e-mail address already."));
    }
    check_password(app, signed_in, "password", password).await?;
    second_factor::check(app, signed_in, proof.into()).await?;
    let person = signed_in.actor.person.as_uuid();
    let mut conn = app.conn().await?;
    MAIL_BY.take(app, &mut conn, &person.to_string()).await?;
    MAIL_TO.take(app, &mut conn, &email).await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let token = links::new_token(&*app.randomness);
        let row = PersonLink {
            id: PersonLinkId::generate(app.now(), &*app.randomness).as_uuid(),
            purpose: PURPOSE.to_owned(),
            person_id: Some(person),
            email: email.clone(),
            token_digest: links::digest(&token),
            created_at: app.now(),
            expires_at: app.now() + links::EMAIL,
            used_at: None,
        };
        row.insert(conn).await?;
        let link = mails::email_url(&app.config, &token);
        let (mail, link) = match Person::by_email(conn, &email).await? {
            Some(_) => (mails::account_exists(&app.config), None),
            None => (mails::confirm_email(row.expires_at), Some(link.as_str())),
        };
        mails::put(app, conn, &mail, &To { email: &email, link, ..To::default() }).await?;
        let note = mails::email_changing(&app.config, &email);
        mails::put(app, conn, &note, &To { email: &signed_in.email, person: Some(person), ..To::default() }).await?;
        recorded(app, conn, signed_in, "email.ask_change", json!({"email": email})).await
    })
    .await
}

/// Which e-mail address is about to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailLook {
    pub email: String,
}

/// Changes nothing: mail programs look at links too.
///
/// # Errors
/// [`Error::Conflict`] for a link that is unknown, used or too old.
pub async fn look_email(app: &App, token: &str) -> Result<EmailLook, Error> {
    let row = PersonLink::by_digest(&mut *app.conn().await?, PURPOSE, &links::digest(token)).await?;
    Ok(EmailLook { email: good(app, row)?.email })
}

fn good(app: &App, row: Option<PersonLink>) -> Result<PersonLink, Error> {
    let row = row.ok_or_else(|| LINK.unknown())?;
    LINK.check(row.used_at.is_some(), row.expires_at, app.now())?;
    Ok(row)
}

/// Uses the link: the e-mail address is the person's. Nobody needs to be signed in for it.
///
/// # Errors
/// [`Error::Conflict`] for a link that is unknown, used or too old, and for an e-mail address that somebody has got meanwhile.
pub async fn confirm_email(app: &App, token: &str) -> Result<(), Error> {
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let row = good(app, PersonLink::lock_by_digest(conn, PURPOSE, &links::digest(token)).await?)?;
        let id = row.person_id.ok_or_else(|| LINK.unknown())?;
        let before = Person::lock(conn, id).await?.ok_or_else(|| LINK.unknown())?;
        Person::set_email(conn, id, &row.email).await.map_err(address_taken)?;
        PersonLink::use_up(conn, id, app.now()).await?;
        let note = mails::email_changed(&row.email);
        mails::put(app, conn, &note, &To { email: &before.email, person: Some(id), ..To::default() }).await?;
        let chain = chain_of(conn, id).await?;
        record(app, conn, chain, AuditActor::Person(id), "email.change", ("person", id), json!({"before": before.email})).await
    })
    .await
}

async fn recorded(app: &App, conn: &mut Conn, signed_in: &SignedIn, action: &str, details: Value) -> Result<(), Error> {
    let person = signed_in.actor.person.as_uuid();
    record(app, conn, signed_in.actor.account.as_uuid(), AuditActor::Person(person), action, ("person", person), details).await
}
