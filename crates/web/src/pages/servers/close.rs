//! `/servers/{server}/close`: what closing means, before it begins; and the way back.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{self, Close, Overview};
use howdah_app::{App, Error, Once, sessions};
use howdah_domain::Action;
use serde::Deserialize;
use uuid::Uuid;

use super::{Named, words};
use crate::pages::components::{ByApi, Crumbs, Field, Icon, Kind, Status, Summary, Tabs, When, exact};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, leads_to, led_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "servers/close.html")]
struct ClosePage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    url: String,
    crumbs: Crumbs,
    tabs: Tabs,
    status: Status,
    mistakes: &'a Mistakes,
    key: Uuid,
    confirm: Field,
    /// The platform has a place for it.
    can_keep: bool,
    declines: bool,
    grace: String,
    /// When the grace period would end.
    until: String,
    by_api: ByApi,
    undo_by_api: ByApi,
}

impl ClosePage<'_> {
    fn offers(&self, action: Action) -> bool {
        self.it.actions.contains(&action)
    }

    fn ends(&self) -> Option<When> {
        self.it.server.leaving.as_ref().map(|it| When::new(it.after, self.frame.now))
    }

    fn grace_is_over(&self) -> bool {
        self.it.server.leaving.as_ref().is_some_and(|it| it.after <= self.frame.now)
    }

    /// A final bundle, once it is closing.
    fn keeps(&self) -> bool {
        self.it.server.leaving.as_ref().is_some_and(|it| it.final_bundle)
    }

    fn people(&self) -> String {
        words::people(&self.it.server)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CloseForm {
    key: Uuid,
    /// The server's revision when the page was made.
    revision: Option<i64>,
    confirm: String,
    decline_final_bundle: Option<String>,
}

async fn page(frame: &Frame, app: &App, it: &Overview, typed: &CloseForm, mistakes: &Mistakes) -> Answer {
    let (server, grace) = (&it.server, app.config.grace);
    let page = ClosePage {
        frame,
        it,
        url: super::url(&server.slug),
        crumbs: super::crumbs(&server.domain),
        tabs: super::tabs(app, &server.slug, "Close"),
        status: words::status(server),
        mistakes,
        key: new_key(app),
        confirm: Field::new("confirm", "Type the domain to go on", Kind::Domain)
            .hint(format!("{}, letter by letter.", server.domain))
            .value(&typed.confirm)
            .most(253)
            .check(mistakes),
        can_keep: app.bundles.is_some(),
        declines: typed.decline_final_bundle.is_some(),
        grace: crate::pages::components::span(grace),
        until: exact(frame.now + grace),
        by_api: ByApi::new("POST", format!("/api/v1/instances/{}/close", server.id)),
        undo_by_api: ByApi::new("POST", format!("/api/v1/instances/{}/undo", server.id)),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    if it.actions.contains(&Action::Close) {
        sessions::require_recent(&app, &person)?;
    }
    page(&frame, &app, &it, &CloseForm::default(), &Mistakes::default()).await
}

pub async fn close(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<CloseForm>) -> Answer {
    sessions::require_recent(&app, &person)?;
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let key = form.key(&person.actor, form.value.key)?;
    let url = super::url(&it.server.slug);
    let leads = |(): &()| leads_to(&url);
    let typed = &form.value;
    // An empty field is a wrong one here.
    let declines_final_bundle = typed.decline_final_bundle.is_some();
    let asked = Close { confirm: typed.confirm.clone(), if_match: typed.revision, declines_final_bundle, ..Close::default() };
    match instances::close(&app, &person.actor, it.server.id, &asked, Some(Idempotent { key: &key, render: &leads })).await {
        Ok(Once::Done(())) => Ok(see_other_with(&url, Flash::Closing)),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(Error::PreconditionFailed) => {
            page(&frame, &app, &it, &CloseForm::default(), &Mistakes::said(words::changed_meanwhile(&it.server))).await
        }
        Err(error) => page(&frame, &app, &it, typed, &Mistakes::of(error)?).await,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct UndoForm {
    key: Uuid,
}

pub async fn undo(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<UndoForm>) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let key = form.key(&person.actor, form.value.key)?;
    let url = super::url(&it.server.slug);
    let leads = |(): &()| leads_to(&url);
    // The button of the overview has no key of its own: what was taken back once may be taken back again.
    let once = (!form.value.key.is_nil()).then_some(Idempotent { key: &key, render: &leads });
    match instances::undo(&app, &person.actor, it.server.id, None, once).await {
        Ok(Once::Done(())) => Ok(see_other_with(&url, Flash::TakenBack)),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(error) => page(&frame, &app, &it, &CloseForm::default(), &Mistakes::of(error)?).await,
    }
}
