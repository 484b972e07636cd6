//! It ends with what is paid: asked on one page that says what happens when, and taken back by one button.

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::billing::{self, BillView};
use howdah_app::instances::{self, Overview};
use howdah_app::{App, Error};
use howdah_domain::billing::timeline::Stage;

use super::cap::CapForm;
use crate::pages::components::{ByApi, Crumbs, Icon, Status, Summary, Tabs, When};
use crate::pages::flash::Flash;
use crate::pages::form::Mistakes;
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::servers::{Named, url, words};
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "servers/billing/cancel.html")]
struct CancelPage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    url: String,
    server_url: String,
    crumbs: Crumbs,
    tabs: Tabs,
    status: Status,
    mistakes: &'a Mistakes,
    runs_until: When,
    is_trial: bool,
    steps: &'a [(Stage, DateTime<Utc>, String); 3],
    by_api: ByApi,
}

impl CancelPage<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.frame.now)
    }
}

pub async fn ask(frame: Frame, person: Person, app: Data<App>, request: HttpRequest) -> Answer {
    page(&frame, &person, &app, &request, &Mistakes::default()).await
}

async fn page(frame: &Frame, person: &Person, app: &App, request: &HttpRequest, mistakes: &Mistakes) -> Answer {
    let it = instances::overview(app, &person.actor, Named::of(request).which()).await?;
    let bill = super::bill_of(app, person, &it).await?;
    let server_url = url(&it.server.slug);
    let here = format!("{server_url}/billing");
    // Nothing to cancel, or it was: the bill says how it is.
    let (Some(steps), Some(row), true) = (&bill.if_cancelled, &bill.subscription, bill.can_change) else { return Ok(see_other(&here)) };
    let page = CancelPage {
        frame,
        it: &it,
        crumbs: super::super::crumbs(&it.server.domain).below(&server_url, "Cancel"),
        tabs: super::super::tabs(app, &it.server.slug, "Billing"),
        status: words::status(&it.server),
        mistakes,
        runs_until: When::new(row.period_end, frame.now),
        is_trial: is_trial(&bill),
        steps,
        by_api: ByApi::new("POST", format!("{}/cancel", super::api(&it))),
        url: here,
        server_url,
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

fn is_trial(bill: &BillView) -> bool {
    bill.subscription.as_ref().is_some_and(|it| it.status == "trialing")
}

/// Sent twice, it is cancelled once.
pub async fn cancel(frame: Frame, person: Person, app: Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    match billing::cancel(&app, &person.actor, it.server.id).await {
        Ok(()) => Ok(see_other_with(&format!("{}/billing", url(&it.server.slug)), Flash::SubscriptionCancelled)),
        Err(error @ Error::Unavailable { .. }) => page(&frame, &person, &app, &request, &super::mistakes(error)?).await,
        Err(error) => again(&frame, &person, &app, &request, error).await,
    }
}

pub async fn undo(frame: Frame, person: Person, app: Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    match billing::take_back_cancel(&app, &person.actor, it.server.id).await {
        Ok(()) => Ok(see_other_with(&format!("{}/billing", url(&it.server.slug)), Flash::SubscriptionGoesOn)),
        Err(error) => again(&frame, &person, &app, &request, error).await,
    }
}

async fn again(frame: &Frame, person: &Person, app: &App, request: &HttpRequest, error: Error) -> Answer {
    super::page(frame, person, app, request, &CapForm::default(), &super::mistakes(error)?).await
}
