//! `/operator/sign-ups`: who has confirmed their e-mail address and waits to be let in.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::sign_up::{self, WaitingSignUp};
use howdah_app::{App, sessions};

use super::head::Head;
use crate::page::PageQuery;
use crate::pages::components::{ByApi, Empty, Pager, Summary, When};
use crate::pages::flash::Flash;
use crate::pages::form::Mistakes;
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::loss::Loss;
use crate::pages::visitor::Operator;
use crate::resource::id;

pub const HERE: &str = "/operator/sign-ups";

#[derive(Template)]
#[template(path = "operator/sign_ups.html")]
struct SignUpsPage<'a> {
    frame: &'a Frame,
    head: Head,
    mistakes: &'a Mistakes,
    waiting: Vec<WaitingSignUp>,
    pager: Pager,
    empty: Empty,
    by_api: ByApi,
}

impl SignUpsPage<'_> {
    fn confirmed(&self, it: &WaitingSignUp) -> When {
        When::new(it.confirmed_at, self.frame.now)
    }
}

async fn page(frame: &Frame, operator: &Operator, app: &App, query: PageQuery, mistakes: &Mistakes) -> Answer {
    let found = sign_up::waiting(app, &operator.actor, query.to_fetch()).await?;
    let (waiting, cursor) = query.cut(found, |it| it.id.as_uuid());
    if !waiting.is_empty() {
        sessions::require_recent(app, operator)?;
    }
    let page = SignUpsPage {
        frame,
        head: Head::of(app, HERE),
        mistakes,
        waiting,
        pager: Pager { first: query.before.map(|_| HERE.to_owned()), next: cursor.map(|it| format!("{HERE}?cursor={it}")) },
        empty: Empty {
            title: "Nobody waits".into(),
            sentence: "Where sign-ups are by approval, whoever has confirmed their e-mail address is listed here.",
            action: Some((super::settings::HERE, "Settings")),
        },
        by_api: ByApi::new("GET", "/api/v1/sign-ups")
            .and("POST", "/api/v1/sign-ups/{id}/approve")
            .and("POST", "/api/v1/sign-ups/{id}/refuse"),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>, query: PageQuery) -> Answer {
    page(&frame, &operator, &app, query, &Mistakes::default()).await
}

/// Who decides about others has given the password lately; the list asks for it.
fn is_recent(app: &App, operator: &Operator) -> bool {
    sessions::require_recent(app, operator).is_ok()
}

pub async fn approve(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    if !is_recent(&app, &operator) {
        return Ok(see_other(HERE));
    }
    match sign_up::approve(&app, &operator.actor, id(&request, "sign-up")?, None).await {
        Ok(_) => Ok(see_other_with(HERE, Flash::SignUpApproved)),
        Err(error) => page(&frame, &operator, &app, PageQuery::first(), &Mistakes::of(error)?).await,
    }
}

pub async fn ask_refuse(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    sessions::require_recent(&app, &operator)?;
    let it = sign_up::one_waiting(&app, &operator.actor, id(&request, "sign-up")?).await?;
    let loss = Loss {
        question: format!("Refuse {}?", it.name),
        goes: format!(
            "The account “{}” that {} ({}) asked for. A mail tells them at once, without a reason, and what they entered is deleted within 30 days.",
            it.account_name, it.name, it.email
        ),
        stays: "Everybody else who waits.",
        way_back: "None from here: they can sign up again, and wait again.",
        act: "Refuse them",
        keep: "Let them wait",
        revision: None,
        by_api: Some(ByApi::new("POST", format!("/api/v1/sign-ups/{}/refuse", it.id))),
    };
    loss.page(&frame, Head::of(&app, HERE).back(HERE))
}

pub async fn refuse(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    if !is_recent(&app, &operator) {
        return Ok(see_other(HERE));
    }
    match sign_up::refuse(&app, &operator.actor, id(&request, "sign-up")?, None).await {
        Ok(_) => Ok(see_other_with(HERE, Flash::SignUpRefused)),
        Err(error) => page(&frame, &operator, &app, PageQuery::first(), &Mistakes::of(error)?).await,
    }
}
