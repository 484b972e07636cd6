//! `/servers/{server}/owner-link`: the owner's way in, and a new one. Shown and made only for who has just given their password,
//! and recorded.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{self, Overview, OwnerLink, OwnerLinkState};
use howdah_app::{App, Error, Once, sessions};
use howdah_domain::Action;
use secrecy::ExposeSecret;
use serde::Deserialize;
use uuid::Uuid;

use super::Named;
use crate::pages::components::{ByApi, Copyable, Crumbs, Icon, When};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, leads_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "servers/owner_link.html")]
struct LinkPage<'a> {
    frame: &'a Frame,
    crumbs: Crumbs,
    domain: String,
    web: String,
    url: String,
    /// The link's, in a word or two.
    state: &'static str,
    /// Once it was asked for.
    link: Option<OwnerLink>,
    /// Why there is none.
    refused: Option<String>,
    can_show: bool,
    can_send: bool,
    /// Of the form that sends one.
    key: Uuid,
    /// Why neither.
    waits: Option<&'static str>,
    by_api: ByApi,
    send_by_api: ByApi,
}

impl LinkPage<'_> {
    fn copyable(&self, link: &OwnerLink) -> Copyable {
        Copyable::new("the link", link.url.expose_secret())
    }

    fn ends(&self, link: &OwnerLink) -> When {
        When::new(link.valid_until, self.frame.now)
    }
}

pub async fn ask(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    sessions::require_recent(&app, &person)?;
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    page(&frame, &app, it, None, None)
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    sessions::require_recent(&app, &person)?;
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    match instances::owner_link(&app, &person.actor, it.server.id, None).await {
        Ok(once) => page(&frame, &app, it, once.done(), None),
        Err(error @ Error::Conflict { .. }) => page(&frame, &app, it, None, Some(error.to_string())),
        Err(other) => Err(other.into()),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SendForm {
    key: Uuid,
}

pub async fn send(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<SendForm>) -> Answer {
    sessions::require_recent(&app, &person)?;
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let url = super::url(&it.server.slug);
    let key = form.key(&person.actor, form.value.key)?;
    let leads = |(): &()| leads_to(&url);
    match instances::send_owner_link(&app, &person.actor, it.server.id, Some(Idempotent { key: &key, render: &leads })).await {
        Ok(Once::Done(())) => Ok(see_other_with(&url, Flash::LinkOnItsWay)),
        Ok(Once::Again { .. }) => Ok(see_other_with(&url, Flash::LinkSentBefore)),
        // Asked for in another tab: it is on its way.
        Err(Error::Conflict { reason: "link_on_its_way", .. }) => Ok(see_other(&url)),
        Err(error @ (Error::Conflict { .. } | Error::RateLimited { .. })) => page(&frame, &app, it, None, Some(error.to_string())),
        Err(other) => Err(other.into()),
    }
}

fn page(frame: &Frame, app: &App, it: Overview, link: Option<OwnerLink>, refused: Option<String>) -> Answer {
    let is_answered = link.is_some() || refused.is_some();
    let offers = |action| !is_answered && it.actions.contains(&action);
    let api = format!("/api/v1/instances/{}/owner-link", it.server.id);
    frame.page(&LinkPage {
        frame,
        crumbs: Crumbs::new([("Servers", "/servers"), (&it.server.domain, &super::url(&it.server.slug))], "The owner’s link"),
        url: super::url(&it.server.slug),
        state: match (&link, &refused) {
            (Some(_), _) => "Shown",
            (None, Some(_)) => "No link",
            (None, None) => word(it.owner_link),
        },
        can_show: offers(Action::ShowOwnerLink),
        can_send: offers(Action::SendOwnerLink),
        key: new_key(app),
        waits: if is_answered { None } else { waits(it.owner_link) },
        by_api: ByApi::new("POST", api.clone()),
        send_by_api: ByApi::new("POST", format!("{api}/new")),
        web: it.server.address.web.clone(),
        domain: it.server.domain,
        link,
        refused,
    })
}

const fn word(state: OwnerLinkState) -> &'static str {
    match state {
        OwnerLinkState::Waiting => "Not there yet",
        OwnerLinkState::OnItsWay { .. } => "Being made",
        OwnerLinkState::Ready { .. } => "Ready",
        OwnerLinkState::Failed { .. } => "Not made",
        OwnerLinkState::Expired => "Ended",
        OwnerLinkState::NotYours => "Not yours",
    }
}

const fn waits(state: OwnerLinkState) -> Option<&'static str> {
    match state {
        OwnerLinkState::Waiting => Some("The owner’s account is not there yet."),
        OwnerLinkState::OnItsWay { .. } => Some("A new link is being made. It is ready within a minute or two, and mailed to you."),
        OwnerLinkState::Ready { .. } | OwnerLinkState::Failed { .. } | OwnerLinkState::Expired => {
            Some("A new link can be made only while the server runs.")
        }
        OwnerLinkState::NotYours => Some("Only an owner of the server’s own account may see its owner’s link."),
    }
}
