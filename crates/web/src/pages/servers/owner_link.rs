//! `/servers/{server}/owner-link`: the owner's way in. Shown only to who has just given their password, and recorded.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::instances::{self, OwnerLink};
use howdah_app::{App, Error, sessions};
use secrecy::ExposeSecret;

use super::Named;
use crate::pages::components::{ByApi, Copyable, Crumbs, Icon, When};
use crate::pages::frame::{Answer, Frame};
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "servers/owner_link.html")]
struct LinkPage<'a> {
    frame: &'a Frame,
    crumbs: Crumbs,
    domain: String,
    web: String,
    url: String,
    /// Once it was asked for.
    link: Option<OwnerLink>,
    /// Why there is none.
    refused: Option<String>,
    by_api: ByApi,
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
    page(&frame, &person, &app, &Named::of(&request), false).await
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    page(&frame, &person, &app, &Named::of(&request), true).await
}

async fn page(frame: &Frame, person: &Person, app: &App, named: &Named, is_asked: bool) -> Answer {
    sessions::require_recent(app, person)?;
    let it = instances::overview(app, &person.actor, named.which()).await?;
    let (link, refused) = match is_asked {
        false => (None, None),
        true => match instances::owner_link(app, &person.actor, it.server.id).await {
            Ok(link) => (Some(link), None),
            Err(error @ Error::Conflict { .. }) => (None, Some(error.to_string())),
            Err(other) => return Err(other.into()),
        },
    };
    frame.page(&LinkPage {
        frame,
        crumbs: Crumbs::new([("Servers", "/servers"), (&it.server.domain, &super::url(&it.server.slug))], "The owner’s link"),
        url: super::url(&it.server.slug),
        by_api: ByApi::new("POST", format!("/api/v1/instances/{}/owner-link", it.server.id)),
        web: it.server.address.web.clone(),
        domain: it.server.domain,
        link,
        refused,
    })
}
