//! `/operator/jobs`: what the workers have to do, what failed first. The search is in the address.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::fleet::{self, JobQuery, JobView, ListedJob};
use howdah_app::{App, Error};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::head::Head;
use crate::pages::components::{ByApi, Empty, Field, Kind, Pager, Status, Tone, When};
use crate::pages::flash::Flash;
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::visitor::Operator;
use crate::resource::id;

pub const HERE: &str = "/operator/jobs";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    after: String,
}

impl Asked {
    /// The same list from another place on.
    fn address(&self, after: &str) -> String {
        let mut pairs = Serializer::new(String::new());
        for (name, value) in [("q", self.q.as_str()), ("after", after)] {
            if !value.is_empty() {
                pairs.append_pair(name, value);
            }
        }
        format!("{HERE}?{}", pairs.finish())
    }
}

#[derive(Template)]
#[template(path = "operator/jobs.html")]
struct JobsPage<'a> {
    frame: &'a Frame,
    head: Head,
    search: Field,
    jobs: Vec<ListedJob>,
    pager: Pager,
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

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>, asked: web::Query<Asked>) -> Answer {
    let query = JobQuery { search: asked.q.clone(), after: Some(asked.after.clone()).filter(|it| !it.is_empty()) };
    let found = fleet::jobs(&app, &operator.actor, &query).await?;
    frame.page(&JobsPage {
        frame: &frame,
        head: Head::of(&app, HERE),
        search: Field::new("q", "Job, number, error, domain, reference or namespace", Kind::Search)
            .value(&asked.q)
            .most(253)
            .optional_in_form(),
        jobs: found.jobs,
        pager: Pager { first: query.after.map(|_| asked.address("")), next: found.next.map(|it| asked.address(&it)) },
        empty: empty(&asked),
        by_api: ByApi::new("GET", "/api/v1/jobs").and("POST", "/api/v1/jobs/{id}/retry"),
    })
}

fn empty(asked: &Asked) -> Empty {
    match (asked.q.trim().is_empty(), asked.after.is_empty()) {
        (true, true) => Empty {
            title: "Nothing to do".into(),
            sentence: "Jobs are listed here while they wait or run, and when they failed.",
            action: None,
        },
        (true, false) => Empty { title: "No more jobs".into(), sentence: "They were done meanwhile.", action: Some((HERE, "First page")) },
        (false, _) => Empty {
            title: "No job like that".into(),
            sentence: "What is done is no longer listed. Search for a part of a job’s name, its number, a part of its error, or its server.",
            action: Some((HERE, "Show all")),
        },
    }
}

pub async fn retry(operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    match fleet::retry_job(&app, &operator.actor, id(&request, "job")?, None).await {
        Ok(_) => Ok(see_other_with(HERE, Flash::JobTriedAgain)),
        // It was faster.
        Err(Error::NotFound { .. }) => Ok(see_other_with(HERE, Flash::JobUnderWay)),
        Err(other) => Err(other.into()),
    }
}
