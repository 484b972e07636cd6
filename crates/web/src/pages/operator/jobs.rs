//! `/operator/jobs`: what the workers have to do, what failed first.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::fleet::{self, JobView};
use howdah_app::{App, Error};

use crate::pages::components::{ByApi, Empty, Status, Tabs, Tone, When};
use crate::pages::flash::Flash;
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::visitor::Operator;
use crate::resource::id;

pub const HERE: &str = "/operator/jobs";

#[derive(Template)]
#[template(path = "operator/jobs.html")]
struct JobsPage<'a> {
    frame: &'a Frame,
    tabs: Tabs,
    jobs: Vec<JobView>,
    empty: Empty,
    by_api: ByApi,
}

impl JobsPage<'_> {
    fn status(&self, job: &JobView) -> Status {
        match (job.has_failed, job.is_running, job.last_error.is_some()) {
            (true, ..) => Status::new(Tone::Wrong, "Failed"),
            (false, true, _) => Status::new(Tone::Wait, "Runs"),
            (false, false, true) => Status::new(Tone::Warn, "Is tried again"),
            (false, false, false) => Status::new(Tone::Wait, "Waits"),
        }
    }

    fn runs(&self, job: &JobView) -> When {
        When::new(job.run_at, self.frame.now)
    }
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>) -> Answer {
    frame.page(&JobsPage {
        frame: &frame,
        tabs: super::tabs(HERE),
        jobs: fleet::jobs(&app, &operator.actor).await?,
        empty: Empty {
            title: "Nothing to do".into(),
            sentence: "Jobs are listed here while they wait or run, and when they failed.",
            action: None,
        },
        by_api: ByApi::new("GET", "/api/v1/jobs").and("POST", "/api/v1/jobs/{id}/retry"),
    })
}

pub async fn retry(operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    match fleet::retry_job(&app, &operator.actor, id(&request, "job")?, None).await {
        Ok(_) => Ok(see_other_with(HERE, Flash::JobTriedAgain)),
        // It was faster.
        Err(Error::NotFound { .. }) => Ok(see_other_with(HERE, Flash::JobUnderWay)),
        Err(other) => Err(other.into()),
    }
}
