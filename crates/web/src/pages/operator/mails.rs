//! `/operator/mails`: every mail as it would be sent, and what became of one that was.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_FRAME_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use howdah_app::App;
use howdah_app::fleet::{self, Found};
use howdah_app::mails::{self, Preview, SentMail};
use serde::Deserialize;

use super::head::Head;
use crate::pages::components::{Empty, Field, Kind, Status, Tone, When};
use crate::pages::frame::{Answer, Frame, see_other};
use crate::pages::visitor::Operator;
use crate::problem::Problem;
use crate::resource::id;

pub const HERE: &str = "/operator/mails";

/// As on every page, but that it may show a frame of ours.
const WITH_FRAME: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                          frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A mail's HTML is shown by our own pages only, where it loads, runs and sends nothing.
const IN_FRAME: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    reference: String,
}

#[derive(Template)]
#[template(path = "operator/mails.html")]
struct MailsPage<'a> {
    frame: &'a Frame,
    head: Head,
    reference: Field,
    /// A reference was asked for that is none.
    not_found: bool,
    previews: Vec<Preview>,
    empty: Empty,
}

pub async fn list(frame: Frame, operator: Operator, app: web::Data<App>, asked: web::Query<Asked>) -> Answer {
    let reference = asked.reference.trim();
    match fleet::find(&app, &operator.actor, reference).await? {
        Found::Mail(id) => return Ok(see_other(&format!("{HERE}/sent/{id}"))),
        // Mails about a server have its reference.
        Found::Server(server) | Found::Operation { server, .. } => return Ok(see_other(&super::url(server))),
        Found::Incident(id) => return Ok(see_other(&format!("{}/{id}", super::incident::HERE))),
        Found::Account(_) | Found::Nothing => {}
    }
    frame.page(&MailsPage {
        frame: &frame,
        head: Head::of(&app, HERE),
        reference: Field::new("reference", "A sent mail’s reference", Kind::Search)
            .hint("It stands at the mail’s end. Mails about a server have the server’s.")
            .value(reference)
            .most(100),
        not_found: !reference.is_empty(),
        previews: previews(&frame, &app),
        empty: Empty {
            title: "No mail has this reference".into(),
            sentence: "A mail’s reference stands at its end. A request that failed is known for 30 days; one that failed because the database was away is only in the log.",
            action: None,
        },
    })
}

fn previews(frame: &Frame, app: &App) -> Vec<Preview> {
    mails::previews(&app.config, frame.support.as_deref().unwrap_or_default())
}

fn preview_of(frame: &Frame, app: &App, request: &HttpRequest) -> Result<Preview, Problem> {
    let kind = request.match_info().get("kind").unwrap_or_default();
    previews(frame, app).into_iter().find(|it| it.kind == kind).ok_or_else(|| Problem::malformed_id("mail"))
}

#[derive(Template)]
#[template(path = "operator/mail.html")]
struct MailPage<'a> {
    frame: &'a Frame,
    head: Head,
    it: Preview,
}

pub async fn preview(frame: Frame, _: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = preview_of(&frame, &app, &request)?;
    let mut response: HttpResponse = frame.page(&MailPage { frame: &frame, head: Head::of(&app, HERE).below(HERE, it.kind), it })?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(WITH_FRAME));
    Ok(response)
}

pub async fn html(frame: Frame, _: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = preview_of(&frame, &app, &request)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/html; charset=utf-8"));
    response.insert_header((CONTENT_SECURITY_POLICY, IN_FRAME)).insert_header((X_FRAME_OPTIONS, "SAMEORIGIN"));
    Ok(response.body(it.html))
}

#[derive(Template)]
#[template(path = "operator/sent_mail.html")]
struct SentPage<'a> {
    frame: &'a Frame,
    head: Head,
    it: SentMail,
    status: Status,
    created: When,
    sent: Option<When>,
    /// It is not sent any more: since when, and why.
    dropped: Option<(When, &'static str)>,
}

pub async fn sent(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = mails::find(&app, &operator.actor, id(&request, "mail")?).await?;
    frame.page(&SentPage {
        frame: &frame,
        head: Head::of(&app, HERE).below(HERE, it.subject.as_str()),
        status: match (it.sent_at.is_some(), it.dropped.is_some(), it.last_error.is_some()) {
            (true, ..) => Status::new(Tone::Well, "Sent"),
            (false, true, _) => Status::new(Tone::Wait, "Not sent any more"),
            (false, false, true) => Status::new(Tone::Warn, "Not taken yet"),
            (false, false, false) => Status::new(Tone::Wait, "Waits"),
        },
        created: When::new(it.created_at, frame.now),
        sent: it.sent_at.map(|at| When::new(at, frame.now)),
        dropped: it.dropped.map(|(at, why)| (When::new(at, frame.now), why.sentence())),
        it,
    })
}
