//! `/servers/{server}/activity`: who did what, newest first.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::{App, activity, instances};

use super::banner::Banner;
use super::{Named, words};
use crate::page::PageQuery;
use crate::pages::components::{Activity, Crumbs, Pager, Status, Tabs};
use crate::pages::frame::{Answer, Frame};
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "servers/activity.html")]
struct ActivityPage<'a> {
    frame: &'a Frame,
    domain: String,
    crumbs: Crumbs,
    tabs: Tabs,
    banner: Banner,
    status: Status,
    activity: Activity,
    pager: Pager,
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, page: PageQuery<i64>) -> Answer {
    let server = instances::overview(&app, &person.actor, Named::of(&request).which()).await?.server;
    let here = format!("{}/activity", super::url(&server.slug));
    let found = activity::of_server(&app, &person.actor, server.id, page.before, page.fetched()).await?;
    let (entries, cursor) = page.cut(found, |it| it.seq);
    frame.page(&ActivityPage {
        frame: &frame,
        crumbs: super::crumbs(&server.domain),
        tabs: super::tabs(&app, &server.slug, "Activity"),
        banner: Banner::of(&app, &person.actor, server.id, &server.slug).await?,
        status: words::status(&server),
        domain: server.domain,
        activity: Activity::new(&entries, frame.now),
        pager: Pager { first: page.before.map(|_| here.clone()), next: cursor.map(|it| format!("{here}?cursor={it}")) },
    })
}
