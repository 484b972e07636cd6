//! `/operator/servers/{server}/grant`: it runs free of charge, for a reason and until a day, or until somebody ends that.

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use howdah_app::billing::{self, GrantRequest};
use howdah_app::instances::{self, Overview};
use howdah_app::{App, Error};
use howdah_domain::Standing;
use serde::Deserialize;

use super::head::Head;
use super::words as own_words;
use crate::pages::components::{ByApi, Field, Kind, Status, Summary};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::servers::words::status;
use crate::pages::visitor::Operator;
use crate::problem::invalid;

#[derive(Template)]
#[template(path = "operator/grant.html")]
struct GrantPage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    url: String,
    head: Head,
    status: Status,
    standing: String,
    is_granted: bool,
    mistakes: &'a Mistakes,
    reason: Field,
    until: Field,
    by_api: ByApi,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct GrantForm {
    reason: String,
    until: String,
}

impl GrantForm {
    /// To the end of the day that is named.
    fn request(&self) -> Result<GrantRequest, Error> {
        let until = match self.until.trim() {
            "" => None,
            day => Some(end_of(day).ok_or_else(|| invalid("until", "malformed", "Write a day as 2027-01-31, or leave it out."))?),
        };
        Ok(GrantRequest { reason: self.reason.clone(), until })
    }
}

fn end_of(day: &str) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?.succ_opt()?;
    Some(day.and_time(NaiveTime::MIN).and_utc())
}

fn page(frame: &Frame, app: &App, it: &Overview, typed: &GrantForm, mistakes: &Mistakes) -> Answer {
    let url = super::url(it.server.id);
    let page = GrantPage {
        frame,
        it,
        head: super::head_of(app, &it.server.domain).below(&url, "Grant"),
        url,
        status: status(&it.server),
        standing: own_words::standing(&it.server.standing),
        is_granted: matches!(it.server.standing, Standing::Granted { .. }),
        mistakes,
        reason: Field::new("reason", "Why", Kind::Text)
            .hint("Whoever looks at this server later reads it.")
            .value(&typed.reason)
            .most(500)
            .check(mistakes),
        until: Field::new("until", "Until the end of", Kind::Text)
            .hint("A day, as 2027-01-31. Left out: until somebody ends it.")
            .value(&typed.until)
            .most(10)
            .optional()
            .check(mistakes),
        by_api: ByApi::new("PUT", format!("/api/v1/instances/{}/grant", it.server.id))
            .and("DELETE", format!("/api/v1/instances/{}/grant", it.server.id)),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, operator: Operator, app: Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &operator.actor, super::which(&super::named(&request))).await?;
    page(&frame, &app, &it, &GrantForm::default(), &Mistakes::default())
}

pub async fn grant(frame: Frame, operator: Operator, app: Data<App>, request: HttpRequest, form: Form<GrantForm>) -> Answer {
    let it = instances::overview(&app, &operator.actor, super::which(&super::named(&request))).await?;
    let granted = match form.value.request() {
        Ok(asked) => billing::grant(&app, &operator.actor, it.server.id, &asked).await,
        Err(wrong) => Err(wrong),
    };
    match granted {
        Ok(()) => Ok(see_other_with(&super::url(it.server.id), Flash::Granted)),
        Err(error) => page(&frame, &app, &it, &form.value, &Mistakes::of(error)?),
    }
}

/// Sent twice, it is ended once.
pub async fn end(operator: Operator, app: Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &operator.actor, super::which(&super::named(&request))).await?;
    match billing::end_grant(&app, &operator.actor, it.server.id).await {
        Ok(()) => Ok(see_other_with(&super::url(it.server.id), Flash::GrantEnded)),
        Err(Error::Conflict { .. }) => Ok(see_other(&super::url(it.server.id))),
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_lasts_to_the_end_of_its_day() {
        assert_eq!(end_of("2026-12-31").unwrap().to_rfc3339(), "2027-01-01T00:00:00+00:00");
        assert_eq!([end_of("31.12.2026"), end_of("2026-02-30"), end_of("tomorrow")], [None, None, None]);
    }
}
