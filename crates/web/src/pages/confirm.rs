//! `/confirm`: the link of a sign-up. Opening it changes nothing (programs open links too); the button does.

use actix_web::web;
use askama::Template;
use howdah_app::App;
use howdah_app::sign_up::{self, Confirmed, SignUpLook};
use serde::Deserialize;

use super::flash::Flash;
use super::form::Form;
use super::frame::{Answer, Frame, see_other_with};
use super::link;

#[derive(Deserialize)]
pub struct Token {
    #[serde(default)]
    pub token: String,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    frame: &'a Frame,
    token: &'a str,
    look: &'a SignUpLook,
}

pub async fn show(frame: Frame, app: web::Data<App>, query: web::Query<Token>) -> Answer {
    match sign_up::look(&app, &query.token).await {
        Ok(look) => frame.page(&ConfirmPage { frame: &frame, token: &query.token, look: &look }),
        Err(error) => link::dead(&frame, error, ("/sign-up", "Sign up again")),
    }
}

#[derive(Template)]
#[template(path = "awaiting_approval.html")]
struct AwaitingPage<'a> {
    frame: &'a Frame,
}

pub async fn confirm(frame: Frame, app: web::Data<App>, form: Form<Token>) -> Answer {
    match sign_up::confirm(&app, &form.value.token).await {
        Ok(Confirmed::Ready) => Ok(see_other_with("/sign-in", Flash::Confirmed)),
        Ok(Confirmed::AwaitingApproval) => frame.page(&AwaitingPage { frame: &frame }),
        Err(error) => link::dead(&frame, error, ("/sign-up", "Sign up again")),
    }
}
