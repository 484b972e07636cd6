//! `/operator/money`: what subscriptions come to, by plan and region, and what of it is not paid.

use actix_web::web::Data;
use askama::Template;
use howdah_app::App;
use howdah_app::billing::{self, MoneyView, Share};
use howdah_domain::Currency;

use super::head::Head;
use crate::pages::components::{Bar, Bars, ByApi, Empty};
use crate::pages::frame::{Answer, Frame};
use crate::pages::visitor::Operator;
use crate::problem::Problem;

pub const HERE: &str = "/operator/money";

#[derive(Template)]
#[template(path = "operator/money.html")]
struct MoneyPage<'a> {
    frame: &'a Frame,
    head: Head,
    it: &'a MoneyView,
    /// In percent.
    churn: String,
    by_plan: Vec<Bars>,
    by_region: Vec<Bars>,
    empty: Empty,
    by_api: ByApi,
}

pub async fn show(frame: Frame, operator: Operator, app: Data<App>) -> Answer {
    if app.billing.is_none() {
        return Err(Problem::no_such_page());
    }
    let it = billing::money(&app, &operator.actor).await?;
    let plan_name = |id: &str| app.plans.get(id).map_or_else(|| id.to_owned(), |it| it.name.clone());
    frame.page(&MoneyPage {
        frame: &frame,
        head: Head::of(&app, HERE),
        churn: format!("{}.{} %", it.churn_permille / 10, it.churn_permille % 10),
        by_plan: bars(&it, "plans", "Plan", &it.by_plan, plan_name),
        by_region: bars(&it, "regions", "Region", &it.by_region, str::to_owned),
        empty: Empty {
            title: "Nothing is paid yet".into(),
            sentence: "What subscriptions come to is shown here, from the first one on.",
            action: None,
        },
        by_api: ByApi::new("GET", "/api/v1/money"),
        it: &it,
    })
}

/// One plot a currency: amounts of two are not added, nor beside each other.
fn bars(it: &MoneyView, id: &'static str, of: &'static str, shares: &[Share], name: impl Fn(&str) -> String) -> Vec<Bars> {
    let of_currency = |currency: Currency| {
        let found = shares.iter().filter(move |it| it.mrr.currency == currency);
        let bar = |it: &Share| Bar {
            label: name(&it.name),
            value: u64::try_from(it.mrr.minor).unwrap_or_default(),
            words: it.mrr.to_string(),
            more: it.subscriptions.to_string(),
        };
        Bars::new(id, currency, format!("{of}, {currency} a month"), [of, "A month", "Subscriptions"], found.map(bar).collect())
    };
    it.totals.iter().map(|it| of_currency(it.mrr.currency)).collect()
}
