//! `/servers/{server}/take-along/schedule`: whether, and how often, the platform takes it along by itself.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::exports::{self, Every, ScheduleRequest, ScheduleView};
use howdah_app::{App, instances};
use serde::Deserialize;

use super::{Named, take_along};
use crate::pages::components::{ByApi, Field, Kind, When};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "servers/schedule.html")]
pub struct Section {
    url: String,
    it: ScheduleView,
    keep: Field,
    next: Option<When>,
    by_api: ByApi,
}

impl Section {
    pub fn new(url: &str, api: &str, it: ScheduleView, mistakes: &Mistakes, now: chrono::DateTime<chrono::Utc>) -> Self {
        let keep = Field::new("keep", "Keep so many", Kind::Number)
            .hint("The newest whole ones, 1 to 10. An older one goes once there is a newer one.")
            .value(it.keep.to_string())
            .most(2)
            .check(mistakes);
        let by_api = ByApi::new("GET", format!("{api}/schedule")).and("PUT", format!("{api}/schedule"));
        Self { url: url.to_owned(), next: it.next_at.map(|at| When::new(at, now)), it, keep, by_api }
    }

    fn is(&self, word: &str) -> bool {
        self.it.every.map_or("off", Every::as_str) == word
    }
}

impl askama::filters::HtmlSafe for Section {}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ScheduleForm {
    every: String,
    keep: String,
}

pub async fn set(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<ScheduleForm>) -> Answer {
    let named = Named::of(&request);
    let it = instances::overview(&app, &person.actor, named.which()).await?;
    let ScheduleForm { every, keep } = &form.value;
    // What is no number is no number that can be kept.
    let asked = ScheduleRequest { every: Every::parse(every), keep: keep.trim().parse().unwrap_or_default() };
    match exports::set_schedule(&app, &person.actor, it.server.id, asked).await {
        Ok(_) => Ok(see_other_with(&format!("{}/take-along", super::url(&named.0)), Flash::ScheduleSaved)),
        Err(error) => take_along::again(&frame, &person, &app, &named, &Mistakes::of(error)?).await,
    }
}
