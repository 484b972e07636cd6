//! `/invitation`: into somebody else's account, by the link of a mail.

use actix_web::web;
use askama::Template;
use howdah_app::members::{self, Acceptance, InvitationLook};
use howdah_app::{App, Error};
use serde::Deserialize;

use super::account::words::{role_in_words, role_may};
use super::components::{Field, Kind, Summary};
use super::confirm::Token;
use super::flash::Flash;
use super::form::{Form, Mistakes, Secret};
use super::frame::{Answer, Frame, see_other_with};
use super::link;
use super::next::Next;

const ASK: (&str, &str) = ("/sign-in", "Sign in");

#[derive(Deserialize)]
pub struct Accept {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: Secret,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage<'a> {
    frame: &'a Frame,
    mistakes: &'a Mistakes,
    token: &'a str,
    look: &'a InvitationLook,
    role: &'static str,
    /// What it may do.
    may: &'static str,
    name: Field,
    password: Field,
    /// Where one signs in first, with an account here already.
    sign_in: String,
}

async fn page(frame: &Frame, app: &App, token: &str, name: &str, mistakes: &Mistakes) -> Answer {
    let look = match members::look(app, token).await {
        Ok(look) => look,
        Err(error) => return link::dead(frame, error, ASK),
    };
    let page = InvitationPage {
        frame,
        mistakes,
        token,
        role: role_in_words(&look.role),
        may: role_may(&look.role),
        look: &look,
        name: Field::new("name", "Your name", Kind::Name).value(name).most(200).check(mistakes),
        password: Field::new("password", "Password", Kind::NewPassword).hint("At least 12 characters.").check(mistakes),
        sign_in: Next::parse(&format!("/invitation?token={token}")).through_sign_in(),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, app: web::Data<App>, query: web::Query<Token>) -> Answer {
    page(&frame, &app, &query.token, "", &Mistakes::default()).await
}

pub async fn accept(frame: Frame, app: web::Data<App>, form: Form<Accept>) -> Answer {
    let Accept { token, name, password } = form.value;
    let acceptance = match frame.signed_in() {
        Some(person) => Acceptance::Known(person),
        None => Acceptance::New { name: &name, password: password.0 },
    };
    match members::accept(&app, &token, acceptance).await {
        Ok(_) => Ok(see_other_with(if frame.signed_in().is_some() { "/account" } else { "/sign-in" }, Flash::InvitationAccepted)),
        Err(error @ Error::Invalid { .. }) => page(&frame, &app, &token, &name, &Mistakes::of(error)?).await,
        Err(error) => link::dead(&frame, error, ASK),
    }
}
