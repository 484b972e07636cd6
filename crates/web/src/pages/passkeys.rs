//! Passkeys wherever a page asks for one: a button that a script makes work, the challenge that it fetches, and the form that brings the
//! answer back. Without scripts every page says so, and has another way.

use std::future::{Ready, ready};

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError as _, web};
use askama::Template;
use howdah_app::passkeys::{self, Answer as Given, Begun, WITHIN};
use howdah_app::second_factor::{On, Proof};
use howdah_app::{App, Error, sessions};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::components::is_html;
use super::form::{Form, Mistakes};
use super::frame::{Answer, Frame, see_other};
use super::next::Next;
use super::sign_in::{self, enter, set};
use super::visitor::{Peer, Person};
use crate::problem::Problem;

const COOKIE: &str = "__Host-howdah-passkey";

/// What asks for a passkey, in a form.
#[derive(Clone, Debug, Template)]
#[template(path = "components/passkey.html")]
pub struct Ask {
    /// Of `navigator.credentials`: `create` or `get`.
    method: &'static str,
    /// From where the script fetches the challenge.
    address: &'static str,
    words: &'static str,
    /// The answer is all that the form waits for.
    sends: bool,
    error: Option<String>,
}

is_html!(Ask);

impl Ask {
    /// For a new one.
    pub fn new_one(mistakes: &Mistakes) -> Self {
        Self { method: "create", ..Self::sending("/account/passkeys/begin", "Add the passkey", mistakes) }
    }

    /// With it the form is sent.
    pub fn sending(address: &'static str, words: &'static str, mistakes: &Mistakes) -> Self {
        Self { method: "get", address, words, sends: true, error: mistakes.with("passkey").map(str::to_owned) }
    }

    /// In place of the code in a form of somebody's who is signed in; `None` where they have no passkey.
    pub fn in_place_of_code(on: Option<&On>, mistakes: &Mistakes) -> Option<Self> {
        let ask = || Self { sends: false, ..Self::sending("/account/passkeys/prove", "Use a passkey instead", mistakes) };
        on.filter(|it| it.passkeys > 0).map(|_| ask())
    }
}

/// What the cookie says that was asked: nothing, where there is none.
pub struct Ceremony(String);

impl Ceremony {
    /// What a form brought: a passkey's answer, or else a code.
    pub fn proof<'a>(&'a self, code: &'a str, passkey: &'a str) -> Proof<'a> {
        if passkey.is_empty() { Proof::Code(code) } else { Proof::Passkey(self.answer(passkey)) }
    }

    pub fn answer<'a>(&'a self, passkey: &'a str) -> Given<'a> {
        Given { ceremony: &self.0, credential: passkey }
    }
}

impl FromRequest for Ceremony {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.cookie(COOKIE).map(|it| it.value().to_owned()).unwrap_or_default())))
    }
}

/// For the script. Why there is nothing to be asked is told to it, and is no page: the one that it is on would be the same again.
pub fn begun(begun: Result<Begun, Error>) -> Answer {
    let begun = match begun {
        Err(conflict @ Error::Conflict { .. }) => return Ok(Problem::from(conflict).error_response()),
        other => other?,
    };
    let mut response = HttpResponse::Ok().json(&begun.options);
    let cookie = Cookie::build(COOKIE, begun.token.expose_secret().to_owned()).path("/").secure(true).http_only(true);
    set(&mut response, &cookie.same_site(SameSite::Strict).max_age(Duration::minutes(WITHIN.num_minutes())).finish())?;
    Ok(response)
}

pub async fn begin_sign_in(peer: Peer, app: web::Data<App>) -> Answer {
    begun(sessions::begin_sign_in(&app, &peer.client()).await)
}

pub async fn begin_proof(person: Person, app: web::Data<App>) -> Answer {
    begun(passkeys::begin_proof(&app, &person).await)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Alone {
    passkey: String,
    next: String,
}

pub async fn sign_in(frame: Frame, peer: Peer, app: web::Data<App>, ceremony: Ceremony, form: Form<Alone>) -> Answer {
    let Alone { passkey, next } = form.value;
    let next = Next::parse(&next);
    match sessions::sign_in_with_passkey(&app, ceremony.answer(&passkey), &peer.client()).await {
        Ok(new) => enter(&frame, &app, &new, see_other(next.as_str())).await,
        Err(error) => sign_in::page(&frame, &next, "", &Mistakes::of(error)?),
    }
}

pub async fn confirm(frame: Frame, person: Person, app: web::Data<App>, ceremony: Ceremony, form: Form<Alone>) -> Answer {
    let Alone { passkey, next } = form.value;
    let next = Next::parse(&next);
    match sessions::confirm_with_passkey(&app, &person, ceremony.answer(&passkey)).await {
        Ok(()) => Ok(see_other(next.as_str())),
        Err(error) => sign_in::again(&frame, &person, &app, &next, &Mistakes::of(error)?).await,
    }
}
