//! `/account/passkeys`: one is added, named anew, or removed. The list is on the page of all that has to do with signing in.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::passkeys::{self, PasskeyView};
use howdah_app::sessions::require_recent;
use howdah_app::{App, second_factor, tokens};
use serde::Deserialize;

use super::second_factor::codes;
use crate::pages::components::{Crumbs, Field, Kind, Summary, Tabs, exact};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::loss::Loss;
use crate::pages::passkeys::{Ask, Ceremony, begun};
use crate::pages::visitor::Person;
use crate::resource::id;

const LIST: &str = "/account/security";

fn name(typed: &str, mistakes: &Mistakes) -> Field {
    Field::new("name", "Name", Kind::Text)
        .hint("“The phone”, say: so that you know later which one it is.")
        .value(typed)
        .most(100)
        .check(mistakes)
}

#[derive(Template)]
#[template(path = "account/passkey_new.html")]
struct NewPage<'a> {
    frame: &'a Frame,
    tabs: Tabs,
    mistakes: &'a Mistakes,
    name: Field,
    ask: Ask,
    /// A second factor is on already.
    is_on: bool,
}

async fn new_page(frame: &Frame, person: &Person, app: &App, typed: &str, mistakes: &Mistakes) -> Answer {
    let page = NewPage {
        frame,
        tabs: super::tabs(LIST),
        mistakes,
        name: name(typed, mistakes),
        ask: Ask::new_one(mistakes),
        is_on: second_factor::on(app, person).await?.is_some(),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show_new(frame: Frame, person: Person, app: web::Data<App>) -> Answer {
    require_recent(&app, &person)?;
    let mistakes = passkeys::room(&app, &person).await.err().map(Mistakes::of).transpose()?;
    new_page(&frame, &person, &app, "", &mistakes.unwrap_or_default()).await
}

pub async fn begin(person: Person, app: web::Data<App>) -> Answer {
    begun(passkeys::begin(&app, &person).await)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct New {
    name: String,
    passkey: String,
}

pub async fn add(frame: Frame, person: Person, app: web::Data<App>, ceremony: Ceremony, form: Form<New>) -> Answer {
    let New { name, passkey } = form.value;
    match passkeys::add(&app, &person, &name, ceremony.answer(&passkey)).await {
        Ok(made) if made.is_empty() => Ok(see_other_with(LIST, Flash::PasskeyAdded)),
        Ok(made) => codes(&frame, true, &made, tokens::count(&app, person.actor.person).await?),
        Err(error) => new_page(&frame, &person, &app, &name, &Mistakes::of(error)?).await,
    }
}

#[derive(Template)]
#[template(path = "account/passkey_rename.html")]
struct RenamePage<'a> {
    frame: &'a Frame,
    crumbs: Crumbs,
    tabs: Tabs,
    mistakes: &'a Mistakes,
    passkey: PasskeyView,
    name: Field,
}

fn rename_page(frame: &Frame, passkey: PasskeyView, typed: &str, mistakes: &Mistakes) -> Answer {
    let page = RenamePage {
        frame,
        crumbs: Crumbs::new([("Account", "/account"), ("Security", LIST)], "Rename a passkey"),
        tabs: super::tabs(LIST),
        mistakes,
        passkey,
        name: name(typed, mistakes),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show_rename(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let passkey = passkeys::get(&app, &person, id(&request, "passkey")?).await?;
    let now = passkey.name.clone();
    rename_page(&frame, passkey, &now, &Mistakes::default())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Name {
    name: String,
}

pub async fn rename(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<Name>) -> Answer {
    let id = id(&request, "passkey")?;
    match passkeys::rename(&app, &person, id, &form.value.name).await {
        Ok(()) => Ok(see_other_with(LIST, Flash::PasskeyRenamed)),
        Err(error) => {
            let mistakes = Mistakes::of(error)?;
            rename_page(&frame, passkeys::get(&app, &person, id).await?, &form.value.name, &mistakes)
        }
    }
}

pub async fn ask_remove(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    require_recent(&app, &person)?;
    let it = passkeys::get(&app, &person, id(&request, "passkey")?).await?;
    let on = second_factor::on(&app, &person).await?;
    let used = it.last_used_at.map_or_else(|| "It was never used.".to_owned(), |at| format!("It was last used on {}.", exact(at)));
    let is_last = on.is_some_and(|it| it.app.is_none() && it.passkeys == 1);
    let last = match is_last {
        true => " It is your last second factor: your password alone is enough to sign in then, and your recovery codes are good no more.",
        false => "",
    };
    let loss = Loss {
        question: format!("Remove the passkey “{}”?", it.name),
        goes: format!("Nobody signs in with it any more. {used}{last}"),
        stays: "Your password, your other passkeys and your sessions. The device keeps its part until you delete it there.",
        way_back: "Add a new passkey on the same device.",
        act: "Remove the passkey",
        keep: "Keep it",
        revision: None,
        by_api: None,
    };
    loss.page(&frame, super::back("Security", LIST))
}

pub async fn remove(person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    passkeys::remove(&app, &person, id(&request, "passkey")?).await?;
    Ok(see_other_with(LIST, Flash::PasskeyRemoved))
}
