//! `/account/people`: who belongs to the account, in which role, and who was asked to.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::idempotency::Idempotent;
use howdah_app::members::{self, InvitationView, MemberView};
use howdah_app::{App, Error, Once, Role, sessions};
use howdah_domain::InvitationId;
use serde::Deserialize;
use uuid::Uuid;

use super::words::ROLES;
use crate::page::PageQuery;
use crate::pages::components::{ByApi, Field, Kind, Pager, Summary, Tabs, When};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, leads_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::loss::Loss;
use crate::pages::visitor::Person;
use crate::problem::Problem;
use crate::resource::id;

const HERE: &str = "/account/people";
const PEOPLE_API: &str = "/api/v1/people";
const INVITATIONS_API: &str = "/api/v1/invitations";

#[derive(Template)]
#[template(path = "account/people.html")]
struct PeoplePage<'a> {
    frame: &'a Frame,
    account_name: &'a str,
    tabs: Tabs,
    mistakes: &'a Mistakes,
    members: Vec<MemberView>,
    pager: Pager,
    invitations: Vec<InvitationView>,
    /// Owners change who belongs to the account; the others see it.
    is_owner: bool,
    key: Uuid,
    email: Field,
    chosen: Role,
    people_by_api: ByApi,
    invitations_by_api: ByApi,
    invite_by_api: ByApi,
}

impl PeoplePage<'_> {
    fn since(&self, member: &MemberView) -> When {
        When::new(member.since, self.frame.now)
    }

    fn ends(&self, invitation: &InvitationView) -> When {
        When::new(invitation.expires_at, self.frame.now)
    }
}

/// What was typed into the invitation, and what is wrong with it.
struct Typed<'a> {
    email: &'a str,
    role: Role,
    mistakes: &'a Mistakes,
}

async fn page(frame: &Frame, person: &Person, app: &App, query: PageQuery, typed: &Typed<'_>) -> Answer {
    let Typed { email, role: chosen, mistakes } = *typed;
    let found = members::page(app, &person.actor, query.to_fetch()).await?;
    let (members, cursor) = query.cut(found, |it| it.person.as_uuid());
    let is_owner = person.actor.role == Role::Owner;
    let page = PeoplePage {
        frame,
        account_name: &person.account_name,
        tabs: super::tabs(HERE),
        mistakes,
        members,
        pager: Pager { first: query.before.map(|_| HERE.to_owned()), next: cursor.map(|it| format!("{HERE}?cursor={it}")) },
        invitations: if is_owner { members::invitations(app, &person.actor).await? } else { Vec::new() },
        is_owner,
        key: new_key(app),
        email: Field::new("email", "E-mail", Kind::Email).value(email).most(254).check(mistakes),
        chosen,
        people_by_api: if is_owner {
            ByApi::new("GET", PEOPLE_API).and("PUT", format!("{PEOPLE_API}/{{id}}/role")).and("DELETE", format!("{PEOPLE_API}/{{id}}"))
        } else {
            ByApi::new("GET", PEOPLE_API).and("DELETE", format!("{PEOPLE_API}/{{id}}"))
        },
        invitations_by_api: ByApi::new("GET", INVITATIONS_API).and("DELETE", format!("{INVITATIONS_API}/{{id}}")),
        invite_by_api: ByApi::new("POST", INVITATIONS_API),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

/// Who may change who owns the account has given the password lately: a stolen session shall not take the account.
fn require(app: &App, person: &Person) -> Result<(), Error> {
    if person.actor.role == Role::Owner { sessions::require_recent(app, person) } else { Ok(()) }
}

fn is_recent(app: &App, person: &Person) -> bool {
    require(app, person).is_ok()
}

/// The form again, with what is wrong.
async fn again(frame: &Frame, person: &Person, app: &App, error: Error) -> Answer {
    let typed = Typed { email: "", role: Role::Technical, mistakes: &Mistakes::of(error)? };
    page(frame, person, app, PageQuery::first(), &typed).await
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, query: PageQuery) -> Answer {
    require(&app, &person)?;
    let typed = Typed { email: "", role: Role::Technical, mistakes: &Mistakes::default() };
    page(&frame, &person, &app, query, &typed).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Invite {
    key: Uuid,
    email: String,
    role: String,
}

fn role(word: &str) -> Result<Role, Problem> {
    Role::parse(word).ok_or_else(|| Problem::malformed("There is no such role."))
}

pub async fn invite(frame: Frame, person: Person, app: web::Data<App>, form: Form<Invite>) -> Answer {
    if !is_recent(&app, &person) {
        return Ok(see_other(HERE));
    }
    let (email, role) = (form.value.email.trim(), role(&form.value.role)?);
    let key = form.key(&person.actor, form.value.key)?;
    let render = |_: &InvitationView| leads_to(HERE);
    match members::invite(&app, &person.actor, email, role, Some(Idempotent { key: &key, render: &render })).await {
        Ok(Once::Done(_) | Once::Again { .. }) => Ok(see_other_with(HERE, Flash::Invited)),
        Err(error) => {
            let typed = Typed { email, role, mistakes: &Mistakes::of(error)? };
            page(&frame, &person, &app, PageQuery::first(), &typed).await
        }
    }
}

#[derive(Deserialize)]
pub struct NewRole {
    role: String,
}

pub async fn change_role(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<NewRole>) -> Answer {
    if !is_recent(&app, &person) {
        return Ok(see_other(HERE));
    }
    match members::change_role(&app, &person.actor, id(&request, "person")?, role(&form.value.role)?).await {
        Ok(()) => Ok(see_other_with(HERE, Flash::RoleChanged)),
        Err(error) => again(&frame, &person, &app, error).await,
    }
}

pub async fn ask_remove(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    require(&app, &person)?;
    let it = members::get(&app, &person.actor, id(&request, "person")?).await?;
    let account = &person.account_name;
    let by_api = Some(ByApi::new("DELETE", format!("{PEOPLE_API}/{}", it.person)));
    let loss = match it.is_you {
        true => Loss {
            question: format!("Leave {account}?"),
            goes: format!("You no longer see {account} or its servers. Your API tokens for it are revoked, and its owners get a mail."),
            stays: "The servers, what you did there, and your other accounts here.",
            way_back: "Only by an owner, who can ask you to join again.",
            act: "Leave the account",
            keep: "Stay",
            revision: None,
            by_api,
        },
        false => Loss {
            question: format!("Remove {} from {account}?", it.name),
            goes: format!(
                "{} ({}) no longer sees {account} or its servers. Their API tokens for it are revoked, and a mail tells them and the owners.",
                it.name, it.email
            ),
            stays: "The servers, what they did there, and their accounts on the servers themselves.",
            way_back: "Ask them to join again. Their tokens have to be made anew.",
            act: "Remove them",
            keep: "Keep them",
            revision: None,
            by_api,
        },
    };
    loss.page(&frame, super::back("People", HERE))
}

pub async fn remove(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let id = id(&request, "person")?;
    if !is_recent(&app, &person) {
        return Ok(see_other(HERE));
    }
    match members::remove(&app, &person.actor, id).await {
        Ok(()) if id == person.actor.person => Ok(see_other_with("/", Flash::MemberRemoved)),
        Ok(()) => Ok(see_other_with(HERE, Flash::MemberRemoved)),
        // The same form sent twice.
        Err(Error::NotFound { .. }) => Ok(see_other(HERE)),
        Err(error) => again(&frame, &person, &app, error).await,
    }
}

pub async fn ask_withdraw(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let id: InvitationId = id(&request, "invitation")?;
    let open = members::invitations(&app, &person.actor).await?;
    let it = open.into_iter().find(|it| it.id == id).ok_or(Error::NotFound { what: "invitation" })?;
    let loss = Loss {
        question: format!("Withdraw the invitation of {}?", it.email),
        goes: "The link that was mailed to them opens nothing any more. No mail tells them.".to_owned(),
        stays: "Everybody who belongs to the account.",
        way_back: "Send another invitation.",
        act: "Withdraw it",
        keep: "Keep it",
        revision: None,
        by_api: Some(ByApi::new("DELETE", format!("{INVITATIONS_API}/{id}"))),
    };
    loss.page(&frame, super::back("People", HERE))
}

pub async fn withdraw(person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    match members::withdraw(&app, &person.actor, id(&request, "invitation")?).await {
        Ok(()) => Ok(see_other_with(HERE, Flash::InvitationWithdrawn)),
        // Sent twice, or accepted meanwhile.
        Err(Error::NotFound { .. }) => Ok(see_other(HERE)),
        Err(error) => Err(error.into()),
    }
}
