//! Invitations into an account, by a link to an e-mail address. Whoever has the link reads the mails to it.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::account::{Account, Membership};
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::invitation::Invitation as Row;
use howdah_db::models::person::Person;
use howdah_domain::InvitationId;
use secrecy::SecretString;
use serde_json::json;

use super::{person_of, recorded, still_owns};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::limits::{MAIL_BY, MAIL_TO};
use crate::mails::{self, To};
use crate::people::{Beginner, join, record};
use crate::sessions::SignedIn;
use crate::{Actor, App, Error, Page, Role, links, passwords, people};

const LINK: links::Kind = links::Kind {
    anew: "Ask whoever invited you to do it again.",
    used: "If it was you who accepted it, sign in. If not, ask whoever invited you.",
};

/// One that nobody has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationView {
    pub id: InvitationId,
    pub email: String,
    pub role: Role,
    pub invited_by: String,
    pub created_at: DateTime<Utc>,
    /// May have passed: then it is good for nothing but to be sent anew.
    pub expires_at: DateTime<Utc>,
}

/// The newest first.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners.
pub async fn invitations(app: &App, actor: &Actor) -> Result<Vec<InvitationView>, Error> {
    invitation_page(app, actor, Page { before: None, limit: i64::MAX }).await
}

/// # Errors
/// [`Error::Forbidden`] for all but owners.
pub async fn invitation_page(app: &App, actor: &Actor, page: Page) -> Result<Vec<InvitationView>, Error> {
    actor.may_manage_people()?;
    let found = Row::open_of_account(&mut *app.conn().await?, actor.account.as_uuid(), page).await?;
    found.into_iter().map(|(row, by)| view(row, by)).collect()
}

fn view(row: Row, by: Person) -> Result<InvitationView, Error> {
    Ok(InvitationView {
        id: InvitationId::from_uuid(row.id),
        role: role_of(&row)?,
        email: row.email,
        invited_by: by.name,
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}

fn role_of(row: &Row) -> Result<Role, Error> {
    Role::parse(&row.role).ok_or_else(|| Error::internal("invitations.role is none of its words"))
}

/// Invites somebody, and tells the owners; an earlier invitation of the same e-mail address is good no more.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners, [`Error::Invalid`], [`Error::Conflict`] for who is there already,
/// [`Error::RateLimited`].
pub async fn invite(
    app: &App,
    actor: &Actor,
    email: &str,
    role: Role,
    idempotent: Option<Idempotent<'_, InvitationView>>,
) -> Result<Once<InvitationView>, Error> {
    actor.may_manage_people()?;
    let email = people::email("email", email).map_err(|it| Error::Invalid { fields: vec![it] })?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let invitation = put(app, conn, actor, &email, role).await?;
        keep(conn, idempotent, invitation).await
    })
    .await
}

async fn put(app: &App, conn: &mut Conn, actor: &Actor, email: &str, role: Role) -> Result<InvitationView, Error> {
    let account = Account::lock(conn, actor.account.as_uuid()).await?.ok_or(Error::NotFound { what: "account" })?;
    let members = Membership::of_account(conn, account.id).await?;
    still_owns(actor, &members)?;
    if members.iter().any(|(_, person)| person.email == email) {
        return Err(Error::Conflict { reason: "member_already", sentence: format!("{email} belongs to this account already.") });
    }
    MAIL_BY.take(app, conn, &actor.account.to_string()).await?;
    MAIL_TO.take(app, conn, email).await?;
    let by = person_of(conn, actor).await?;
    let (token, row) = new(app, actor, email, role);
    Row::withdraw_of(conn, account.id, email, app.now()).await?;
    row.insert(conn).await?;
    mails::member_invited(app, conn, &account, &by, email, (role, row.expires_at)).await?;
    let called = if by.name.is_empty() { &by.email } else { &by.name };
    let mail = mails::invitation(called, &account.name, role, row.expires_at);
    let link = mails::invitation_url(&app.config, &token);
    mails::put(app, conn, &mail, &To { email, link: Some(&link), ..To::default() }).await?;
    let details = json!({"email": email, "role": role.as_str()});
    recorded(app, conn, actor, "member.invite", ("invitation", row.id), details).await?;
    view(row, by)
}

fn new(app: &App, actor: &Actor, email: &str, role: Role) -> (String, Row) {
    let token = links::new_token(&*app.randomness);
    let row = Row {
        id: InvitationId::generate(app.now(), &*app.randomness).as_uuid(),
        account_id: actor.account.as_uuid(),
        email: email.to_owned(),
        role: role.as_str().to_owned(),
        invited_by: actor.person.as_uuid(),
        token_digest: links::digest(&token),
        created_at: app.now(),
        expires_at: app.now() + links::INVITATION,
        accepted_at: None,
        withdrawn_at: None,
    };
    (token, row)
}

/// # Errors
/// [`Error::Forbidden`] for all but owners, [`Error::NotFound`] for one that was accepted or withdrawn.
pub async fn withdraw(app: &App, actor: &Actor, id: InvitationId) -> Result<(), Error> {
    actor.may_manage_people()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let withdrawn = Row::withdraw(conn, actor.account.as_uuid(), id.as_uuid(), app.now()).await?;
        let row = withdrawn.ok_or(Error::NotFound { what: "invitation" })?;
        recorded(app, conn, actor, "invitation.withdraw", ("invitation", row.id), json!({"email": row.email})).await
    })
    .await
}

/// What somebody is invited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationLook {
    pub account_name: String,
    pub invited_by: String,
    pub email: String,
    pub role: Role,
    /// Nobody here has the e-mail address: accepting it takes a name and a password.
    pub needs_sign_up: bool,
}

/// Changes nothing: mail programs look at links too.
///
/// # Errors
/// [`Error::Conflict`] for a link that is unknown, used, withdrawn or too old.
pub async fn look(app: &App, token: &str) -> Result<InvitationLook, Error> {
    let mut conn = app.conn().await?;
    let found = Row::by_digest(&mut conn, &links::digest(token)).await?;
    let (row, account, by) = found.ok_or_else(|| LINK.unknown())?;
    check(app, &row)?;
    let needs_sign_up = Person::by_email(&mut conn, &row.email).await?.is_none();
    Ok(InvitationLook { account_name: account.name, invited_by: by.name, role: role_of(&row)?, email: row.email, needs_sign_up })
}

fn check(app: &App, row: &Row) -> Result<(), Error> {
    if row.withdrawn_at.is_some() {
        let sentence = format!("This invitation was withdrawn, or another took its place. {}", LINK.anew);
        return Err(Error::Conflict { reason: "link_withdrawn", sentence });
    }
    LINK.check(row.accepted_at.is_some(), row.expires_at, app.now())
}

/// Who accepts.
#[derive(Debug)]
pub enum Acceptance<'a> {
    /// Somebody who has signed in, whatever their e-mail address.
    Known(&'a SignedIn),
    /// Somebody who is nobody here yet, with the e-mail address that was invited.
    New { name: &'a str, password: SecretString },
}

/// Uses the link, and tells the owners and who has joined.
///
/// # Errors
/// [`Error::Conflict`] for a link that is unknown, used, withdrawn or too old, for who belongs to the account already, and, of
/// somebody new, for an e-mail address that is known; [`Error::Invalid`].
pub async fn accept(app: &App, token: &str, acceptance: Acceptance<'_>) -> Result<(), Error> {
    let beginner = match &acceptance {
        Acceptance::Known(_) => None,
        Acceptance::New { name, password } => Some(checked(&look(app, token).await?.email, name, password).await?),
    };
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let row = Row::lock_by_digest(conn, &links::digest(token)).await?.ok_or_else(|| LINK.unknown())?;
        check(app, &row)?;
        let person = match (&acceptance, &beginner) {
            (_, Some((name, hash))) => Beginner { email: &row.email, name, password_hash: hash }.insert(app, conn).await?,
            (Acceptance::Known(signed_in), _) => person_of(conn, &signed_in.actor).await?,
            (Acceptance::New { .. }, None) => return Err(Error::internal("somebody new was not looked at")),
        };
        enter(app, conn, &row, &person).await
    })
    .await
}

async fn checked(email: &str, name: &str, password: &SecretString) -> Result<(String, String), Error> {
    let mut fields = Vec::new();
    let name = people::name("name", name).map_err(|it| fields.push(it));
    fields.extend(passwords::fault("password", password, &[email, name.as_deref().unwrap_or_default()]));
    match name {
        Ok(name) if fields.is_empty() => Ok((name, passwords::hash(password.clone()).await?)),
        _ => Err(Error::Invalid { fields }),
    }
}

async fn enter(app: &App, conn: &mut Conn, row: &Row, person: &Person) -> Result<(), Error> {
    let account = Account::lock(conn, row.account_id).await?.filter(|it| it.closed_at.is_none());
    let account = account.ok_or(Error::NotFound { what: "account" })?;
    if Membership::of(conn, account.id, person.id).await?.is_some() {
        let sentence = format!("You belong to “{}” already.", account.name);
        return Err(Error::Conflict { reason: "member_already", sentence });
    }
    // What an owner offered is worth nothing once they own the account no more.
    let by = Membership::owners(conn, account.id).await?.into_iter().find(|it| it.id == row.invited_by);
    let by = by.ok_or_else(|| LINK.unknown())?;
    let role = role_of(row)?;
    join(app, conn, account.id, person.id, role).await?;
    Row::accept(conn, row.id, app.now()).await?;
    mails::member_joined(app, conn, &account, &by, person, role).await?;
    let details = json!({"invitation": row.id, "role": role.as_str()});
    record(app, conn, account.id, AuditActor::Person(person.id), "member.join", ("person", person.id), details).await
}
