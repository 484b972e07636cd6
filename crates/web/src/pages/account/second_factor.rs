//! `/account/second-factor`: set up an app, make new recovery codes, turn the app off. Recovery codes are shown once, right after they
//! were made.

use actix_web::web;
use askama::Template;
use howdah_app::second_factor::{self, On, Setup, Standing};
use howdah_app::sessions::require_recent;
use howdah_app::{App, Error, tokens};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::pages::components::{Copyable, Field, Kind, Qr, Summary, Tabs, When};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, Secret};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::passkeys::{Ask, Ceremony};
use crate::pages::sign_in_code;
use crate::pages::visitor::Person;

const HERE: &str = "/account/second-factor";

#[derive(Template)]
#[template(path = "account/second_factor.html")]
struct FactorPage<'a> {
    frame: &'a Frame,
    tabs: Tabs,
    mistakes: &'a Mistakes,
    standing: &'a Standing,
    /// An app, or passkeys.
    on: Option<On>,
    password: Field,
    code: Field,
    /// Where there is one: in place of the code of what is on.
    ask: Option<Ask>,
}

impl FactorPage<'_> {
    fn since(&self, on: &On) -> Option<When> {
        on.app.map(|it| When::new(it, self.frame.now))
    }

    fn qr(&self, setup: &Setup) -> Option<Qr> {
        Qr::new("QR code with the secret for your app; the same stands below as text", setup.url.expose_secret())
    }

    /// In groups of four, as it is typed.
    fn typed(&self, setup: &Setup) -> Copyable {
        let secret: Vec<char> = setup.secret.expose_secret().chars().collect();
        let groups: Vec<String> = secret.chunks(4).map(|it| it.iter().collect()).collect();
        Copyable::new("the secret", groups.join(" "))
    }

    fn url<'s>(&self, setup: &'s Setup) -> &'s str {
        setup.url.expose_secret()
    }
}

async fn page(frame: &Frame, person: &Person, app: &App, mistakes: &Mistakes) -> Answer {
    let standing = second_factor::standing(app, person).await?;
    let on = second_factor::on(app, person).await?;
    let code = match (&standing, &on) {
        (Standing::On(_) | Standing::Off, Some(on)) => sign_in_code::field(on, mistakes),
        _ => Field::new("code", "Code", Kind::Code).hint("The six digits that the app shows now.").most(100).check(mistakes),
    };
    let password = Field::new("password", "Your password", Kind::Password).check(mistakes);
    let page = FactorPage {
        frame,
        tabs: super::tabs("/account/security"),
        mistakes,
        standing: &standing,
        on,
        password,
        code,
        ask: Ask::in_place_of_code(on.as_ref(), mistakes),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

/// A secret is shown, and an app set up, only with the password just given. One that is on asks for it in its own forms.
async fn require(app: &App, person: &Person) -> Result<(), Error> {
    if has_app(app, person).await? { Ok(()) } else { require_recent(app, person) }
}

async fn has_app(app: &App, person: &Person) -> Result<bool, Error> {
    Ok(second_factor::on(app, person).await?.is_some_and(|it| it.app.is_some()))
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>) -> Answer {
    require(&app, &person).await?;
    page(&frame, &person, &app, &Mistakes::default()).await
}

pub async fn begin(frame: Frame, person: Person, app: web::Data<App>) -> Answer {
    if require_recent(&app, &person).is_err() {
        return Ok(see_other(HERE));
    }
    match second_factor::begin(&app, &person).await {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => page(&frame, &person, &app, &Mistakes::of(error)?).await,
    }
}

#[derive(Template)]
#[template(path = "account/recovery_codes.html")]
struct CodesPage<'a> {
    frame: &'a Frame,
    tabs: Tabs,
    mistakes: &'a Mistakes,
    /// It was turned on just now.
    is_new: bool,
    codes: Vec<&'a str>,
    all: Copyable,
    /// The person's API tokens, which take no code.
    tokens: i64,
}

pub fn codes(frame: &Frame, is_new: bool, codes: &[SecretString], tokens: i64) -> Answer {
    let codes: Vec<&str> = codes.iter().map(|it| it.expose_secret()).collect();
    let all = Copyable::new("all of them", codes.join(" "));
    frame.page(&CodesPage { frame, tabs: super::tabs("/account/security"), mistakes: &Mistakes::default(), is_new, codes, all, tokens })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct First {
    code: String,
}

pub async fn confirm(frame: Frame, person: Person, app: web::Data<App>, form: Form<First>) -> Answer {
    if require_recent(&app, &person).is_err() {
        return Ok(see_other(HERE));
    }
    match second_factor::confirm(&app, &person, &form.value.code).await {
        Ok(made) if made.is_empty() => Ok(see_other_with(HERE, Flash::AppOn)),
        Ok(made) => codes(&frame, true, &made, tokens::count(&app, person.actor.person).await?),
        Err(Error::Conflict { reason: "second_factor_on", .. }) => Ok(see_other_with(HERE, Flash::RecoveryCodesShown)),
        Err(error) => page(&frame, &person, &app, &Mistakes::of(error)?).await,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Both {
    password: Secret,
    code: String,
    passkey: String,
}

// Where no app is on, the page of these forms may show the secret of one that is being set up: it comes only with the password just given.

pub async fn new_codes(frame: Frame, person: Person, app: web::Data<App>, ceremony: Ceremony, form: Form<Both>) -> Answer {
    let is_on = second_factor::on(&app, &person).await?.is_some();
    if !is_on || require(&app, &person).await.is_err() {
        return Ok(see_other(HERE));
    }
    let Both { password, code, passkey } = form.value;
    match second_factor::new_recovery_codes(&app, &person, password.0, ceremony.proof(&code, &passkey)).await {
        Ok(made) => codes(&frame, false, &made, 0),
        Err(error) => page(&frame, &person, &app, &Mistakes::of(error)?).await,
    }
}

pub async fn turn_off(frame: Frame, person: Person, app: web::Data<App>, ceremony: Ceremony, form: Form<Both>) -> Answer {
    if !has_app(&app, &person).await? {
        return Ok(see_other(HERE));
    }
    let Both { password, code, passkey } = form.value;
    match second_factor::turn_off(&app, &person, password.0, ceremony.proof(&code, &passkey)).await {
        Ok(()) => {
            let left = second_factor::on(&app, &person).await?;
            Ok(see_other_with("/account/security", if left.is_some() { Flash::AppOff } else { Flash::SecondFactorOff }))
        }
        Err(error) => page(&frame, &person, &app, &Mistakes::of(error)?).await,
    }
}
