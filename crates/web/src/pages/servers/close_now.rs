//! `/servers/{server}/close/now`: the grace period ends early. What can't be taken back any more is said first, the domain is typed
//! once more, and the password was given lately, as for closing.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{self, Close, Overview};
use howdah_app::{App, Error, Once, sessions};
use howdah_domain::Action;
use serde::Deserialize;
use uuid::Uuid;

use super::{Named, words};
use crate::pages::components::{ByApi, Crumbs, Field, Icon, Kind, Status, Summary, When};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, leads_to, led_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "servers/close_now.html")]
struct EndPage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    url: String,
    crumbs: Crumbs,
    status: Status,
    mistakes: &'a Mistakes,
    key: Uuid,
    confirm: Field,
    by_api: ByApi,
}

impl EndPage<'_> {
    fn ends(&self) -> Option<When> {
        self.it.server.leaving.as_ref().map(|it| When::new(it.after, self.frame.now))
    }

    fn people(&self) -> String {
        words::people(&self.it.server)
    }
}

fn page(frame: &Frame, app: &App, it: &Overview, typed: &str, mistakes: &Mistakes) -> Answer {
    let server = &it.server;
    let url = super::url(&server.slug);
    let page = EndPage {
        frame,
        it,
        crumbs: Crumbs::new([("Servers", "/servers"), (&server.domain, &url), ("Close", &format!("{url}/close"))], "End the grace period"),
        url,
        status: words::status(server),
        mistakes,
        key: new_key(app),
        confirm: Field::new("confirm", "Type the domain to go on", Kind::Domain)
            .hint(format!("{}, letter by letter.", server.domain))
            .value(typed)
            .most(253)
            .check(mistakes),
        by_api: ByApi::new("POST", format!("/api/v1/instances/{}/close/now", server.id)),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    // Nothing is closing, it is too late, or somebody else decides: the page of closing says which.
    if !it.actions.contains(&Action::EndGrace) {
        return Ok(see_other(&format!("{}/close", super::url(&it.server.slug))));
    }
    sessions::require_recent(&app, &person)?;
    page(&frame, &app, &it, "", &Mistakes::default())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct EndForm {
    key: Uuid,
    /// The server's revision when the page was made.
    revision: Option<i64>,
    confirm: String,
}

pub async fn end(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<EndForm>) -> Answer {
    sessions::require_recent(&app, &person)?;
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let key = form.key(&person.actor, form.value.key)?;
    let url = super::url(&it.server.slug);
    let leads = |(): &()| leads_to(&url);
    let typed = &form.value.confirm;
    let asked = Close { confirm: typed.clone(), if_match: form.value.revision, ..Close::default() };
    match instances::end_grace(&app, &person.actor, it.server.id, &asked, Some(Idempotent { key: &key, render: &leads })).await {
        Ok(Once::Done(())) => Ok(see_other_with(&url, Flash::GraceEnded)),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(Error::PreconditionFailed) => page(&frame, &app, &it, "", &Mistakes::said(words::changed_meanwhile(&it.server))),
        Err(error) => page(&frame, &app, &it, typed, &Mistakes::of(error)?),
    }
}
