//! `/servers`: what the account has. Search, state and order are in the address, so that it can be sent to a colleague.

use actix_web::web;
use askama::Template;
use howdah_app::App;
use howdah_app::instances::{self, Openness, ServerQuery, ServerRow};
use howdah_domain::listing::{ServerFilter, ServerSort};
use serde::Deserialize;

use super::words;
use crate::pages::components::{ByApi, Empty, Field, Icon, Kind, Pager, Status};
use crate::pages::frame::{Answer, Frame};
use crate::pages::platform::Platform;
use crate::pages::visitor::Person;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    state: String,
    sort: String,
    after: String,
}

impl Asked {
    fn query(&self) -> ServerQuery {
        ServerQuery {
            search: self.q.trim().to_owned(),
            state: ServerFilter::parse(&self.state),
            sort: ServerSort::parse(&self.sort).unwrap_or(ServerSort::Newest),
            after: Some(self.after.clone()).filter(|it| !it.is_empty()),
            ..ServerQuery::default()
        }
    }

    fn is_narrowed(&self) -> bool {
        !self.q.trim().is_empty() || !self.state.is_empty()
    }

    /// The same list from another place on.
    fn address(&self, after: &str) -> String {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", self.q.as_str()), ("state", &self.state), ("sort", &self.sort), ("after", after)] {
            if !value.is_empty() {
                pairs.append_pair(name, value);
            }
        }
        format!("/servers?{}", pairs.finish())
    }
}

#[derive(Template)]
#[template(path = "servers/list.html")]
struct ListPage<'a> {
    frame: &'a Frame,
    app: &'a App,
    asked: &'a Asked,
    search: Field,
    rows: Vec<ServerRow>,
    pager: Pager,
    openness: Openness,
    /// There are none at all.
    is_new: bool,
    /// There is more than one: else no search is needed.
    can_be_narrowed: bool,
    empty: Empty,
    by_api: ByApi,
}

const fn order(sort: &ServerSort) -> &'static str {
    match sort {
        ServerSort::Newest => "Newest first",
        ServerSort::Oldest => "Oldest first",
        ServerSort::Domain => "By address, A to Z",
        ServerSort::DomainDown => "By address, Z to A",
    }
}

impl ListPage<'_> {
    fn status(&self, row: &ServerRow) -> Status {
        words::status(&row.server)
    }

    fn plan(&self, row: &ServerRow) -> String {
        words::plan(self.app, &row.server)
    }

    fn people(&self, row: &ServerRow) -> String {
        row.server.usage.map(|it| it.users.to_string()).unwrap_or_else(|| "–".to_owned())
    }

    fn media(&self, row: &ServerRow) -> String {
        row.server.usage.map(|it| words::bytes(it.own_media_bytes)).unwrap_or_else(|| "–".to_owned())
    }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, platform: web::Data<Platform>, asked: web::Query<Asked>) -> Answer {
    let found = instances::servers(&app, &person.actor, &asked.query()).await?;
    let openness = instances::openness(&app, Some(&person.actor), platform.has_room(&app).await?).await?;
    let is_narrowed = asked.is_narrowed();
    let empty = match is_narrowed {
        true => Empty {
            title: "None like that".into(),
            sentence: "Search for a part of the address, or choose another state.",
            action: Some(("/servers", "Show all")),
        },
        false => Empty {
            title: "No servers yet".into(),
            sentence: "A server is launched in about a minute. You need a domain of your own, or take a name under ours.",
            action: (!openness.is_closed()).then_some(("/servers/new", "Launch a server")),
        },
    };
    frame.page(&ListPage {
        frame: &frame,
        app: &app,
        asked: &asked,
        search: Field::new("q", "Search", Kind::Search).value(&asked.q).most(200).optional_in_form(),
        is_new: found.rows.is_empty() && !is_narrowed && asked.after.is_empty(),
        can_be_narrowed: found.rows.len() > 1 || is_narrowed || !asked.after.is_empty(),
        pager: Pager {
            first: (!asked.after.is_empty()).then(|| asked.address("")),
            next: found.next.as_deref().map(|it| asked.address(it)),
        },
        rows: found.rows,
        openness,
        empty,
        by_api: ByApi::new("GET", "/api/v1/instances"),
    })
}
