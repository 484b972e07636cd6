//! `/confirm`: the link of a sign-up, where the password is chosen: by whoever reads the mail, not by whoever asked. Opening it
//! changes nothing (programs open links too); the form does.

use actix_web::web;
use askama::Template;
use howdah_app::sign_up::{self, Confirmed, SignUpLook};
use howdah_app::{App, Error};
use serde::Deserialize;

use super::components::{Field, Kind, Summary};
use super::flash::Flash;
use super::form::{Form, Mistakes, Secret};
use super::frame::{Answer, Frame, see_other_with};
use super::link;
use super::sign_in::enter;
use super::visitor::Peer;

const AGAIN: (&str, &str) = ("/sign-up", "Sign up again");

#[derive(Deserialize)]
pub struct Token {
    #[serde(default)]
    pub token: String,
}

#[derive(Deserialize)]
pub struct Confirm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    password: Secret,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    frame: &'a Frame,
    mistakes: &'a Mistakes,
    token: &'a str,
    look: &'a SignUpLook,
    password: Field,
}

async fn page(frame: &Frame, app: &App, token: &str, mistakes: &Mistakes) -> Answer {
    match sign_up::look(app, token).await {
        Ok(look) => {
            let password = Field::new("password", "Password", Kind::NewPassword)
                .hint("At least 12 characters. Several words are easier to remember than signs.")
                .check(mistakes);
            let page = ConfirmPage { frame, mistakes, token, look: &look, password };
            if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
        }
        Err(error) => link::dead(frame, error, AGAIN),
    }
}

pub async fn show(frame: Frame, app: web::Data<App>, query: web::Query<Token>) -> Answer {
    page(&frame, &app, &query.token, &Mistakes::default()).await
}

#[derive(Template)]
#[template(path = "awaiting_approval.html")]
struct AwaitingPage<'a> {
    frame: &'a Frame,
}

pub async fn confirm(frame: Frame, peer: Peer, app: web::Data<App>, form: Form<Confirm>) -> Answer {
    let Confirm { token, password } = form.value;
    match sign_up::confirm(&app, &token, password.0, &peer.client()).await {
        Ok(Confirmed::Ready(new)) => enter(&frame, &app, &new, see_other_with("/servers", Flash::Confirmed)).await,
        Ok(Confirmed::AwaitingApproval) => frame.page(&AwaitingPage { frame: &frame }),
        Err(error @ Error::Invalid { .. }) => page(&frame, &app, &token, &Mistakes::of(error)?).await,
        Err(error) => link::dead(&frame, error, AGAIN),
    }
}
