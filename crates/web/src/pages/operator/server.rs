//! `/operator/servers/{server}`: all that is known of one server, and what an operator can do about it.

use actix_web::web::Data;
use actix_web::{HttpRequest, web};
use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::fleet::{self, OperatorServer};
use howdah_app::instances;
use howdah_app::operations::OperationView;
use howdah_app::{Actor, App};
use howdah_domain::lifecycle::Condition;
use howdah_domain::records::Diagnosis;
use howdah_domain::{Action, OperationState, Usage};

use super::head::{Head, tabs};
use super::words as own_words;
use crate::pages::components::{Activity, ByApi, Copyable, Icon, Status, Steps, Tabs, Tone, When, steps};
use crate::pages::flash::Flash;
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::live::{self, Live, Moment};
use crate::pages::operations;
use crate::pages::servers::words;
use crate::pages::visitor::{Operator, Person};
use crate::problem::Problem;
use crate::streams::Streams;

#[derive(Template)]
#[template(path = "operator/server.html")]
struct ServerPage<'a> {
    frame: &'a Frame,
    title: String,
    head: Head,
    live: Live,
    by_api: ByApi,
}

/// The part that changes.
#[derive(Template)]
#[template(path = "operator/server_live.html")]
struct Fragment<'a> {
    it: &'a OperatorServer,
    title: String,
    url: String,
    status: Status,
    tabs: Tabs,
    work: Option<Work<'a>>,
    faults: Vec<&'a Diagnosis>,
    activity: Activity,
    plan: String,
    now: DateTime<Utc>,
}

/// What is under way, or was last.
struct Work<'a> {
    it: &'a OperationView,
    kind: &'static str,
    status: Status,
    steps: Steps,
    /// Of trying it again.
    by_api: ByApi,
}

impl Fragment<'_> {
    fn offers(&self, action: Action) -> bool {
        self.it.overview.actions.contains(&action)
    }

    fn by_api(&self, method: &'static str, part: &str) -> ByApi {
        ByApi::new(method, format!("/api/v1/instances/{}{part}", self.it.overview.server.id))
    }

    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.now)
    }

    fn condition(&self, condition: &Condition) -> Status {
        match condition.met {
            Some(true) => Status::new(Tone::Well, "Met"),
            // Nothing is wrong: its time has not come, or nobody asked for it.
            Some(false) if ["Progressing", "Waiting", "NotWanted"].contains(&condition.reason.as_str()) => {
                Status::new(Tone::Wait, "Not yet")
            }
            Some(false) => Status::new(Tone::Warn, "Not met"),
            None => Status::new(Tone::Wait, "Not known"),
        }
    }

    fn of_operation(&self, operation: &OperationView) -> Status {
        operations::status(operation)
    }

    fn kind(&self, operation: &OperationView) -> &'static str {
        steps::title(operation)
    }

    fn standing(&self) -> String {
        own_words::standing(&self.it.overview.server.standing)
    }

    fn desired(&self) -> String {
        own_words::desired(self.it.overview.server.desired)
    }

    fn reference(&self) -> Copyable {
        Copyable::new("the reference", &self.it.overview.reference)
    }

    fn namespace(&self) -> Copyable {
        Copyable::new("the namespace", &self.it.namespace)
    }

    fn usage(&self) -> Option<Usage> {
        self.it.overview.server.usage
    }

    fn bytes(&self, count: &i64) -> String {
        words::bytes(*count)
    }
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = fleet::server(&app, &operator.actor, super::which(&super::named(&request))).await?;
    let server = &it.overview.server;
    frame.page(&ServerPage {
        frame: &frame,
        title: title(&it),
        head: super::head_of(&app, &server.domain),
        live: Live::new(format!("{}/live", super::url(server.id)), moment(&app, &it, frame.now)?),
        by_api: ByApi::new("GET", format!("/api/v1/instances/{}", server.id)),
    })
}

/// A stream is its reader's `Person`; that they operate is asked for besides, so that it is not there for others.
pub async fn live(_: Operator, request: HttpRequest, person: Person, app: Data<App>, streams: Data<Streams>) -> Answer {
    let (named, seen_by, of) = (super::named(&request), person.actor.clone(), app.clone());
    live::stream(&request, &app, &streams, &person, async move || look(&of, &seen_by, &named).await).await
}

async fn look(app: &App, actor: &Actor, named: &str) -> Result<Moment, Problem> {
    moment(app, &fleet::server(app, actor, super::which(named)).await?, app.clock.now())
}

fn moment(app: &App, it: &OperatorServer, now: DateTime<Utc>) -> Result<Moment, Problem> {
    let server = &it.overview.server;
    // What succeeded makes room: its steps are behind its row among the operations.
    let shown = it.overview.last_operation.as_ref().filter(|it| it.state != OperationState::Succeeded);
    let work = shown.map(|it| Work {
        it,
        kind: steps::title(it),
        status: operations::status(it),
        steps: Steps::new(it, now),
        by_api: ByApi::new("POST", format!("/api/v1/operations/{}/retry", it.id)),
    });
    let fragment = Fragment {
        it,
        title: title(it),
        url: super::url(server.id),
        status: words::status(server),
        tabs: tabs(app, super::FLEET),
        work,
        faults: it.address.diagnoses.iter().filter(|it| it.is_fault()).collect(),
        activity: Activity::new(&it.activity, now),
        plan: words::plan(app, server),
        now,
    };
    live::moment(version(it), &fragment, words::is_at_rest(server))
}

fn title(it: &OperatorServer) -> String {
    let server = &it.overview.server;
    format!("{} · {} · Operator", words::status(server).word, server.domain)
}

/// Of everything that the fragment shows.
fn version(it: &OperatorServer) -> String {
    let at = |it: Option<DateTime<Utc>>| it.map(|it| it.timestamp_millis()).unwrap_or_default();
    let server = &it.overview.server;
    let operations: i64 = it.operations.iter().map(|it| it.revision).sum();
    format!(
        "{}-{}-{}-{operations}-{}-{}-{}-{}",
        server.revision,
        server.phase.as_str(),
        it.operations.len(),
        at(it.observed_at),
        at(it.sync.as_ref().map(|it| it.tried_at)),
        at(it.overview.looked_at),
        it.activity.first().map(|it| it.seq).unwrap_or_default(),
    )
}

/// What was asked for twice was done once.
pub async fn approve(operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &operator.actor, super::which(&super::named(&request))).await?;
    let url = super::url(it.server.id);
    if !it.actions.contains(&Action::Approve) {
        return Ok(see_other(&url));
    }
    instances::approve(&app, &operator.actor, it.server.id, None, None).await?;
    Ok(see_other_with(&url, Flash::Approved))
}

pub async fn undo(operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &operator.actor, super::which(&super::named(&request))).await?;
    let url = super::url(it.server.id);
    if !it.actions.contains(&Action::Undo) {
        return Ok(see_other(&url));
    }
    instances::undo(&app, &operator.actor, it.server.id, None, None).await?;
    Ok(see_other_with(&url, Flash::TakenBack))
}
