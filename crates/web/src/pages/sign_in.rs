//! `/sign-in`, `/sign-out`, and the password asked for again before what can't be taken back.

use actix_web::{HttpResponse, web};
use askama::Template;
use howdah_app::sessions::{self, NewSession};
use howdah_app::{App, second_factor};
use serde::Deserialize;

use super::components::{Field, Kind, Summary};
use super::flash::Flash;
use super::form::{Form, Mistakes, Secret};
use super::frame::{Answer, Frame, see_other, see_other_with};
use super::next::Next;
use super::passkeys::Ask;
use super::sign_in_code;
use super::visitor::{Peer, Person, Visitor, cookie, no_cookie};
use crate::problem::Problem;

#[derive(Deserialize)]
pub struct Query {
    #[serde(default)]
    pub next: String,
}

#[derive(Deserialize)]
pub struct SignIn {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: &'a Frame,
    mistakes: &'a Mistakes,
    next: &'a Next,
    email: Field,
    password: Field,
    passkey: Ask,
}

pub fn page(frame: &Frame, next: &Next, email: &str, mistakes: &Mistakes) -> Answer {
    let page = SignInPage {
        frame,
        mistakes,
        next,
        email: Field::new("email", "E-mail", Kind::Email).value(email).check(mistakes),
        password: Field::new("password", "Password", Kind::Password).check(mistakes),
        passkey: Ask::sending("/sign-in/passkey/begin", "Sign in with a passkey", mistakes),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, query: web::Query<Query>) -> Answer {
    let next = Next::parse(&query.next);
    if frame.signed_in().is_some() {
        return Ok(see_other(next.as_str()));
    }
    page(&frame, &next, "", &Mistakes::default())
}

pub async fn sign_in(frame: Frame, peer: Peer, app: web::Data<App>, form: Form<SignIn>) -> Answer {
    let SignIn { email, password, next } = form.value;
    let next = Next::parse(&next);
    match sessions::sign_in(&app, &email, password.0, &peer.client()).await {
        Ok(sessions::SignIn::Done(new)) => enter(&frame, &app, &new, see_other(next.as_str())).await,
        Ok(sessions::SignIn::NeedsCode(challenge)) => sign_in_code::ask(&challenge, &next),
        Err(error) => page(&frame, &next, &email, &Mistakes::of(error)?),
    }
}

/// The answer, with the cookie of the session that has begun. The one before, if there was one, is not left open.
pub async fn enter(frame: &Frame, app: &App, new: &NewSession, mut response: HttpResponse) -> Answer {
    if let Some(before) = frame.signed_in() {
        sessions::sign_out(app, before).await?;
    }
    set(&mut response, &cookie(&new.token))?;
    Ok(response)
}

pub fn set(response: &mut HttpResponse, cookie: &actix_web::cookie::Cookie<'_>) -> Result<(), Problem> {
    response.add_cookie(cookie).map_err(|_| Problem::internal("a cookie of ours is no header"))
}

pub async fn sign_out(visitor: Visitor, app: web::Data<App>) -> Answer {
    match visitor {
        Visitor::Somebody(signed_in) => sessions::sign_out(&app, &signed_in).await?,
        Visitor::Nobody => {}
        // Without the record nothing can be ended, and nobody shall believe that it was.
        Visitor::Unknown(problem) => return Err(problem),
    }
    let mut response = see_other_with("/", Flash::SignedOut);
    set(&mut response, &no_cookie())?;
    Ok(response)
}

#[derive(Deserialize)]
pub struct Again {
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "confirm_password.html")]
struct AgainPage<'a> {
    frame: &'a Frame,
    mistakes: &'a Mistakes,
    next: &'a Next,
    email: &'a str,
    password: Field,
    /// Where a second factor is on.
    code: Option<Field>,
    /// Where there is one: in place of both.
    passkey: Option<Ask>,
}

pub async fn again(frame: &Frame, person: &Person, app: &App, next: &Next, mistakes: &Mistakes) -> Answer {
    let password = Field::new("password", "Your password", Kind::Password).check(mistakes);
    let on = second_factor::on(app, person).await?;
    let code = on.map(|it| sign_in_code::field(&it, mistakes));
    let ask = || Ask::sending("/account/passkeys/prove", "Use a passkey", mistakes);
    let passkey = on.filter(|it| it.passkeys > 0).map(|_| ask());
    let page = AgainPage { frame, mistakes, next, email: &person.email, password, code, passkey };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn ask_again(frame: Frame, person: Person, app: web::Data<App>, query: web::Query<Query>) -> Answer {
    again(&frame, &person, &app, &Next::parse(&query.next), &Mistakes::default()).await
}

pub async fn confirm_password(frame: Frame, person: Person, app: web::Data<App>, form: Form<Again>) -> Answer {
    let Again { password, code, next } = form.value;
    let next = Next::parse(&next);
    match sessions::confirm_password(&app, &person, password.0, &code).await {
        Ok(()) => Ok(see_other(next.as_str())),
        Err(error) => again(&frame, &person, &app, &next, &Mistakes::of(error)?).await,
    }
}
