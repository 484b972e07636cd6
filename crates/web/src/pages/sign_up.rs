//! `/sign-up`: an account is asked for; its password is chosen where the mailed link leads. A known e-mail address gets the same answer:
//! nobody learns here who has one.

use actix_web::web;
use askama::Template;
use howdah_app::App;
use howdah_app::sign_up::{self, SignUpRequest};
use serde::Deserialize;

use super::components::{Field, Kind, Summary};
use super::form::{Form, Mistakes};
use super::frame::{Answer, Frame, see_other};
use super::visitor::Peer;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SignUp {
    name: String,
    email: String,
    account_name: String,
}

impl From<SignUp> for SignUpRequest {
    fn from(SignUp { name, email, account_name }: SignUp) -> Self {
        Self { name, email, account_name }
    }
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage<'a> {
    frame: &'a Frame,
    mistakes: &'a Mistakes,
    name: Field,
    email: Field,
    account_name: Field,
}

fn page(frame: &Frame, typed: &SignUpRequest, mistakes: &Mistakes) -> Answer {
    let page = SignUpPage {
        frame,
        mistakes,
        name: Field::new("name", "Your name", Kind::Name).value(&typed.name).most(200).check(mistakes),
        email: Field::new("email", "E-mail", Kind::Email)
            .hint("We send a link there: it confirms that the e-mail address is yours, and lets you choose a password. Mails about your servers go there too.")
            .value(&typed.email)
            .most(254)
            .check(mistakes),
        account_name: Field::new("account_name", "Organisation", Kind::Organisation)
            .hint("Where the servers belong to a club, a school or a company.")
            .value(&typed.account_name)
            .most(200)
            .optional()
            .check(mistakes),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame) -> Answer {
    if frame.signed_in().is_some() {
        return Ok(see_other("/servers"));
    }
    page(&frame, &SignUp::default().into(), &Mistakes::default())
}

#[derive(Template)]
#[template(path = "check_mail.html")]
pub struct CheckMailPage<'a> {
    pub frame: &'a Frame,
    pub email: &'a str,
    pub what: &'static str,
    /// Where it is asked for again.
    pub again: &'static str,
}

pub async fn ask(frame: Frame, peer: Peer, app: web::Data<App>, form: Form<SignUp>) -> Answer {
    let request = SignUpRequest::from(form.value);
    match sign_up::ask(&app, &request, &peer.client()).await {
        Ok(()) => frame.page(&CheckMailPage {
            frame: &frame,
            email: request.email.trim(),
            what: "confirm your e-mail address and choose a password",
            again: "/sign-up",
        }),
        Err(error) => page(&frame, &request, &Mistakes::of(error)?),
    }
}
