//! `/operator`: every server. Search, filters and order are in the address; a reference that is no server's leads to what it is of.

use actix_web::web;
use askama::Template;
use howdah_app::fleet::{self, ClusterName};
use howdah_app::instances::{self, ServerCounts, ServerQuery, ServerRow};
use howdah_app::{Actor, App, Error};
use howdah_domain::listing::{ServerFilter, ServerSort};
use serde::Deserialize;

use super::choice::Choice;
use super::counts;
use super::head::Head;
use super::words as own_words;
use crate::pages::components::{ByApi, Empty, Field, Kind, Pager, Status};
use crate::pages::frame::{Answer, Frame, see_other};
use crate::pages::platform::Platform;
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
    app: &'a App,
    head: Head,
    search: Field,
    choices: Vec<Choice>,
    /// How many there are, of how many.
    counted: String,
    /// How many wait for an operator, and for what: words and address.
    needs: Vec<(String, String)>,
    rows: Vec<ServerRow>,
    pager: Pager,
    empty: Empty,
    by_api: ByApi,
}

impl FleetPage<'_> {
    fn status(&self, row: &ServerRow) -> Status {
        words::status(&row.server)
    }

    fn plan(&self, row: &ServerRow) -> String {
        words::plan(self.app, &row.server)
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

pub async fn show(
    frame: Frame,
    operator: Operator,
    app: web::Data<App>,
    platform: web::Data<Platform>,
    asked: web::Query<Asked>,
) -> Answer {
    if let Some(elsewhere) = super::lead(&app, &operator.actor, &asked.q).await? {
        return Ok(see_other(&elsewhere));
    }
    let query = asked.query();
    let found = instances::servers(&app, &operator.actor, &query).await?;
    let census = platform.census(&app, &operator).await?;
    let narrowed = narrowed(&app, &operator.actor, &query).await?;
    let counts = narrowed.as_ref().unwrap_or(&census.counts);
    let is_whole = found.next.is_none() && asked.after.is_empty();
    let rows = i64::try_from(found.rows.len()).ok().filter(|_| is_whole);
    frame.page(&FleetPage {
        frame: &frame,
        app: &app,
        head: Head::of(&app, super::FLEET),
        search: Field::new("q", "Domain, e-mail, reference or namespace", Kind::Search).value(&asked.q).most(253).optional_in_form(),
        choices: choices(&app, &asked, counts, &census.clusters),
        needs: if query.state.is_none() { needs(&asked, counts) } else { Vec::new() },
        counted: counts::words(&query, rows, counts, &census.counts),
        pager: Pager {
            first: (!asked.after.is_empty()).then(|| asked.address("")),
            next: found.next.as_deref().map(|it| asked.address(it)),
        },
        rows: found.rows,
        empty: empty(&query, &census.clusters),
        by_api: ByApi::new("GET", "/api/v1/instances?fleet=true"),
    })
}

/// What nobody but an operator, or whoever they tell, gets going again.
fn needs(asked: &Asked, counts: &ServerCounts) -> Vec<(String, String)> {
    let of = |state: ServerFilter, words: &str| {
        let count = counts.in_state(state);
        let address = Asked { state: state.as_str().to_owned(), ..asked.clone() }.address("");
        (count > 0).then(|| (format!("{} {words}", counts::with_commas(count)), address))
    };
    [of(ServerFilter::HeldUp, "held up"), of(ServerFilter::Waiting, "waiting for payment or approval")].into_iter().flatten().collect()
}

/// Of what is searched for; everything is counted already.
async fn narrowed(app: &App, actor: &Actor, query: &ServerQuery) -> Result<Option<ServerCounts>, Error> {
    if query.is_narrowed() { fleet::counts(app, actor, query).await.map(Some) } else { Ok(None) }
}

fn empty(query: &ServerQuery, clusters: &[ClusterName]) -> Empty {
    let unknown = query.cluster.as_ref().filter(|it| clusters.iter().all(|known| known.name != **it));
    if let Some(cluster) = unknown {
        let shown: String = cluster.chars().take(63).collect();
        return Empty {
            title: format!("There is no cluster “{shown}”").into(),
            sentence: "So no server is on it. Choose one of the clusters that there are, or any.",
            action: Some((super::FLEET, "Show all")),
        };
    }
    if !query.is_narrowed() && query.state.is_none() {
        let sentence = "Everybody’s servers are listed here once one is launched.";
        return Empty { title: "No servers yet".into(), sentence, action: None };
    }
    Empty {
        title: "No server like that".into(),
        sentence: "Search for a part of the domain, the beginning of an e-mail address, a server’s, operation’s or mail’s reference, or a \
                   namespace. The reference on an error’s page is its request’s: look for it in the log.",
        action: Some((super::FLEET, "Show all")),
    }
}

fn choices(app: &App, asked: &Asked, counts: &ServerCounts, clusters: &[ClusterName]) -> Vec<Choice> {
    let counted = |it: &ServerFilter| format!("{} ({})", it.label(), counts::with_commas(counts.in_state(*it)));
    let states = ServerFilter::ALL.iter().map(|it| (it.as_str(), counted(it)));
    let plans = app.plans.iter().map(|it| (it.id.clone(), it.name.clone()));
    let versions = app.releases.iter().map(|it| it.version.to_string()).map(|it| (it.clone(), it));
    let clusters =
        clusters.iter().map(|it| (it.name.clone(), if it.is_retired { format!("{} (retired)", it.name) } else { it.name.clone() }));
    let sorts = ServerSort::ALL.iter().map(|it| (it.as_str(), own_words::sort(*it)));
    vec![
        Choice::new("state", "State", states, &asked.state).or_all("All states"),
        Choice::new("plan", "Plan", plans, asked.plan.trim()).or_all("All plans").or_unknown(),
        Choice::new("version", "Version", versions, asked.version.trim()).or_all("All versions").or_unknown(),
        Choice::new("cluster", "Cluster", clusters, asked.cluster.trim()).or_all("Any cluster").or_unknown(),
        Choice::new("sort", "Order", sorts, &asked.sort),
    ]
}
