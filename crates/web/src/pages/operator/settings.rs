//! `/operator/settings`: what applies to the whole platform from the moment it is saved.

use actix_web::web;
use askama::Template;
use howdah_app::settings::{self, PlatformSettings, SettingsChange};
use howdah_app::{App, Error, sessions};
use howdah_domain::NewServers;
use serde::Deserialize;

use super::head::Head;
use super::words;
use crate::pages::components::{ByApi, Field, Icon, Kind, Summary, When};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::visitor::Operator;

pub const HERE: &str = "/operator/settings";

#[derive(Template)]
#[template(path = "operator/settings.html")]
struct SettingsPage<'a> {
    frame: &'a Frame,
    head: Head,
    mistakes: &'a Mistakes,
    typed: &'a SettingsForm,
    servers: Field,
    support: Field,
    changed: When,
    by_api: ByApi,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SettingsForm {
    /// Of the settings when the page was made.
    revision: i64,
    new_servers: String,
    new_servers_sentence: String,
    sign_ups: String,
    servers_per_account: String,
    support_address: String,
    grant_every_launch: Option<String>,
}

impl SettingsForm {
    fn of(it: PlatformSettings) -> Self {
        Self {
            revision: it.revision,
            new_servers: it.new_servers.as_str().to_owned(),
            new_servers_sentence: it.new_servers_sentence,
            sign_ups: it.sign_ups.as_str().to_owned(),
            servers_per_account: it.servers_per_account.to_string(),
            support_address: it.support_address.unwrap_or_default(),
            grant_every_launch: it.grant_every_launch.then(|| "on".to_owned()),
        }
    }

    fn change(&self) -> SettingsChange {
        SettingsChange {
            new_servers: self.new_servers.clone(),
            new_servers_sentence: self.new_servers_sentence.trim().to_owned(),
            sign_ups: self.sign_ups.clone(),
            // What is no number is refused as one that is too small.
            servers_per_account: self.servers_per_account.trim().parse().unwrap_or(-1),
            support_address: self.support_address.trim().to_owned(),
            grant_every_launch: self.grant_every_launch.is_some(),
        }
    }
}

fn page(frame: &Frame, app: &App, now: &PlatformSettings, typed: &SettingsForm, mistakes: &Mistakes) -> Answer {
    let page = SettingsPage {
        frame,
        head: Head::of(app, HERE),
        mistakes,
        typed,
        servers: Field::new("servers_per_account", "Servers an account may have", Kind::Number)
            .hint("For accounts without a number of their own.")
            .value(&typed.servers_per_account)
            .most(6)
            .check(mistakes),
        support: Field::new("support_address", "The support’s e-mail address", Kind::Email)
            .hint("On every page and in every mail. It is also told when somebody signs up and waits.")
            .value(&typed.support_address)
            .most(254)
            .check(mistakes),
        changed: When::new(now.updated_at, frame.now),
        by_api: ByApi::new("GET", "/api/v1/settings").and("PUT", "/api/v1/settings"),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>) -> Answer {
    sessions::require_recent(&app, &operator)?;
    let now = settings::current(&app).await?;
    page(&frame, &app, &now, &SettingsForm::of(now.clone()), &Mistakes::default())
}

pub async fn change(frame: Frame, operator: Operator, app: web::Data<App>, form: Form<SettingsForm>) -> Answer {
    // What decides for everybody is nothing for a stolen session.
    sessions::require_recent(&app, &operator)?;
    let typed = form.value;
    match settings::change(&app, &operator.actor, Some(typed.revision), &typed.change()).await {
        Ok(_) => Ok(see_other_with(HERE, Flash::SettingsSaved)),
        Err(Error::PreconditionFailed) => {
            let now = settings::current(&app).await?;
            let mistakes = Mistakes::said(meanwhile(&now, &typed));
            page(&frame, &app, &now, &SettingsForm { revision: now.revision, ..typed }, &mistakes)
        }
        Err(error) => page(&frame, &app, &settings::current(&app).await?, &typed, &Mistakes::of(error)?),
    }
}

/// What somebody else saved, as far as it is not what the form says.
fn meanwhile(now: &PlatformSettings, typed: &SettingsForm) -> String {
    let saved = SettingsForm::of(now.clone());
    let is_ticked = |it: &Option<String>| if it.is_some() { "yes" } else { "no" };
    let all = [
        ("new servers", words::new_servers(now.new_servers).0, saved.new_servers == typed.new_servers),
        ("what the public reads", &saved.new_servers_sentence, saved.new_servers_sentence == typed.new_servers_sentence.trim()),
        ("servers an account may have", &saved.servers_per_account, saved.servers_per_account == typed.servers_per_account.trim()),
        ("grant every launch", is_ticked(&saved.grant_every_launch), now.grant_every_launch == typed.grant_every_launch.is_some()),
        ("sign-ups", words::sign_ups(now.sign_ups).0, saved.sign_ups == typed.sign_ups),
        ("the support’s e-mail address", &saved.support_address, saved.support_address == typed.support_address.trim()),
    ];
    let other: Vec<String> = all.iter().filter(|(.., is_same)| !is_same).map(|(what, is, _)| format!("{what}: “{is}”")).collect();
    let other = if other.is_empty() { "just as in your form".to_owned() } else { other.join(", ") };
    format!(
        "Somebody, or another tab of yours, saved the settings meanwhile, and yours are not saved. Now they are: {other}. Save again to have them as below."
    )
}
