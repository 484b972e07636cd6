//! A new e-mail address: asked for in the profile, and confirmed by a link that is sent to it.

use actix_web::web;
use askama::Template;
use howdah_app::App;
use howdah_app::profile::{self, EmailLook};
use serde::Deserialize;

use super::profile::{Typed, page};
use crate::pages::confirm::Token;
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, Secret};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::link;
use crate::pages::passkeys::Ceremony;
use crate::pages::visitor::Person;

const AGAIN: (&str, &str) = ("/account", "To your profile");

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewEmail {
    email: String,
    password: Secret,
    code: String,
    passkey: String,
}

pub async fn change(frame: Frame, person: Person, app: web::Data<App>, ceremony: Ceremony, form: Form<NewEmail>) -> Answer {
    let NewEmail { email, password, code, passkey } = form.value;
    match profile::change_email(&app, &person, password.0, ceremony.proof(&code, &passkey), email.trim()).await {
        Ok(()) => Ok(see_other_with("/account", Flash::EmailLinkSent)),
        Err(error) => page(&frame, &person, &app, Typed { name: None, email: &email }, &Mistakes::of(error)?).await,
    }
}

#[derive(Template)]
#[template(path = "account/email.html")]
struct EmailPage<'a> {
    frame: &'a Frame,
    token: &'a str,
    look: &'a EmailLook,
}

pub async fn show(frame: Frame, app: web::Data<App>, query: web::Query<Token>) -> Answer {
    match profile::look_email(&app, &query.token).await {
        Ok(look) => frame.page(&EmailPage { frame: &frame, token: &query.token, look: &look }),
        Err(error) => link::dead(&frame, error, AGAIN),
    }
}

pub async fn confirm(frame: Frame, app: web::Data<App>, form: Form<Token>) -> Answer {
    match profile::confirm_email(&app, &form.value.token).await {
        Ok(()) => Ok(see_other_with("/account", Flash::EmailChanged)),
        Err(error) => link::dead(&frame, error, AGAIN),
    }
}
