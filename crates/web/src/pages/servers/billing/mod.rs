//! `/servers/{server}/billing`: what it costs and why, what comes next, and all that can be changed about it.
//!
//! It is made from our own record, so that it is there while the payment provider is away.

mod cancel;
mod cap;
mod invoice;
mod lines;
mod pay;
mod plan;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::web::{Data, ServiceConfig, route};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use howdah_app::billing::{self, BillView};
use howdah_app::instances::{self, Overview};
use howdah_app::{App, Error};
use howdah_domain::billing::timeline::Stage;

use self::lines::{BillLine, InvoiceRow};
use super::banner::Banner;
use super::{Named, overview, words};
use crate::pages::components::{ByApi, Crumbs, Empty, Field, Icon, Meter, Status, Summary, Tabs, When};
use crate::pages::dress::policy_leading_to;
use crate::pages::form::Mistakes;
use crate::pages::frame::{Answer, Frame};
use crate::pages::visitor::Person;
use crate::problem::Problem;
use crate::resource::resource;

/// Where forms of these pages may lead on to.
pub struct PaymentPages(pub Vec<String>);

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/servers/{server}/billing", [(Method::GET, || route().to(show))]))
        .service(resource("/servers/{server}/billing/pay", [(Method::POST, || route().to(pay::pay))]))
        .service(resource(
            "/servers/{server}/billing/invoice",
            [(Method::GET, || route().to(invoice::ask)), (Method::POST, || route().to(invoice::order))],
        ))
        .service(resource("/servers/{server}/billing/done", [(Method::GET, || route().to(pay::done))]))
        .service(resource("/servers/{server}/billing/portal", [(Method::POST, || route().to(pay::portal))]))
        .service(resource("/servers/{server}/billing/limit", [(Method::POST, || route().to(cap::set))]))
        .service(resource("/servers/{server}/billing/limit/lift", [(Method::POST, || route().to(cap::lift))]))
        .service(resource(
            "/servers/{server}/billing/plan",
            [(Method::GET, || route().to(plan::show)), (Method::POST, || route().to(plan::agree))],
        ))
        .service(resource(
            "/servers/{server}/billing/cancel",
            [(Method::GET, || route().to(cancel::ask)), (Method::POST, || route().to(cancel::cancel))],
        ))
        .service(resource("/servers/{server}/billing/cancel/undo", [(Method::POST, || route().to(cancel::undo))]));
}

#[derive(Template)]
#[template(path = "servers/billing/show.html")]
struct BillPage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    bill: BillView,
    /// Of this page, and of the server's.
    url: String,
    server_url: String,
    crumbs: Crumbs,
    tabs: Tabs,
    banner: Banner,
    status: Status,
    mistakes: &'a Mistakes,
    lines: Vec<BillLine>,
    invoices: Vec<InvoiceRow>,
    no_invoices: Empty,
    meters: Vec<Meter>,
    /// By its name.
    plan: String,
    cap: Field,
    pay_by_api: ByApi,
    portal_by_api: ByApi,
    cap_by_api: ByApi,
    undo_by_api: ByApi,
    by_api: ByApi,
}

impl BillPage<'_> {
    fn when(&self, at: &chrono::DateTime<chrono::Utc>) -> When {
        When::new(*at, self.frame.now)
    }

    /// It ends by the customer's wish, and has not ended yet.
    fn ends(&self) -> Option<When> {
        let it = self.bill.subscription.as_ref()?;
        it.cancel_at.filter(|at| self.bill.can_change && self.frame.now < *at).map(|at| self.when(&at))
    }

    /// Of what is open, the newest, where its page is.
    fn open_invoice(&self) -> Option<&InvoiceRow> {
        self.invoices.iter().find(|it| it.is_open() && it.page.is_some())
    }

    fn order(&self) -> Option<pay::Order> {
        self.bill.offer.as_ref().map(|it| pay::Order::new(it, self.frame.now))
    }
}

pub async fn show(frame: Frame, person: Person, app: Data<App>, request: HttpRequest) -> Answer {
    page(&frame, &person, &app, &request, &cap::CapForm::default(), &Mistakes::default()).await
}

async fn page(frame: &Frame, person: &Person, app: &App, request: &HttpRequest, typed: &cap::CapForm, mistakes: &Mistakes) -> Answer {
    let it = instances::overview(app, &person.actor, Named::of(request).which()).await?;
    let mut bill = bill_of(app, person, &it).await?;
    let (server, server_url) = (&it.server, super::url(&it.server.slug));
    let url = format!("{server_url}/billing");
    let api = api(&it);
    let page = BillPage {
        frame,
        crumbs: super::crumbs(&server.domain),
        tabs: super::tabs(app, &server.slug, "Billing"),
        banner: Banner::on_bill(bill.banner.take(), frame.now),
        status: words::status(server),
        mistakes,
        lines: lines::next(&bill, &url),
        invoices: bill.invoices.iter().map(|it| InvoiceRow::new(it, frame.now)).collect(),
        no_invoices: Empty {
            title: "No invoices yet".into(),
            sentence: "Each is listed here from the moment that it is made.",
            action: None,
        },
        meters: overview::meters(app, &it),
        plan: words::plan(app, server),
        cap: cap::field(&bill, typed, mistakes),
        pay_by_api: ByApi::new("POST", format!("{api}/checkout")),
        portal_by_api: ByApi::new("POST", format!("{api}/portal")),
        cap_by_api: ByApi::new("PUT", format!("{api}/cap")).and("DELETE", format!("{api}/cap")),
        undo_by_api: ByApi::new("POST", format!("{api}/cancel/undo")),
        by_api: ByApi::new("GET", api),
        url,
        server_url,
        bill,
        it: &it,
    };
    let answer = if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) };
    Ok(leading_on(answer?, request))
}

/// Where nothing is paid for there is no such page.
async fn bill_of(app: &App, person: &Person, it: &Overview) -> Result<BillView, Problem> {
    if app.billing.is_none() {
        return Err(Problem::no_such_page());
    }
    Ok(billing::bill(app, &person.actor, it.server.id).await?)
}

fn api(it: &Overview) -> String {
    format!("/api/v1/instances/{}/billing", it.server.id)
}

/// Browsers look at a form's way to its end: the provider's pages are let in, on this page alone.
fn leading_on(mut page: HttpResponse, request: &HttpRequest) -> HttpResponse {
    let origins = request.app_data::<Data<PaymentPages>>().map(|it| it.0.join(" ")).unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&policy_leading_to(&origins)) {
        page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    page
}

/// What somebody can put right, and that nobody can while the provider is away.
fn mistakes(error: Error) -> Result<Mistakes, Problem> {
    match error {
        Error::Unavailable { .. } => {
            tracing::warn!(error = error.internal_text(), "the payment provider does not answer");
            Ok(Mistakes::said(
                "Stripe, whom you pay through, does not answer at the moment. Nothing was changed: try again in some minutes.",
            ))
        }
        other => Mistakes::of(other),
    }
}

/// What each step of the way down is called.
const fn stage(it: Stage) -> &'static str {
    match it {
        Stage::ReadOnly => "Read-only",
        Stage::Suspended => "Suspended",
        Stage::Removed => "Our copy is deleted",
    }
}
