//! `/account`: who I am, and for which account I work.

use actix_web::web;
use askama::Template;
use howdah_app::account::{self, AccountView};
use howdah_app::sessions::{self, AccountChoice};
use howdah_app::{App, profile, second_factor};
use serde::Deserialize;
use uuid::Uuid;

use crate::pages::components::{ByApi, Field, Kind, Meter, Summary, Tabs};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::passkeys::Ask;
use crate::pages::sign_in_code;
use crate::pages::visitor::Person;

#[derive(Template)]
#[template(path = "account/profile.html")]
pub struct ProfilePage<'a> {
    frame: &'a Frame,
    tabs: Tabs,
    mistakes: &'a Mistakes,
    account: AccountView,
    choices: Vec<AccountChoice>,
    name: Field,
    new_email: Field,
    password: Field,
    /// Where a second factor is on.
    code: Option<Field>,
    /// Where there is one: in place of the code.
    ask: Option<Ask>,
    servers: Meter,
    by_api: ByApi,
}

/// What was typed so far.
#[derive(Default)]
pub struct Typed<'a> {
    pub name: Option<&'a str>,
    pub email: &'a str,
}

pub async fn page(frame: &Frame, person: &Person, app: &App, typed: Typed<'_>, mistakes: &Mistakes) -> Answer {
    let account = account::get(app, &person.actor).await?;
    let on = second_factor::on(app, person).await?;
    let page = ProfilePage {
        frame,
        tabs: super::tabs("/account"),
        mistakes,
        choices: sessions::accounts(app, person).await?,
        name: Field::new("name", "Name", Kind::Name).value(typed.name.unwrap_or(&account.person_name)).most(200).check(mistakes),
        new_email: Field::new("email", "New e-mail address", Kind::Email)
            .hint("We send a link there; your e-mail address changes when you open it.")
            .value(typed.email)
            .most(254)
            .check(mistakes),
        password: Field::new("password", "Your password", Kind::Password).check(mistakes),
        code: on.map(|it| sign_in_code::field(&it, mistakes)),
        ask: Ask::in_place_of_code(on.as_ref(), mistakes),
        servers: Meter {
            label: "Servers".to_owned(),
            used: account.servers.unsigned_abs(),
            limit: account.servers_allowed.unsigned_abs().into(),
            words: format!("{} of {}", account.servers, account.servers_allowed),
            hint: String::new(),
        },
        by_api: ByApi::new("GET", "/api/v1/account"),
        account,
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>) -> Answer {
    page(&frame, &person, &app, Typed::default(), &Mistakes::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Change {
    name: String,
}

pub async fn change(frame: Frame, person: Person, app: web::Data<App>, form: Form<Change>) -> Answer {
    let name = form.value.name.trim();
    match profile::change_name(&app, &person, name).await {
        Ok(()) => Ok(see_other_with("/account", Flash::NameChanged)),
        Err(error) => page(&frame, &person, &app, Typed { name: Some(name), email: "" }, &Mistakes::of(error)?).await,
    }
}

#[derive(Deserialize)]
pub struct Choice {
    account: Uuid,
}

pub async fn use_account(person: Person, app: web::Data<App>, form: Form<Choice>) -> Answer {
    sessions::use_account(&app, &person, howdah_domain::AccountId::from_uuid(form.value.account)).await?;
    Ok(see_other_with("/account", Flash::AccountChosen))
}
