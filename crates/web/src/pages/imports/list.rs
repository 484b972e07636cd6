//! `/imports`: the launch's second door, and what was begun.

use actix_web::web;
use askama::Template;
use howdah_app::idempotency::Idempotent;
use howdah_app::imports::{self, ImportSource, ImportView};
use howdah_app::{App, Once, Page};
use howdah_domain::ImportId;
use serde::Deserialize;
use uuid::Uuid;

use super::{name, status, url};
use crate::pages::components::{ByApi, Crumbs, Empty, Icon, Status, Summary, When};
use crate::pages::form::{Form, Mistakes, leads_to, led_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other};
use crate::pages::visitor::Person;

/// What is older is in the API.
const SHOWN: i64 = 50;

#[derive(Template)]
#[template(path = "imports/list.html")]
struct ListPage<'a> {
    frame: &'a Frame,
    crumbs: Crumbs,
    mistakes: &'a Mistakes,
    key: Uuid,
    rows: Vec<Row>,
    empty: Empty,
    by_api: ByApi,
    list_by_api: ByApi,
}

struct Row {
    it: ImportView,
    name: String,
    status: Status,
    begun: When,
    kept_until: When,
}

async fn page(frame: &Frame, person: &Person, app: &App, mistakes: &Mistakes) -> Answer {
    let found = imports::list(app, &person.actor, Page { before: None, limit: SHOWN }).await?;
    let row = |it: ImportView| Row {
        name: name(&it),
        status: status(&it),
        begun: When::new(it.created_at, frame.now),
        kept_until: When::new(it.kept_until, frame.now),
        it,
    };
    let page = ListPage {
        frame,
        crumbs: Crumbs::new([("Servers", "/servers")], "Bring a server in"),
        mistakes,
        key: new_key(app),
        rows: found.into_iter().map(row).collect(),
        empty: Empty { title: "Nothing yet".into(), sentence: "What you bring in is listed here, with how far it is.", action: None },
        by_api: ByApi::new("POST", "/api/v1/imports"),
        list_by_api: ByApi::new("GET", "/api/v1/imports"),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>) -> Answer {
    page(&frame, &person, &app, &Mistakes::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct BeginForm {
    key: Uuid,
}

pub async fn begin(frame: Frame, person: Person, app: web::Data<App>, form: Form<BeginForm>) -> Answer {
    let key = form.key(&person.actor, form.value.key)?;
    let leads = |it: &ImportId| leads_to(&url(*it));
    let once = Some(Idempotent { key: &key, render: &leads });
    match imports::begin(&app, &person.actor, ImportSource::Upload, once).await {
        Ok(Once::Done(id)) => Ok(see_other(&url(id))),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(error) => page(&frame, &person, &app, &Mistakes::of(error)?).await,
    }
}
