//! `/imports/{import}/discard`: what is lost by throwing it away, or by going back, before it is done.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::idempotency::Idempotent;
use howdah_app::imports::{self, ImportState, ImportView};
use howdah_app::{App, Once, sessions};
use howdah_domain::ImportId;
use serde::Deserialize;
use uuid::Uuid;

use super::{name, named, url};
use crate::pages::components::{ByApi, Crumbs, Field, Icon, Kind, Summary};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, leads_to, led_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "imports/discard.html")]
struct DiscardPage<'a> {
    frame: &'a Frame,
    it: &'a ImportView,
    url: String,
    name: String,
    crumbs: Crumbs,
    mistakes: &'a Mistakes,
    key: Uuid,
    confirm: Field,
    by_api: ByApi,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct DiscardForm {
    key: Uuid,
    confirm: String,
}

async fn page(frame: &Frame, person: &Person, app: &App, id: ImportId, typed: &str, mistakes: &Mistakes) -> Answer {
    let it = imports::get(app, &person.actor, id).await?;
    let name = name(&it);
    let page = DiscardPage {
        frame,
        crumbs: Crumbs::new([("Servers", "/servers"), ("Bring a server in", "/imports"), (&name, &url(id))], "Throw it away"),
        mistakes,
        key: new_key(app),
        confirm: Field::new("confirm", "Type the domain to go back", Kind::Domain)
            .hint(format!("{name}, letter by letter."))
            .value(typed)
            .most(253)
            .check(mistakes),
        by_api: ByApi::new("POST", format!("/api/v1/imports/{id}/discard")),
        url: url(id),
        name,
        it: &it,
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    sessions::require_recent(&app, &person)?;
    page(&frame, &person, &app, named(&request)?, "", &Mistakes::default()).await
}

pub async fn discard(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<DiscardForm>) -> Answer {
    sessions::require_recent(&app, &person)?;
    let id = named(&request)?;
    let key = form.key(&person.actor, form.value.key)?;
    let next = |again: &Option<ImportId>| again.map_or_else(|| "/imports".to_owned(), url);
    let leads = |it: &Option<ImportId>| leads_to(&next(it));
    match imports::discard(&app, &person.actor, id, &form.value.confirm, Some(Idempotent { key: &key, render: &leads })).await {
        Ok(Once::Done(again)) => Ok(see_other_with(&next(&again), Flash::ImportDiscarded)),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(error) => page(&frame, &person, &app, id, &form.value.confirm, &Mistakes::of(error)?).await,
    }
}
