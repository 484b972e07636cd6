//! `/operator/operations`: everybody's long work, and trying again what failed.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::fleet::{self, FleetOperation};
use howdah_app::{App, Once};
use howdah_domain::listing::OperationFilter;
use howdah_domain::{OperationState, StepState};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::choice::Choice;
use super::head::Head;
use super::words;
use crate::page::PageQuery;
use crate::pages::components::{ByApi, Empty, Field, Kind, Pager, Status, When, steps};
use crate::pages::flash::Flash;
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::operations::status;
use crate::pages::visitor::Operator;
use crate::resource::id;

pub const HERE: &str = "/operator/operations";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    show: String,
}

impl Asked {
    /// The list without its pages.
    fn address(&self, filter: OperationFilter) -> String {
        let mut pairs = Serializer::new(String::new());
        pairs.append_pair("show", filter.as_str());
        if !self.q.trim().is_empty() {
            pairs.append_pair("q", self.q.trim());
        }
        format!("{HERE}?{}", pairs.finish())
    }
}

#[derive(Template)]
#[template(path = "operator/operations.html")]
struct OperationsPage<'a> {
    frame: &'a Frame,
    head: Head,
    search: Field,
    show: Choice,
    operations: Vec<FleetOperation>,
    pager: Pager,
    empty: Empty,
    by_api: ByApi,
}

impl OperationsPage<'_> {
    fn status(&self, it: &FleetOperation) -> Status {
        status(&it.operation)
    }

    fn kind(&self, it: &FleetOperation) -> &'static str {
        steps::title(&it.operation)
    }

    fn began(&self, it: &FleetOperation) -> When {
        When::new(it.operation.created_at, self.frame.now)
    }

    /// The step that it is at.
    fn step(&self, it: &FleetOperation) -> &'static str {
        let step = it.operation.steps.iter().find(|it| matches!(it.state, StepState::Running | StepState::Failed));
        step.map(|it| steps::name(it.name)).unwrap_or_default()
    }

    fn is_in_trouble(&self, it: &FleetOperation) -> bool {
        it.operation.failure.is_some() && matches!(it.operation.state, OperationState::Running | OperationState::Failed)
    }
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>, page: PageQuery, asked: web::Query<Asked>) -> Answer {
    let filter = OperationFilter::parse(&asked.show).unwrap_or(OperationFilter::All);
    let found = fleet::operations(&app, &operator.actor, &asked.q, filter, page.to_fetch()).await?;
    let (operations, cursor) = page.cut(found, |it| it.operation.id.as_uuid());
    let here = asked.address(filter);
    // The choice's first is what an address without one shows.
    let filters = [OperationFilter::All, OperationFilter::Live, OperationFilter::HeldUp, OperationFilter::Failed, OperationFilter::Ended];
    frame.page(&OperationsPage {
        frame: &frame,
        head: Head::of(&app, HERE),
        search: Field::new("q", "Domain or reference", Kind::Search).value(&asked.q).most(253).optional_in_form(),
        show: Choice::new("show", "Which", filters.map(|it| (it.as_str(), words::operations(it))), filter.as_str()),
        operations,
        pager: Pager { first: page.before.map(|_| here.clone()), next: cursor.map(|it| format!("{here}&cursor={it}")) },
        empty: match filter {
            _ if !asked.q.trim().is_empty() => Empty {
                title: "No operation like that".into(),
                sentence: "Search for a part of the server’s domain, or for the reference of the operation, its server or its account.",
                action: Some((HERE, "Show all")),
            },
            OperationFilter::All => {
                Empty { title: "No operations yet".into(), sentence: "Launches, closings and removals are listed here.", action: None }
            }
            _ => Empty { title: "None like that".into(), sentence: "Nothing needs you here.", action: Some((HERE, "Show all")) },
        },
        by_api: ByApi::new("POST", "/api/v1/operations/{id}/retry"),
    })
}

pub async fn retry(operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    let here = match fleet::retry(&app, &operator.actor, id(&request, "operation")?, None).await? {
        Once::Done(tried) => super::url(tried.instance),
        Once::Again { .. } => HERE.to_owned(),
    };
    Ok(see_other_with(&here, Flash::TriedAgain))
}
