//! Another plan: chosen, looked at with what it costs, and only then agreed to.

use actix_web::HttpRequest;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use howdah_app::billing::{self, BillView, PlanPreview};
use howdah_app::instances::{self, Overview};
use howdah_app::{App, Error};
use howdah_domain::Money;
use serde::Deserialize;

use crate::pages::components::{ByApi, Crumbs, Icon, Status, Summary, Tabs, When};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::servers::{Named, words};
use crate::pages::visitor::Person;
use crate::pages::words::PlanWords;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PlanForm {
    plan: String,
    /// Of the preview that is agreed to.
    as_of: String,
}

#[derive(Template)]
#[template(path = "servers/billing/plan.html")]
struct PlanPage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    bill: &'a BillView,
    url: String,
    crumbs: Crumbs,
    tabs: Tabs,
    status: Status,
    mistakes: &'a Mistakes,
    chosen: &'a str,
    /// Each with its price in the currency that is paid in.
    plans: Vec<(PlanWords, Option<Money>)>,
    preview: Option<&'a PlanPreview>,
    /// By its name.
    wanted: String,
    choose_by_api: ByApi,
    by_api: ByApi,
}

impl PlanPage<'_> {
    fn renews(&self, preview: &PlanPreview) -> When {
        When::new(preview.renews_at, self.frame.now)
    }

    fn as_of(&self, preview: &PlanPreview) -> String {
        preview.as_of.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    fn button(&self, preview: &PlanPreview) -> String {
        let now = if preview.due_now.minor > 0 { preview.due_now.to_string() } else { "nothing".to_owned() };
        match preview.renewal {
            Some(renewal) => format!("Change with obligation to pay: {now} now, then {renewal} a month"),
            None => format!("Change with obligation to pay: {now} now"),
        }
    }

    fn credit(&self, preview: &PlanPreview) -> Option<Money> {
        preview.total_now.negated().ok().filter(|it| it.minor > 0)
    }
}

struct Shown<'a> {
    chosen: &'a str,
    preview: Option<&'a PlanPreview>,
    mistakes: &'a Mistakes,
}

/// What is looked at has an address that can be sent to a colleague: nothing is changed by it.
pub async fn show(frame: Frame, person: Person, app: Data<App>, request: HttpRequest, query: Query<PlanForm>) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let none = Mistakes::default();
    if query.plan.is_empty() {
        return page(&frame, &person, &app, &it, Shown { chosen: "", preview: None, mistakes: &none }).await;
    }
    looked_at(&frame, &person, &app, &it, &query.plan, none).await
}

/// With what it costs now, and `mistakes` of what was agreed to before.
async fn looked_at(frame: &Frame, person: &Person, app: &App, it: &Overview, plan: &str, mistakes: Mistakes) -> Answer {
    match billing::preview_plan(app, &person.actor, it.server.id, plan).await {
        Ok(preview) => page(frame, person, app, it, Shown { chosen: plan, preview: Some(&preview), mistakes: &mistakes }).await,
        Err(error) => {
            let wrong = super::mistakes(error)?;
            let mistakes = if mistakes.is_empty() { &wrong } else { &mistakes };
            page(frame, person, app, it, Shown { chosen: plan, preview: None, mistakes }).await
        }
    }
}

pub async fn agree(frame: Frame, person: Person, app: Data<App>, request: HttpRequest, form: Form<PlanForm>) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let PlanForm { plan, as_of } = &form.value;
    // What is no time is a preview of long ago.
    let as_of = as_of.parse().unwrap_or(DateTime::<Utc>::UNIX_EPOCH);
    let here = format!("{}/billing", super::super::url(&it.server.slug));
    match billing::change_plan(&app, &person.actor, it.server.id, plan, as_of).await {
        Ok(()) => Ok(see_other_with(&here, Flash::PlanChanged)),
        // Sent twice, it was done once.
        Err(Error::Invalid { fields }) if fields.iter().any(|it| it.reason == "same_plan") => Ok(see_other_with(&here, Flash::PlanChanged)),
        Err(error) => {
            let mistakes = super::mistakes(error)?;
            looked_at(&frame, &person, &app, &it, plan, mistakes).await
        }
    }
}

async fn page(frame: &Frame, person: &Person, app: &App, it: &Overview, shown: Shown<'_>) -> Answer {
    let bill = super::bill_of(app, person, it).await?;
    let server = &it.server;
    let (url, api) = (format!("{}/billing", super::super::url(&server.slug)), super::api(it));
    let currency = bill.subscription.as_ref().map(|it| it.monthly.currency);
    let others = app.plans.iter().filter(|it| it.id != server.plan);
    let page = PlanPage {
        frame,
        it,
        bill: &bill,
        crumbs: super::super::crumbs(&server.domain).below(&super::super::url(&server.slug), "Change the plan"),
        tabs: super::super::tabs(app, &server.slug, "Billing"),
        status: words::status(server),
        mistakes: shown.mistakes,
        chosen: shown.chosen,
        plans: others.map(|it| (it.into(), currency.and_then(|of| it.price(of)))).collect(),
        preview: shown.preview,
        wanted: app.plans.get(shown.chosen).map_or_else(|| shown.chosen.to_owned(), |it| it.name.clone()),
        choose_by_api: ByApi::new("POST", format!("{api}/preview")),
        by_api: ByApi::new("PUT", format!("{api}/plan")),
        url,
    };
    if shown.mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}
