//! The people of an account: who they are, which role each has, and how they come and go. There is always an owner.

mod invite;

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::account::{Account, Membership};
use howdah_db::models::person::Person;
use howdah_domain::PersonId;
use serde_json::json;

pub use invite::{Acceptance, InvitationLook, InvitationView, accept, invitation_page, invitations, invite, look, withdraw};

use crate::instances::audit_actor;
use crate::limits::ROLES_OF;
use crate::people::record;
use crate::{Actor, App, Error, Page, Role, mails};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    pub person: PersonId,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub since: DateTime<Utc>,
    /// The one who asks.
    pub is_you: bool,
}

/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] for who does not belong to the account.
pub async fn get(app: &App, actor: &Actor, person: PersonId) -> Result<MemberView, Error> {
    actor.may_see_people()?;
    let all = Membership::of_account(&mut *app.conn().await?, actor.account.as_uuid()).await?;
    let found = all.into_iter().find(|(it, _)| it.person_id == person.as_uuid());
    view(actor, found.ok_or(Error::NotFound { what: "person" })?)
}

/// The newest first, by when they came to the platform.
///
/// # Errors
/// [`Error::Forbidden`].
pub async fn page(app: &App, actor: &Actor, page: Page) -> Result<Vec<MemberView>, Error> {
    actor.may_see_people()?;
    let found = Membership::page_of_account(&mut *app.conn().await?, actor.account.as_uuid(), page).await?;
    found.into_iter().map(|it| view(actor, it)).collect()
}

fn view(actor: &Actor, (membership, person): (Membership, Person)) -> Result<MemberView, Error> {
    let id = PersonId::from_uuid(person.id);
    Ok(MemberView {
        person: id,
        name: person.name,
        email: person.email,
        role: role_of(&membership)?,
        since: membership.created_at,
        is_you: id == actor.person,
    })
}

fn role_of(membership: &Membership) -> Result<Role, Error> {
    Role::parse(&membership.role).ok_or_else(|| Error::internal("memberships.role is none of its words"))
}

/// The owners and whoever has another role now are told.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners, [`Error::NotFound`], [`Error::Conflict`] for the last owner, [`Error::RateLimited`].
pub async fn change_role(app: &App, actor: &Actor, person: PersonId, role: Role) -> Result<(), Error> {
    actor.may_manage_people()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let Member { account, person: who, role: before } = member(conn, actor, person, Some(role)).await?;
        if before == role {
            return Ok(());
        }
        ROLES_OF.take(app, conn, &account.id.to_string()).await?;
        Membership::set_role(conn, account.id, who.id, role.as_str()).await?;
        let by = person_of(conn, actor).await?;
        mails::member_role_changed(app, conn, &account, &by, &who, (before, role)).await?;
        let details = json!({"before": before.as_str(), "role": role.as_str()});
        recorded(app, conn, actor, "member.change_role", ("person", person.as_uuid()), details).await
    })
    .await
}

/// Takes somebody out of the account, together with their tokens for it and their sessions in it. Anybody may leave. The owners and
/// whoever is out are told.
///
/// # Errors
/// [`Error::Forbidden`] for all but owners, [`Error::NotFound`], [`Error::Conflict`] for the last owner.
pub async fn remove(app: &App, actor: &Actor, person: PersonId) -> Result<(), Error> {
    if person == actor.person { actor.may_see_people() } else { actor.may_manage_people() }?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let Member { account, person: who, role } = member(conn, actor, person, None).await?;
        Membership::remove(conn, account.id, who.id).await?;
        let by = person_of(conn, actor).await?;
        mails::member_removed(app, conn, &account, &by, &who).await?;
        recorded(app, conn, actor, "member.remove", ("person", person.as_uuid()), json!({"role": role.as_str()})).await
    })
    .await
}

struct Member {
    account: Account,
    person: Person,
    role: Role,
}

/// Somebody who gets another role, or, without one, goes. The account's row stays locked: two owners can't leave each other alone.
async fn member(conn: &mut Conn, actor: &Actor, person: PersonId, after: Option<Role>) -> Result<Member, Error> {
    let account = Account::lock(conn, actor.account.as_uuid()).await?.ok_or(Error::NotFound { what: "account" })?;
    let all = Membership::of_account(conn, account.id).await?;
    if after.is_some() || person != actor.person {
        still_owns(actor, &all)?;
    }
    let owners = all.iter().filter(|(it, _)| it.role == Role::Owner.as_str()).count();
    let found = all.into_iter().find(|(it, _)| it.person_id == person.as_uuid());
    let (membership, person) = found.ok_or(Error::NotFound { what: "person" })?;
    let role = role_of(&membership)?;
    if role == Role::Owner && owners == 1 && after != Some(Role::Owner) {
        let sentence = "An account needs an owner: make somebody else one first.".to_owned();
        return Err(Error::Conflict { reason: "last_owner", sentence });
    }
    Ok(Member { account, person, role })
}

/// Refuses who owns the account no more, of its people as they are while its row is locked: the request may have begun before that.
fn still_owns(actor: &Actor, all: &[(Membership, Person)]) -> Result<(), Error> {
    let own = all.iter().find(|(it, _)| it.person_id == actor.person.as_uuid());
    let (own, _) = own.ok_or(Error::Unauthenticated)?;
    Actor { role: role_of(own)?, ..actor.clone() }.may_manage_people()
}

async fn person_of(conn: &mut Conn, actor: &Actor) -> Result<Person, Error> {
    Person::by_id(conn, actor.person.as_uuid()).await?.ok_or(Error::Unauthenticated)
}

async fn recorded(
    app: &App,
    conn: &mut Conn,
    actor: &Actor,
    action: &str,
    subject: (&str, uuid::Uuid),
    details: serde_json::Value,
) -> Result<(), Error> {
    record(app, conn, actor.account.as_uuid(), audit_actor(actor), action, subject, details).await
}
