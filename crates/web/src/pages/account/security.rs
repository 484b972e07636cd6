//! `/account/security`: the password, what is asked for besides, passkeys, and where one is signed in.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::passkeys::{self, PasskeyView};
use howdah_app::second_factor::{self, On};
use howdah_app::sessions::{self, SessionView};
use howdah_app::{App, Error, profile};
use howdah_domain::SessionId;
use serde::Deserialize;

use super::browser;
use crate::pages::components::{Field, Kind, Summary, Tabs, When, exact};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, Secret};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::loss::Loss;
use crate::pages::passkeys::{Ask, Ceremony};
use crate::pages::sign_in_code;
use crate::pages::visitor::Person;
use crate::resource::id;

const HERE: &str = "/account/security";

#[derive(Template)]
#[template(path = "account/security.html")]
struct SecurityPage<'a> {
    frame: &'a Frame,
    tabs: Tabs,
    mistakes: &'a Mistakes,
    old: Field,
    new: Field,
    /// Where a second factor is on.
    code: Option<Field>,
    /// Where there is one: in place of the code.
    ask: Option<Ask>,
    factor: Option<On>,
    passkeys: Vec<PasskeyView>,
    sessions: Vec<SessionView>,
}

impl SecurityPage<'_> {
    fn seen(&self, session: &SessionView) -> When {
        When::new(session.last_seen_at, self.frame.now)
    }

    fn app_since(&self, factor: &On) -> Option<When> {
        factor.app.map(|it| When::new(it, self.frame.now))
    }

    fn added(&self, passkey: &PasskeyView) -> When {
        When::new(passkey.created_at, self.frame.now)
    }

    fn used(&self, passkey: &PasskeyView) -> Option<When> {
        passkey.last_used_at.map(|it| When::new(it, self.frame.now))
    }

    fn began(&self, session: &SessionView) -> When {
        When::new(session.created_at, self.frame.now)
    }

    fn browser(&self, session: &SessionView) -> String {
        browser_of(session)
    }

    /// What it calls itself, for who wonders.
    fn sent<'s>(&self, session: &'s SessionView) -> Option<&'s str> {
        session.user_agent.as_deref().filter(|it| !it.is_empty())
    }

    fn has_others(&self) -> bool {
        self.sessions.iter().any(|it| !it.is_this)
    }
}

fn browser_of(session: &SessionView) -> String {
    browser::name(session.user_agent.as_deref().unwrap_or_default())
}

async fn page(frame: &Frame, person: &Person, app: &App, mistakes: &Mistakes) -> Answer {
    let factor = second_factor::on(app, person).await?;
    let page = SecurityPage {
        frame,
        tabs: super::tabs(HERE),
        mistakes,
        old: Field::new("old_password", "Your password now", Kind::Password).check(mistakes),
        new: Field::new("new_password", "New password", Kind::NewPassword)
            .hint("At least 12 characters. Your other sessions end.")
            .check(mistakes),
        code: factor.map(|it| sign_in_code::field(&it, mistakes)),
        ask: Ask::in_place_of_code(factor.as_ref(), mistakes),
        factor,
        passkeys: passkeys::list(app, person).await?,
        sessions: sessions::list(app, person).await?,
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>) -> Answer {
    page(&frame, &person, &app, &Mistakes::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewPassword {
    old_password: Secret,
    new_password: Secret,
    code: String,
    passkey: String,
}

pub async fn change_password(frame: Frame, person: Person, app: web::Data<App>, ceremony: Ceremony, form: Form<NewPassword>) -> Answer {
    let NewPassword { old_password, new_password, code, passkey } = form.value;
    let proof = ceremony.proof(&code, &passkey);
    match profile::change_password(&app, &person, old_password.0, proof, new_password.0).await {
        Ok(()) => Ok(see_other_with(HERE, Flash::PasswordChanged)),
        Err(error) => page(&frame, &person, &app, &Mistakes::of(error)?).await,
    }
}

pub async fn ask_end(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let id: SessionId = id(&request, "session")?;
    let it = sessions::list(&app, &person).await?.into_iter().find(|it| it.id == id).ok_or(Error::NotFound { what: "session" })?;
    let from = it.address.as_ref().map(|it| format!(" from {it}")).unwrap_or_default();
    let loss = Loss {
        question: format!("End the session of {}?", browser_of(&it)),
        goes: format!("That browser, signed in{from} on {}, is signed out at once. {UNSENT}", exact(it.created_at)),
        act: "End the session",
        keep: "Keep it",
        ..ended()
    };
    loss.page(&frame, super::back("Security", HERE))
}

pub async fn ask_end_others(frame: Frame, _: Person) -> Answer {
    ended().page(&frame, super::back("Security", HERE))
}

const UNSENT: &str = "What is typed there and not sent is lost.";

/// Of all other sessions.
fn ended() -> Loss {
    Loss {
        question: "End all your other sessions?".to_owned(),
        goes: format!("Every browser but this one is signed out at once. {UNSENT}"),
        stays: "This session, your API tokens, and everything that was done there.",
        way_back: "Sign in there again.",
        act: "End all others",
        keep: "Keep them",
        revision: None,
        by_api: None,
    }
}

pub async fn end(person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    sessions::revoke(&app, &person, id(&request, "session")?).await?;
    Ok(see_other_with(HERE, Flash::SessionEnded))
}

pub async fn end_others(person: Person, app: web::Data<App>) -> Answer {
    sessions::revoke_others(&app, &person).await?;
    Ok(see_other_with(HERE, Flash::SessionsEnded))
}
