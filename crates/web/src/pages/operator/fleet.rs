//! `/operator`: every server. Search, filters and order are in the address; a reference that is no server's leads to what it is of.

use actix_web::web;
use askama::Template;
use howdah_app::App;
use howdah_app::instances::{self, ServerQuery, ServerRow};
use howdah_domain::listing::{ServerFilter, ServerSort};
use serde::Deserialize;

use super::choice::Choice;
use super::words as own_words;
use crate::pages::components::{ByApi, Empty, Field, Kind, Pager, Status, Tabs};
use crate::pages::frame::{Answer, Frame, see_other};
use crate::pages::servers::words;
use crate::pages::visitor::Operator;

const SHOWN: i64 = 50;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    state: String,
    plan: String,
    version: String,
    cluster: String,
    sort: String,
    after: String,
}

fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|it| !it.is_empty())
}

impl Asked {
    fn query(&self) -> ServerQuery {
        ServerQuery {
            fleet: true,
            search: self.q.trim().to_owned(),
            state: ServerFilter::parse(&self.state),
            plan: given(&self.plan),
            version: given(&self.version),
            cluster: given(&self.cluster),
            sort: ServerSort::parse(&self.sort).unwrap_or(ServerSort::Newest),
            after: given(&self.after),
            limit: SHOWN,
        }
    }

    fn is_narrowed(&self) -> bool {
        [&self.q, &self.state, &self.plan, &self.version, &self.cluster].iter().any(|it| !it.trim().is_empty())
    }

    /// The same list from another place on.
    fn address(&self, after: &str) -> String {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        let all = [
            ("q", self.q.as_str()),
            ("state", &self.state),
            ("plan", &self.plan),
            ("version", &self.version),
            ("cluster", &self.cluster),
            ("sort", &self.sort),
            ("after", after),
        ];
        for (name, value) in all {
            if !value.is_empty() {
                pairs.append_pair(name, value);
            }
        }
        format!("{}?{}", super::FLEET, pairs.finish())
    }
}

#[derive(Template)]
#[template(path = "operator/fleet.html")]
struct FleetPage<'a> {
    frame: &'a Frame,
    tabs: Tabs,
    search: Field,
    cluster: Field,
    choices: Vec<Choice>,
    rows: Vec<ServerRow>,
    pager: Pager,
    empty: Empty,
    by_api: ByApi,
}

impl FleetPage<'_> {
    fn status(&self, row: &ServerRow) -> Status {
        words::status(&row.server)
    }

    /// The one that runs, and the one that it shall have, where they differ.
    fn version(&self, row: &ServerRow) -> String {
        let wanted = &row.server.version;
        match &row.server.running_version {
            Some(running) if running != wanted => format!("{running} → {wanted}"),
            _ => wanted.clone(),
        }
    }

    fn cluster<'r>(&self, row: &'r ServerRow) -> &'r str {
        row.server.cluster.as_deref().unwrap_or("–")
    }

    fn people(&self, row: &ServerRow) -> String {
        row.server.usage.map_or_else(|| "–".to_owned(), |it| it.users.to_string())
    }

    fn media(&self, row: &ServerRow) -> String {
        row.server.usage.map_or_else(|| "–".to_owned(), |it| words::bytes(it.own_media_bytes))
    }
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>, asked: web::Query<Asked>) -> Answer {
    if let Some(elsewhere) = super::lead(&app, &operator.actor, &asked.q).await? {
        return Ok(see_other(&elsewhere));
    }
    let found = instances::servers(&app, &operator.actor, &asked.query()).await?;
    let empty = match asked.is_narrowed() {
        true => Empty {
            title: "No server like that",
            sentence: "Search for a part of the domain, the beginning of a mail address, a server’s, operation’s or mail’s reference, or a \
                       namespace. The reference on an error’s page is its request’s: look for it in the log.",
            action: Some((super::FLEET, "Show all")),
        },
        false => Empty { title: "No servers yet", sentence: "Everybody’s servers are listed here once one is launched.", action: None },
    };
    frame.page(&FleetPage {
        frame: &frame,
        tabs: super::tabs(super::FLEET),
        search: Field::new("q", "Domain, mail, reference or namespace", Kind::Search).value(&asked.q).most(253).optional_in_form(),
        cluster: Field::new("cluster", "Cluster", Kind::Text).value(&asked.cluster).most(63).optional_in_form(),
        choices: choices(&app, &asked),
        pager: Pager {
            first: (!asked.after.is_empty()).then(|| asked.address("")),
            next: found.next.as_deref().map(|it| asked.address(it)),
        },
        rows: found.rows,
        empty,
        by_api: ByApi::new("GET", "/api/v1/instances?fleet=true"),
    })
}

fn choices(app: &App, asked: &Asked) -> Vec<Choice> {
    let states = ServerFilter::ALL.iter().map(|it| (it.as_str(), it.label()));
    let plans = app.plans.iter().map(|it| (it.id.clone(), it.name.clone()));
    let versions = app.releases.iter().map(|it| it.version.to_string()).map(|it| (it.clone(), it));
    let sorts = ServerSort::ALL.iter().map(|it| (it.as_str(), own_words::sort(*it)));
    vec![
        Choice::new("state", "State", states, &asked.state).or_all("All states"),
        Choice::new("plan", "Plan", plans, &asked.plan).or_all("All plans"),
        Choice::new("version", "Version", versions, &asked.version).or_all("All versions"),
        Choice::new("sort", "Order", sorts, &asked.sort),
    ]
}
