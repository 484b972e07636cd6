//! What stands before and after every page: where a request may come from, who sent it; and an answer with a page's headers, a
//! problem as a page.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT, ALLOW, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next as NextService;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use howdah_app::billing::WEBHOOK;
use howdah_app::incidents::{self, Failure};
use howdah_app::{App, Excess};
use tracing_actix_web::RequestId;

use super::components::When;
use super::flash::Flash;
use super::frame::{Frame, see_other, see_other_with};
use super::next::Next;
use super::platform::Platform;
use super::visitor::{self, Visitor};
use super::{assets, origin};
use crate::limits::Limits;
use crate::problem::Problem;

const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                              form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Where a page's script connects to one origin besides.
pub fn policy_with(origin: &str) -> String {
    CONTENT_POLICY.replace("connect-src 'self'", &format!("connect-src 'self' {origin}"))
}

/// Where a page's forms lead on to other origins besides; several are parted by spaces.
pub fn policy_leading_to(origins: &str) -> String {
    CONTENT_POLICY.replace("form-action 'self'", format!("form-action 'self' {origins}").trim_end())
}

/// Everything is a page but what machines ask for: what is new and forgotten here has a page's protection.
fn is_page(path: &str) -> bool {
    let folders = ["/api/", assets::FOLDER];
    let single = ["/api", "/health", "/ready", "/favicon.ico", WEBHOOK];
    !folders.iter().any(|it| path.starts_with(it)) && !single.contains(&path)
}

/// Problems become pages; pages get their headers. Outermost, so that a limit's refusal is a page too.
pub async fn dress(
    request: ServiceRequest,
    next: NextService<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_page = is_page(request.path());
    let response = next.call(request).await?.map_into_boxed_body();
    let problem = response.response().error().and_then(|it| it.as_error::<Problem>()).cloned();
    if let Some(cause) = problem.as_ref().and_then(Problem::cause) {
        record(response.request(), cause).await;
    }
    if !is_page {
        return Ok(response);
    }
    let mut response = match problem {
        Some(problem) if !wants_events(response.request()) => {
            let allow = response.headers().get(ALLOW).cloned();
            let mut page = page_of(response.request(), &problem);
            if let Some(allow) = allow {
                page.headers_mut().insert(ALLOW, allow);
            }
            response.into_response(page)
        }
        _ => response,
    };
    let headers = response.headers_mut();
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    }
    // Nothing is told to other sites; but with `no-referrer` browsers would hide the origin of our own forms from us.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(response)
}

/// For the operators' search. Where it can't be recorded, the log has it.
async fn record(request: &HttpRequest, cause: &str) {
    let reference = request.extensions().get::<RequestId>().map(|it| **it);
    let (Some(app), Some(reference)) = (request.app_data::<web::Data<App>>(), reference) else { return };
    let person = Visitor::of(request).signed_in().map(|it| it.actor.person);
    let failure = Failure { reference, person, method: request.method().as_str(), path: request.path(), cause };
    if let Err(error) = incidents::record(app, &failure).await {
        tracing::warn!(error = error.internal_text(), "an incident could not be recorded");
    }
}

/// Refuses what another site sent, and looks who it is that asks.
pub async fn admit(
    request: ServiceRequest,
    next: NextService<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if is_page(request.path())
        && let Err(problem) = check(&request).await
    {
        return Ok(request.error_response(problem));
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

async fn check(request: &ServiceRequest) -> Result<(), Problem> {
    let state = || Problem::internal("the server lacks what pages need");
    let app = request.app_data::<web::Data<App>>().ok_or_else(state)?;
    let limits = request.app_data::<web::Data<Limits>>().ok_or_else(state)?;
    let platform = request.app_data::<web::Data<Platform>>().ok_or_else(state)?;
    if !origin::is_allowed(request.method(), request.headers(), &app.config.dashboard_url) {
        return Err(Problem::foreign_origin());
    }
    match platform.settings(app).await {
        Ok(_) => visitor::recognise(request, app, limits).await,
        // Pages that need no record are there without it, and who it is can't be told.
        Err(error) => {
            visitor::nobody_knows(request, error);
            Ok(())
        }
    }
}

fn wants_events(request: &HttpRequest) -> bool {
    request.headers().get(ACCEPT).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains("text/event-stream"))
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: &'a Frame,
    status: u16,
    title: &'static str,
    sentence: &'a str,
    way_out: &'static str,
    /// From when on it is taken again, where that is long.
    until: Option<When>,
    /// Address and words of the way on.
    way_on: Option<(&'static str, &'static str)>,
    /// After so many seconds it looks again by itself.
    looks_again: Option<u64>,
}

fn page_of(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    if problem.status() == StatusCode::UNAUTHORIZED {
        return to_sign_in(request);
    }
    if problem.reason() == "confirm_password" {
        return see_other(&Next::parse(&path_of(request)).through("/confirm-password"));
    }
    let frame = Frame::of(request);
    let (title, way_out) = words_of(problem);
    let after = problem.waits();
    let looks_again = after.filter(|_| request.method() == Method::GET).map(|it| it.as_secs().max(5));
    let long = after.zip(problem.excess()).filter(|(wait, _)| wait.as_secs() >= 60);
    let page = ErrorPage {
        frame: &frame,
        status: problem.status().as_u16(),
        title,
        sentence: long.map_or(problem.detail(), |(_, excess)| excess.sentence()),
        way_out,
        until: long.map(|(wait, _)| until(wait, frame.now)),
        way_on: (problem.excess() == Some(Excess::WrongPasswords)).then_some(("/forgotten", "Set a new password")),
        looks_again,
    };
    let mut response = frame.answer(problem.status(), &page).unwrap_or_else(HttpResponse::from_error);
    if let Some(after) = after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response
}

/// Times are told to the minute: the first whole one from which on it is let in.
fn until(wait: Duration, now: DateTime<Utc>) -> When {
    let at = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1));
    When::new(at + TimeDelta::seconds((-at.timestamp()).rem_euclid(60)), now)
}

fn to_sign_in(request: &HttpRequest) -> HttpResponse {
    let had_session = request.cookie(visitor::COOKIE).is_some();
    let mut response = match (request.method() == Method::GET, had_session) {
        (true, false) => see_other(&Next::parse(&path_of(request)).through_sign_in()),
        (true, true) => see_other_with(&Next::parse(&path_of(request)).through_sign_in(), Flash::SessionEnded),
        (false, _) => see_other_with("/sign-in", Flash::SignInAgain),
    };
    if had_session && matches!(Visitor::of(request), Visitor::Nobody) {
        // A cookie that can't be added is one that the browser keeps in vain.
        let _ = response.add_cookie(&visitor::no_cookie());
    }
    response
}

fn path_of(request: &HttpRequest) -> String {
    request.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
}

/// Title and way out of a problem that is a page.
fn words_of(problem: &Problem) -> (&'static str, &'static str) {
    match (problem.status(), problem.reason()) {
        (StatusCode::NOT_FOUND, _) => {
            ("Not found", "Check the address. What you look for may also belong to another account than the one you work for.")
        }
        (StatusCode::FORBIDDEN, "foreign_origin") => {
            ("Not sent from here", "If you did want this, open the page here and send the form from there.")
        }
        (StatusCode::FORBIDDEN, _) => ("Not allowed", "An owner of the account can do it, or give you another role."),
        (StatusCode::CONFLICT, _) => ("That does not fit", "Go back, look at how things stand now, and decide again. Nothing was changed."),
        (StatusCode::PRECONDITION_FAILED, _) => (
            "Changed meanwhile",
            "Somebody, or another tab of yours, was faster. Open the page again: it shows how things stand now. Nothing of yours was done.",
        ),
        (StatusCode::TOO_MANY_REQUESTS, _) => {
            let excess = problem.excess().unwrap_or(Excess::Requests);
            (excess.title(), excess.way_out())
        }
        (StatusCode::SERVICE_UNAVAILABLE, _) => {
            ("Not available right now", "Our database does not answer. The servers themselves run on, and nothing is lost.")
        }
        (StatusCode::METHOD_NOT_ALLOWED, _) => ("Not this way", "Open the page it belongs to and use the button there."),
        (status, _) if status.is_client_error() => ("That could not be read", "Go back, look at what you sent, and send it again."),
        _ => ("A mistake of ours", "It is recorded under the reference below. If it happens again, write to us and name it."),
    }
}
