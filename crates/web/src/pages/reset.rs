//! `/forgotten` and `/reset`: a new password by a link. An unknown e-mail address gets the same answer.

use actix_web::web;
use askama::Template;
use howdah_app::reset::{self, ResetLook};
use howdah_app::{App, Error};
use serde::Deserialize;

use super::components::{Field, Kind, Summary};
use super::confirm::Token;
use super::flash::Flash;
use super::form::{Form, Mistakes, Secret};
use super::frame::{Answer, Frame, see_other_with};
use super::link;
use super::sign_up::CheckMailPage;
use super::visitor::{Peer, no_cookie};

const AGAIN: (&str, &str) = ("/forgotten", "Ask for a new link");

#[derive(Deserialize)]
pub struct Ask {
    #[serde(default)]
    email: String,
}

#[derive(Template)]
#[template(path = "forgotten.html")]
struct AskPage<'a> {
    frame: &'a Frame,
    mistakes: &'a Mistakes,
    email: Field,
}

fn ask_page(frame: &Frame, typed: &str, mistakes: &Mistakes) -> Answer {
    let email = Field::new("email", "E-mail", Kind::Email).value(typed).most(254).check(mistakes);
    let page = AskPage { frame, mistakes, email };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn ask_form(frame: Frame) -> Answer {
    ask_page(&frame, "", &Mistakes::default())
}

pub async fn ask(frame: Frame, peer: Peer, app: web::Data<App>, form: Form<Ask>) -> Answer {
    let email = form.value.email.trim();
    match reset::ask(&app, email, &peer.client()).await {
        Ok(()) => frame.page(&CheckMailPage { frame: &frame, email, what: "set a new password", again: "/forgotten" }),
        Err(error) => ask_page(&frame, email, &Mistakes::of(error)?),
    }
}

#[derive(Deserialize)]
pub struct NewPassword {
    #[serde(default)]
    token: String,
    #[serde(default)]
    password: Secret,
}

#[derive(Template)]
#[template(path = "reset.html")]
struct SetPage<'a> {
    frame: &'a Frame,
    mistakes: &'a Mistakes,
    token: &'a str,
    look: &'a ResetLook,
    password: Field,
}

async fn set_page(frame: &Frame, app: &App, token: &str, mistakes: &Mistakes) -> Answer {
    match reset::look(app, token).await {
        Ok(look) => {
            let password = Field::new("password", "New password", Kind::NewPassword)
                .hint("At least 12 characters. Every session of yours ends, here and elsewhere.")
                .check(mistakes);
            let page = SetPage { frame, mistakes, token, look: &look, password };
            if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
        }
        Err(error) => link::dead(frame, error, AGAIN),
    }
}

pub async fn show(frame: Frame, app: web::Data<App>, query: web::Query<Token>) -> Answer {
    set_page(&frame, &app, &query.token, &Mistakes::default()).await
}

pub async fn set(frame: Frame, peer: Peer, app: web::Data<App>, form: Form<NewPassword>) -> Answer {
    let NewPassword { token, password } = form.value;
    match reset::set(&app, &token, password.0, &peer.client()).await {
        Ok(()) => {
            let mut response = see_other_with("/sign-in", Flash::PasswordSet);
            // This browser's session has ended too.
            let _ = response.add_cookie(&no_cookie());
            Ok(response)
        }
        Err(error @ Error::Invalid { .. }) => set_page(&frame, &app, &token, &Mistakes::of(error)?).await,
        Err(error) => link::dead(&frame, error, AGAIN),
    }
}
