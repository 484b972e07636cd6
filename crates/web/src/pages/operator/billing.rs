//! `/operator/billing`: what Stripe told and what was done about it, and where Stripe, the record and what runs differed.

use actix_web::HttpRequest;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::App;
use howdah_app::billing::{self, EventView, ReconciliationView};
use serde::Deserialize;

use super::head::Head;
use crate::page::PageQuery;
use crate::pages::components::{ByApi, Empty, Pager, Status, Tone, When};
use crate::pages::flash::Flash;
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::visitor::Operator;
use crate::problem::Problem;

pub const HERE: &str = "/operator/billing";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    show: String,
}

#[derive(Template)]
#[template(path = "operator/billing.html")]
struct BillingPage<'a> {
    frame: &'a Frame,
    head: Head,
    events: Vec<EventView>,
    unhandled: bool,
    pager: Pager,
    empty: Empty,
    reconciliations: Vec<ReconciliationView>,
    never: Empty,
    events_by_api: ByApi,
    by_api: ByApi,
}

impl BillingPage<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.frame.now)
    }

    fn status(&self, event: &EventView) -> Status {
        match (event.handled_at, event.outcome.is_some()) {
            (Some(_), _) => Status::new(Tone::Well, "Handled"),
            (None, true) => Status::new(Tone::Warn, "Is tried again"),
            (None, false) => Status::new(Tone::Wait, "Waits"),
        }
    }

    fn compared(&self, it: &ReconciliationView) -> Status {
        match (it.ended_at, it.differences.len()) {
            (None, _) => Status::new(Tone::Wait, "Not ended"),
            (Some(_), 0) => Status::new(Tone::Well, "No difference"),
            (Some(_), 1) => Status::new(Tone::Warn, "1 difference"),
            (Some(_), many) => Status::new(Tone::Warn, format!("{many} differences")),
        }
    }
}

pub async fn show(frame: Frame, operator: Operator, app: Data<App>, asked: Query<Asked>, page: PageQuery<i64>) -> Answer {
    if app.billing.is_none() {
        return Err(Problem::no_such_page());
    }
    let unhandled = asked.show == "unhandled";
    let address = |cursor: &str| {
        let show = if unhandled { "show=unhandled&" } else { "" };
        format!("{HERE}?{show}{cursor}").trim_end_matches(['?', '&']).to_owned()
    };
    let before = page.before.and_then(DateTime::from_timestamp_micros);
    let found = billing::events(&app, &operator.actor, before, unhandled, page.fetched()).await?;
    let (events, cursor) = page.cut(found, |it| it.received_at.timestamp_micros());
    frame.page(&BillingPage {
        frame: &frame,
        head: Head::of(&app, HERE),
        events,
        unhandled,
        pager: Pager { first: page.before.map(|_| address("")), next: cursor.map(|it| address(&format!("cursor={it}"))) },
        empty: empty(unhandled),
        reconciliations: billing::reconciliations(&app, &operator.actor).await?,
        never: Empty {
            title: "Not compared yet".into(),
            sentence: "Each night it is compared, and what differed is listed here.",
            action: None,
        },
        events_by_api: ByApi::new("GET", "/api/v1/billing/events").and("POST", "/api/v1/billing/events/{event}/replay"),
        by_api: ByApi::new("GET", "/api/v1/billing/reconciliations"),
    })
}

fn empty(unhandled: bool) -> Empty {
    if unhandled {
        Empty { title: "Nothing waits".into(), sentence: "All that Stripe told is handled.", action: Some((HERE, "Show all")) }
    } else {
        Empty {
            title: "Nothing was told yet".into(),
            sentence: "What Stripe tells is listed here, with what was done about it.",
            action: None,
        }
    }
}

pub async fn replay(operator: Operator, app: Data<App>, request: HttpRequest) -> Answer {
    let event = request.match_info().get("event").unwrap_or_default();
    billing::replay(&app, &operator.actor, event).await?;
    Ok(see_other_with(HERE, Flash::EventReplayed))
}
