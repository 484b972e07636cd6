//! `/servers/{server}/activity`: who did what, newest first.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::App;
use howdah_app::instances;
use serde::Deserialize;

use super::{Named, words};
use crate::pages::components::{Activity, Crumbs, Empty, Pager, Status, Tabs};
use crate::pages::frame::{Answer, Frame};
use crate::pages::visitor::Person;

const SHOWN: usize = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "servers/activity.html")]
struct ActivityPage<'a> {
    frame: &'a Frame,
    domain: String,
    crumbs: Crumbs,
    tabs: Tabs,
    status: Status,
    is_empty: bool,
    activity: Activity,
    pager: Pager,
    empty: Empty,
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, asked: web::Query<Asked>) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let here = format!("{}/activity", super::url(&it.server.slug));
    let one_more = i64::try_from(SHOWN + 1).unwrap_or(i64::MAX);
    let mut entries = instances::activity(&app, &person.actor, Some(it.server.id), asked.before, one_more).await?;
    let has_more = entries.len() > SHOWN;
    entries.truncate(SHOWN);
    let next = entries.last().filter(|_| has_more).map(|it| format!("{here}?before={}", it.seq));
    frame.page(&ActivityPage {
        frame: &frame,
        crumbs: super::crumbs(&it.server.domain),
        tabs: super::tabs(&it.server.slug, "Activity"),
        status: words::status(&it.server),
        domain: it.server.domain,
        is_empty: entries.is_empty(),
        activity: Activity::new(&entries, frame.now),
        pager: Pager { first: asked.before.map(|_| here), next },
        empty: Empty { title: "Nothing yet".into(), sentence: "What people and Howdah do with this server is listed here.", action: None },
    })
}
