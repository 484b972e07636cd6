//! `/` and `/plans`: what this is, what it costs, and what leaving looks like.

use actix_web::web;
use askama::Template;
use howdah_app::App;
use howdah_domain::NewServers;

use super::components::{ByApi, Icon};
use super::frame::{Answer, Frame};
use super::platform::Platform;
use super::words::PlanWords;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    plans: Vec<PlanWords>,
    /// Where new servers are not open: why, in the operator's words.
    closed: Option<String>,
    grace_days: i64,
}

pub async fn home(frame: Frame, app: web::Data<App>, platform: web::Data<Platform>) -> Answer {
    let closed = closed(&app, &platform).await;
    frame.page(&HomePage { frame: &frame, plans: plans_of(&app), closed, grace_days: app.config.grace.num_days() })
}

#[derive(Template)]
#[template(path = "plans.html")]
struct PlansPage<'a> {
    frame: &'a Frame,
    plans: Vec<PlanWords>,
    closed: Option<String>,
    by_api: ByApi,
}

pub async fn plans(frame: Frame, app: web::Data<App>, platform: web::Data<Platform>) -> Answer {
    let closed = closed(&app, &platform).await;
    frame.page(&PlansPage { frame: &frame, plans: plans_of(&app), closed, by_api: ByApi::new("GET", "/api/v1/plans") })
}

fn plans_of(app: &App) -> Vec<PlanWords> {
    app.plans.iter().map(Into::into).collect()
}

/// Without the database these pages say all that they can.
async fn closed(app: &App, platform: &Platform) -> Option<String> {
    let settings = platform.settings(app).await.ok()?;
    let is_closed = settings.new_servers == NewServers::Closed;
    is_closed.then(|| match settings.new_servers_sentence.trim() {
        "" => "New servers are not taken at the moment.".to_owned(),
        sentence => sentence.to_owned(),
    })
}
