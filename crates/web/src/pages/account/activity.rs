//! `/account/activity`: who came, went, signed in, and made or revoked tokens. What is done with a server is on its own page.

use actix_web::web;
use askama::Template;
use howdah_app::{App, activity};

use crate::page::PageQuery;
use crate::pages::components::{Activity, ByApi, Pager, Summary, Tabs};
use crate::pages::form::Mistakes;
use crate::pages::frame::{Answer, Frame};
use crate::pages::visitor::Person;

const HERE: &str = "/account/activity";

#[derive(Template)]
#[template(path = "account/activity.html")]
struct ActivityPage<'a> {
    frame: &'a Frame,
    tabs: Tabs,
    mistakes: &'a Mistakes,
    account_name: &'a str,
    activity: Activity,
    pager: Pager,
    by_api: ByApi,
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, page: PageQuery<i64>) -> Answer {
    let found = activity::of_account(&app, &person.actor, page.before, page.fetched()).await?;
    let (entries, cursor) = page.cut(found, |it| it.seq);
    frame.page(&ActivityPage {
        frame: &frame,
        tabs: super::tabs(HERE),
        mistakes: &Mistakes::default(),
        account_name: &person.account_name,
        activity: Activity::new(&entries, frame.now),
        pager: Pager { first: page.before.map(|_| HERE.to_owned()), next: cursor.map(|it| format!("{HERE}?cursor={it}")) },
        by_api: ByApi::new("GET", "/api/v1/account/activity"),
    })
}
