//! `/operations/{id}`: long work as it happens.

use actix_web::web::Data;
use actix_web::{HttpRequest, web};
use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::instances;
use howdah_app::operations::{self, OperationView};
use howdah_app::{Actor, App};
use howdah_domain::{OperationId, OperationState};

use super::components::{ByApi, Crumbs, Help, Status, Steps, Tone, When, steps};
use super::frame::{Answer, Frame};
use super::live::{self, Live, Moment};
use super::platform::Platform;
use super::servers;
use super::visitor::Person;
use crate::problem::Problem;
use crate::resource::id;
use crate::streams::Streams;

#[derive(Template)]
#[template(path = "operation.html")]
struct OperationPage<'a> {
    frame: &'a Frame,
    crumbs: Crumbs,
    title: String,
    live: Live,
    by_api: ByApi,
}

/// The part that changes.
#[derive(Template)]
#[template(path = "operation_live.html")]
struct Fragment {
    title: String,
    domain: String,
    kind: &'static str,
    status: Status,
    began: When,
    steps: Steps,
    is_live: bool,
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let id: OperationId = id(&request, "operation")?;
    let view = operations::get(&app, &person.actor, id).await?;
    let domain = domain(&app, &person.actor, &view).await?;
    let server = servers::url(&view.instance.to_string());
    let page = OperationPage {
        frame: &frame,
        crumbs: Crumbs::new([("Servers", "/servers"), (&domain, &server)], steps::title(&view)),
        title: title(&view, &domain),
        live: Live::new(format!("/operations/{id}/live"), moment(&view, &domain, frame.support.clone(), frame.now)?),
        by_api: ByApi::new("GET", format!("/api/v1/operations/{id}")),
    };
    frame.page(&page)
}

pub async fn live(request: HttpRequest, person: Person, app: Data<App>, platform: Data<Platform>, streams: Data<Streams>) -> Answer {
    let id: OperationId = id(&request, "operation")?;
    let (seen_by, of) = (person.actor.clone(), app.clone());
    let domain = domain(&app, &person.actor, &operations::get(&app, &person.actor, id).await?).await?;
    live::stream(&request, &app, &streams, &person, async move || look(&of, &platform, &seen_by, id, &domain).await).await
}

async fn domain(app: &App, actor: &Actor, of: &OperationView) -> Result<String, Problem> {
    Ok(instances::get(app, actor, of.instance).await?.domain)
}

async fn look(app: &App, platform: &Platform, actor: &Actor, id: OperationId, domain: &str) -> Result<Moment, Problem> {
    let view = operations::get(app, actor, id).await?;
    moment(&view, domain, platform.support_address(), app.clock.now())
}

/// Also where all is well: a page that is sent to somebody says what it is of.
fn moment(view: &OperationView, domain: &str, support: Option<String>, now: DateTime<Utc>) -> Result<Moment, Problem> {
    let fragment = Fragment {
        title: title(view, domain),
        domain: domain.to_owned(),
        kind: steps::title(view),
        status: status(view),
        began: When::new(view.started_at.unwrap_or(view.created_at), now),
        steps: Steps::new(view, now).with_help(Some(Help::new(view.id, support))),
        is_live: view.state.is_live(),
    };
    live::moment(view.revision.to_string(), &fragment, !view.state.is_live())
}

pub fn status(view: &OperationView) -> Status {
    match (view.state, view.failure.is_some()) {
        (OperationState::Queued, _) => Status::new(Tone::Wait, "Waiting"),
        (OperationState::Running, true) => Status::new(Tone::Warn, "Held up"),
        (OperationState::Running, false) => {
            let (done, all) = steps::done(view);
            Status::new(Tone::Wait, format!("{done} of {all} done"))
        }
        (OperationState::Succeeded, _) => Status::new(Tone::Well, "Done"),
        (OperationState::Failed, _) => Status::new(Tone::Wrong, "Failed"),
        (OperationState::Cancelled, _) => Status::new(Tone::Warn, "Cancelled"),
    }
}

fn title(view: &OperationView, domain: &str) -> String {
    format!("{} · {} · {domain}", status(view).word, steps::title(view))
}
