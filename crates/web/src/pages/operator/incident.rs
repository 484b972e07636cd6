//! `/operator/incidents/{id}`: what happened where somebody was shown an error and a reference.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::App;
use howdah_app::incidents::{self, Incident};
use uuid::Uuid;

use super::head::Head;
use crate::pages::components::When;
use crate::pages::frame::{Answer, Frame};
use crate::pages::visitor::Operator;
use crate::problem::Problem;

pub const HERE: &str = "/operator/incidents";

#[derive(Template)]
#[template(path = "operator/incident.html")]
struct IncidentPage<'a> {
    frame: &'a Frame,
    head: Head,
    happened: When,
    it: Incident,
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    let reference = request.match_info().get("id").and_then(|it| Uuid::try_parse(it).ok());
    let reference = reference.ok_or_else(|| Problem::malformed_id("incident"))?;
    let it = incidents::find(&app, &operator.actor, reference).await?;
    frame.page(&IncidentPage {
        frame: &frame,
        head: Head::of(&app, super::FLEET).below(super::FLEET, "A request that failed"),
        happened: When::new(it.happened_at, frame.now),
        it,
    })
}
