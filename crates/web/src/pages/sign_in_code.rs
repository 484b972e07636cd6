//! `/sign-in/code`: the second page of signing in, where a second factor is on: for a code, or a passkey. What leads here from the right password is in a cookie of its
//! own, which opens nothing else.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::second_factor::On;
use howdah_app::sessions::{self, CODE_WITHIN};
use howdah_app::{App, Error};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::components::{Field, Kind, Summary};
use super::flash::Flash;
use super::form::{Form, Mistakes};
use super::frame::{Answer, Frame, see_other, see_other_with};
use super::next::Next;
use super::passkeys::{Ask, Ceremony, begun};
use super::sign_in::{Query, enter, set};
use super::visitor::Peer;

const COOKIE: &str = "__Host-howdah-sign-in";

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage<'a> {
    frame: &'a Frame,
    mistakes: &'a Mistakes,
    next: &'a Next,
    code: Field,
    passkey: Option<Ask>,
}

/// Where a code is asked for: of the app, where there is one, or for recovery.
pub fn field(on: &On, mistakes: &Mistakes) -> Field {
    let hint = match on.app {
        Some(_) => "The six digits that your app shows now, or one of your recovery codes.",
        None => "One of your recovery codes.",
    };
    Field::new("code", "Code", Kind::Code).hint(hint).most(100).check(mistakes)
}

fn page(frame: &Frame, next: &Next, on: &On, mistakes: &Mistakes) -> Answer {
    let ask = || Ask::sending("/sign-in/code/passkey", "Use a passkey", mistakes);
    let passkey = (on.passkeys > 0).then(ask);
    let page = CodePage { frame, mistakes, next, code: field(on, mistakes), passkey };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

/// The password was right: on to the code.
pub fn ask(challenge: &SecretString, next: &Next) -> Answer {
    let mut response = see_other(&next.through("/sign-in/code"));
    set(&mut response, &cookie(challenge.expose_secret().to_owned(), Duration::minutes(CODE_WITHIN.num_minutes())))?;
    Ok(response)
}

/// The cookie's value.
fn challenge(request: &HttpRequest) -> String {
    request.cookie(COOKIE).map(|it| it.value().to_owned()).unwrap_or_default()
}

pub async fn show(frame: Frame, request: HttpRequest, app: web::Data<App>, query: web::Query<Query>) -> Answer {
    let next = Next::parse(&query.next);
    if request.cookie(COOKIE).is_none() {
        return Ok(see_other(&next.through_sign_in()));
    }
    match sessions::asked(&app, &challenge(&request)).await {
        Ok(on) => page(&frame, &next, &on, &Mistakes::default()),
        Err(error) => over(error, &next),
    }
}

pub async fn begin_passkey(request: HttpRequest, peer: Peer, app: web::Data<App>) -> Answer {
    begun(sessions::begin_proof(&app, &challenge(&request), &peer.client()).await)
}

/// Nothing is waited for any more: from the beginning.
fn over(error: Error, next: &Next) -> Answer {
    if error.reason() != "sign_in_over" {
        return Err(error.into());
    }
    let mut response = see_other_with(&next.through_sign_in(), Flash::SignInOver);
    set(&mut response, &cookie(String::new(), Duration::ZERO))?;
    Ok(response)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Code {
    code: String,
    passkey: String,
    next: String,
}

pub async fn give(frame: Frame, request: HttpRequest, peer: Peer, app: web::Data<App>, ceremony: Ceremony, form: Form<Code>) -> Answer {
    let Code { code, passkey, next } = form.value;
    let next = Next::parse(&next);
    let challenge = challenge(&request);
    match sessions::give_code(&app, &challenge, ceremony.proof(&code, &passkey), &peer.client()).await {
        Ok(new) => {
            let mut response = enter(&frame, &app, &new, see_other(next.as_str())).await?;
            set(&mut response, &cookie(String::new(), Duration::ZERO))?;
            Ok(response)
        }
        Err(error) if error.reason() == "sign_in_over" => over(error, &next),
        Err(error) => {
            let mistakes = Mistakes::of(error)?;
            match sessions::asked(&app, &challenge).await {
                Ok(on) => page(&frame, &next, &on, &mistakes),
                Err(error) => over(error, &next),
            }
        }
    }
}

fn cookie(value: String, age: Duration) -> Cookie<'static> {
    Cookie::build(COOKIE, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax).max_age(age).finish()
}
