//! `/sign-in/code`: the second page of signing in, where a second factor is on. What leads here from the right password is in a cookie of its
//! own, which opens nothing else.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::sessions::{self, CODE_WITHIN};
use howdah_app::{App, Error};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::components::{Field, Kind, Summary};
use super::flash::Flash;
use super::form::{Form, Mistakes};
use super::frame::{Answer, Frame, see_other, see_other_with};
use super::next::Next;
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
}

/// Where a code is asked for: of the app, or one for recovery.
pub fn field(mistakes: &Mistakes) -> Field {
    Field::new("code", "Code", Kind::Code)
        .hint("The six digits that your app shows now, or one of your recovery codes.")
        .most(100)
        .check(mistakes)
}

fn page(frame: &Frame, next: &Next, mistakes: &Mistakes) -> Answer {
    let page = CodePage { frame, mistakes, next, code: field(mistakes) };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

/// The password was right: on to the code.
pub fn ask(challenge: &SecretString, next: &Next) -> Answer {
    let mut response = see_other(&next.through("/sign-in/code"));
    set(&mut response, &cookie(challenge.expose_secret().to_owned(), Duration::minutes(CODE_WITHIN.num_minutes())))?;
    Ok(response)
}

pub async fn show(frame: Frame, request: HttpRequest, query: web::Query<Query>) -> Answer {
    let next = Next::parse(&query.next);
    if request.cookie(COOKIE).is_none() {
        return Ok(see_other(&next.through_sign_in()));
    }
    page(&frame, &next, &Mistakes::default())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Code {
    code: String,
    next: String,
}

pub async fn give(frame: Frame, request: HttpRequest, peer: Peer, app: web::Data<App>, form: Form<Code>) -> Answer {
    let Code { code, next } = form.value;
    let next = Next::parse(&next);
    let challenge = request.cookie(COOKIE).map(|it| it.value().to_owned()).unwrap_or_default();
    match sessions::give_code(&app, &challenge, &code, &peer.client()).await {
        Ok(new) => {
            let mut response = enter(&frame, &app, &new, see_other(next.as_str())).await?;
            set(&mut response, &cookie(String::new(), Duration::ZERO))?;
            Ok(response)
        }
        Err(Error::Conflict { reason: "sign_in_over", .. }) => {
            let mut response = see_other_with(&next.through_sign_in(), Flash::SignInOver);
            set(&mut response, &cookie(String::new(), Duration::ZERO))?;
            Ok(response)
        }
        Err(error) => page(&frame, &next, &Mistakes::of(error)?),
    }
}

fn cookie(value: String, age: Duration) -> Cookie<'static> {
    Cookie::build(COOKIE, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax).max_age(age).finish()
}
