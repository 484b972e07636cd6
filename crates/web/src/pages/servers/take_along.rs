//! `/servers/{server}/take-along`: everything of a server, for any other host, in whatever state it is.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::exports::{self, Begun, ExportRequest, ExportView, Words};
use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{self, Overview};
use howdah_app::{Actor, App, Error, Once, Page, sessions};
use howdah_domain::{ExportId, InstanceId, OperationState};
use secrecy::ExposeSecret;
use serde::Deserialize;
use uuid::Uuid;

use super::banner::Banner;
use super::schedule::Section;
use super::{Named, recovery_phrase, words};
use crate::fetching;
use crate::pages::components::{ByApi, Copyable, Crumbs, Empty, Field, Icon, Kind, Meter, Status, Summary, Tabs, Tone, When, exact, span};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, Secret, leads_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::live::{self, Live, Moment};
use crate::pages::loss::{Back, Loss};
use crate::pages::own_bucket::{BucketFields, BucketForm, Purpose};
use crate::pages::visitor::Person;
use crate::problem::Problem;
use crate::streams::Streams;

/// What is older is in the API.
const SHOWN: i64 = 20;

#[derive(Template)]
#[template(path = "servers/take_along.html")]
struct WholePage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    url: String,
    title: String,
    crumbs: Crumbs,
    tabs: Tabs,
    banner: Banner,
    status: Status,
    live: Live,
    mistakes: &'a Mistakes,
    /// Made just now: shown here and never again.
    made: Option<Copyable>,
    /// Of a final bundle: it can be shown again.
    kept: Option<Copyable>,
    typed: &'a BeginForm,
    passphrase: Field,
    elsewhere: BucketFields,
    schedule: Section,
    key: Uuid,
    by_api: ByApi,
    list_by_api: ByApi,
}

/// The part that changes.
#[derive(Template)]
#[template(path = "servers/take_along_live.html")]
struct Fragment<'a> {
    url: &'a str,
    exports: Vec<Row<'a>>,
    empty: Empty,
}

struct Row<'a> {
    it: &'a ExportView,
    status: Status,
    made: When,
    kept_until: Option<When>,
    meter: Option<Meter>,
}

impl Row<'_> {
    fn is_live(&self) -> bool {
        self.it.state.is_live()
    }

    /// `s3://mine/backups/…`, and at which store.
    fn place(&self) -> Option<(String, &str)> {
        let bucket = self.it.bucket.as_ref()?;
        let host = bucket.endpoint.strip_prefix("https://").unwrap_or(&bucket.endpoint);
        Some((format!("s3://{}/{}", bucket.bucket, bucket.prefix), host))
    }

    fn size(&self) -> String {
        self.it.size.map(words::bytes).unwrap_or_default()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct BeginForm {
    key: Uuid,
    /// Of a phrase that was shown, with two of its words.
    ticket: String,
    first_word: String,
    second_word: String,
    make_key: Option<String>,
    recipients: String,
    passphrase: Secret,
    #[serde(flatten)]
    elsewhere: BucketForm,
}

impl BeginForm {
    fn request(&self, app: &App, person: &Person, server: InstanceId) -> Result<ExportRequest, Error> {
        let Secret(passphrase) = &self.passphrase;
        let words = if !self.ticket.is_empty() {
            let typed = [self.first_word.as_str(), self.second_word.as_str()];
            Words::Phrase(exports::kept_phrase(app, person, server, &self.ticket, typed)?)
        } else if passphrase.expose_secret().is_empty() {
            Words::None
        } else {
            Words::Passphrase(passphrase.clone())
        };
        let recipients = self.recipients.split_whitespace().map(str::to_owned).collect();
        Ok(ExportRequest { recipients, make_key: self.make_key.is_some(), words, bucket: self.elsewhere.request() })
    }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let typed = BeginForm::default();
    page(&frame, &person, &app, &Named::of(&request), Parts { typed: &typed, mistakes: &Mistakes::default(), made: None, kept: None }).await
}

/// What was asked for elsewhere on it was refused.
pub async fn again(frame: &Frame, person: &Person, app: &App, named: &Named, mistakes: &Mistakes) -> Answer {
    page(frame, person, app, named, Parts { typed: &BeginForm::default(), mistakes, made: None, kept: None }).await
}

struct Parts<'a> {
    typed: &'a BeginForm,
    mistakes: &'a Mistakes,
    made: Option<Copyable>,
    kept: Option<Copyable>,
}

async fn page(frame: &Frame, person: &Person, app: &App, named: &Named, parts: Parts<'_>) -> Answer {
    let it = instances::overview(app, &person.actor, named.which()).await?;
    let url = format!("{}/take-along", super::url(&named.0));
    let api = format!("/api/v1/instances/{}/exports", it.server.id);
    let moment = look(app, &person.actor, &it, &url, frame.now).await?;
    let schedule = exports::schedule(app, &person.actor, it.server.id).await?;
    let page = WholePage {
        frame,
        title: format!("{} · Take along · {}", words::status(&it.server).word, it.server.domain),
        crumbs: super::crumbs(&it.server.domain),
        tabs: super::tabs(app, &named.0, "Take along"),
        banner: Banner::of(app, &person.actor, it.server.id, &it.server.slug).await?,
        status: words::status(&it.server),
        live: Live::new(format!("{url}/live"), moment),
        mistakes: parts.mistakes,
        made: parts.made,
        kept: parts.kept,
        typed: parts.typed,
        passphrase: passphrase(parts.mistakes),
        elsewhere: BucketFields::new(Purpose::Export, &parts.typed.elsewhere, parts.mistakes),
        schedule: Section::new(&url, &api, schedule, parts.mistakes, frame.now),
        key: new_key(app),
        by_api: ByApi::new("POST", api.clone()),
        list_by_api: ByApi::new("GET", api)
            .and("GET", "/api/v1/exports/{id}/links")
            .and("POST", "/api/v1/exports/{id}/key")
            .and("POST", "/api/v1/exports/{id}/cancel"),
        url,
        it: &it,
    };
    if parts.mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

/// Never sent back.
fn passphrase(mistakes: &Mistakes) -> Field {
    Field::new("passphrase", "Or a passphrase of your own", Kind::NewPassword)
        .hint("12 characters or more. It is used once, to seal a key that goes into the bundle, and kept nowhere; age asks for it when you open that.")
        .most(200)
        .optional()
        .check(mistakes)
}

pub async fn live(request: HttpRequest, person: Person, app: Data<App>, streams: Data<Streams>) -> Answer {
    let (named, seen_by, of) = (Named::of(&request), person.actor.clone(), app.clone());
    let it = instances::overview(&app, &person.actor, named.which()).await?;
    let url = format!("{}/take-along", super::url(&named.0));
    live::stream(&request, &app, &streams, &person, async move || look(&of, &seen_by, &it, &url, of.clock.now()).await).await
}

async fn look(app: &App, actor: &Actor, of: &Overview, url: &str, now: DateTime<Utc>) -> Result<Moment, Problem> {
    let found = exports::list(app, actor, of.server.id, Page { before: None, limit: SHOWN }).await?;
    let version = found.iter().map(|it| format!("{}-{}-{}", it.id, it.state.as_str(), told_at(it))).collect::<Vec<_>>().join("-");
    let is_last = !found.iter().any(|it| it.state.is_live());
    let fragment = Fragment {
        url,
        exports: found.iter().map(|it| row(it, now)).collect(),
        empty: Empty { title: "Nothing yet".into(), sentence: "What you take along is listed here, with how far it is.", action: None },
    };
    live::moment(if version.is_empty() { "none".to_owned() } else { version }, &fragment, is_last)
}

fn told_at(it: &ExportView) -> i64 {
    it.progress.as_ref().map(|it| it.at.timestamp_millis()).unwrap_or_default()
}

fn row(it: &ExportView, now: DateTime<Utc>) -> Row<'_> {
    let kept_until = it.kept_until.filter(|until| now < *until);
    let status = match (it.state, &it.failure) {
        (OperationState::Queued, _) => Status::new(Tone::Wait, "Waiting"),
        (OperationState::Running, Some(_)) => Status::new(Tone::Warn, "Held up"),
        (OperationState::Running, None) => Status::new(Tone::Wait, "Under way"),
        (OperationState::Succeeded, _) if kept_until.is_some() || it.bucket.is_some() => Status::new(Tone::Well, "Whole"),
        (OperationState::Succeeded, _) => Status::new(Tone::Wait, "No longer kept"),
        (OperationState::Failed, _) => Status::new(Tone::Wrong, "Failed"),
        (OperationState::Cancelled, _) => Status::new(Tone::Wait, "Cancelled"),
    };
    Row { status, made: When::new(it.created_at, now), kept_until: kept_until.map(|at| When::new(at, now)), meter: meter(it), it }
}

/// `copying media: 1.2 GB of 12.4 GB`, and how long that lasts.
fn meter(it: &ExportView) -> Option<Meter> {
    let progress = it.progress.as_ref()?;
    let total = progress.bytes_total.unwrap_or(progress.bytes).max(progress.bytes);
    let stage = match progress.stage.as_str() {
        "checking" => "Checking the database",
        "dumping" => "Database",
        "copying_media" => "Media",
        "finishing" => "Finishing",
        _ => "Reading the server",
    };
    let files = progress.files_total.map(|all| format!(", {} of {all} files", progress.files)).unwrap_or_default();
    let left = (total - progress.bytes)
        .checked_div(progress.rate)
        .filter(|it| *it > 0)
        .map(|it| format!("About {} left.", span(chrono::TimeDelta::seconds(it))));
    Some(Meter {
        label: stage.to_owned(),
        used: u64::try_from(progress.bytes).unwrap_or_default(),
        limit: u64::try_from(total).unwrap_or_default().max(1),
        words: if total == 0 { String::new() } else { format!("{} of {}{files}", words::bytes(progress.bytes), words::bytes(total)) },
        hint: left.unwrap_or_default(),
    })
}

pub async fn begin(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<BeginForm>) -> Answer {
    sessions::require_recent(&app, &person)?;
    let named = Named::of(&request);
    let it = instances::overview(&app, &person.actor, named.which()).await?;
    let here = format!("{}/take-along", super::url(&named.0));
    let key = form.key(&person.actor, form.value.key)?;
    let leads = |_: &Begun| leads_to(&here);
    let once = Some(Idempotent { key: &key, render: &leads });
    let begun = match form.value.request(&app, &person, it.server.id) {
        Ok(asked) => exports::begin(&app, &person.actor, it.server.id, &asked, once).await,
        Err(wrong @ Error::Invalid { .. }) => {
            let BeginForm { ticket, elsewhere, .. } = &form.value;
            return recovery_phrase::ask(&frame, &person, &app, &named, (ticket, elsewhere), &Mistakes::of(wrong)?).await;
        }
        Err(over) => Err(over),
    };
    let parts = match begun {
        Ok(Once::Done(Begun { key: Some(made), .. })) => {
            let typed = BeginForm::default();
            let made = Some(Copyable::new("the recovery key", made.expose_secret()));
            return page(&frame, &person, &app, &named, Parts { typed: &typed, mistakes: &Mistakes::default(), made, kept: None }).await;
        }
        Ok(Once::Done(_)) => return Ok(see_other_with(&here, Flash::ExportBegun)),
        Ok(Once::Again { .. }) => return Ok(see_other_with(&here, Flash::ExportBegunBefore)),
        // Of the bucket: the words were right, and are asked for anew with it.
        Err(wrong @ Error::Invalid { .. }) if !form.value.ticket.is_empty() => {
            let BeginForm { ticket, elsewhere, .. } = &form.value;
            return recovery_phrase::ask(&frame, &person, &app, &named, (ticket, elsewhere), &Mistakes::of(wrong)?).await;
        }
        Err(error @ Error::RateLimited { .. }) => Mistakes::said(error.to_string()),
        Err(error) => Mistakes::of(error)?,
    };
    page(&frame, &person, &app, &named, Parts { typed: &form.value, mistakes: &parts, made: None, kept: None }).await
}

/// The export that the address names, where it is this server's.
fn named_export(request: &HttpRequest) -> Result<ExportId, Problem> {
    crate::resource::part(request, "export", "export")
}

pub async fn ask_cancel(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let server = instances::overview(&app, &person.actor, Named::of(&request).which()).await?.server;
    let it = exports::get(&app, &person.actor, named_export(&request)?).await?;
    let here = format!("{}/take-along", super::url(&server.slug));
    if it.instance != server.id || !it.state.is_live() {
        return Ok(see_other(&here));
    }
    let loss = Loss {
        question: format!("Cancel taking {} along?", server.domain),
        goes: format!("What was written since {}: it is no bundle, and opens nothing.", exact(it.created_at)),
        stays: "The server, and every bundle that is whole.",
        way_back: "Take it along anew: that begins at the beginning.",
        act: "Cancel it",
        keep: "Let it go on",
        revision: None,
        by_api: Some(ByApi::new("POST", format!("/api/v1/exports/{}/cancel", it.id))),
    };
    let back = Back {
        title: format!("Take along · {}", server.domain),
        crumbs: Crumbs::new([("Servers", "/servers"), (&server.domain, &super::url(&server.slug))], "Take along"),
        tabs: super::tabs(&app, &server.slug, "Take along"),
        address: here,
    };
    loss.page(&frame, back)
}

pub async fn cancel(person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let here = format!("{}/take-along", super::url(&Named::of(&request).0));
    match exports::cancel(&app, &person.actor, named_export(&request)?, None).await {
        Ok(_) => Ok(see_other_with(&here, Flash::ExportCancelled)),
        // It has ended meanwhile: the page says how.
        Err(Error::Conflict { .. }) => Ok(see_other(&here)),
        Err(other) => Err(other.into()),
    }
}

pub async fn links(person: Person, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    sessions::require_recent(&app, &person)?;
    Ok(fetching::answer(exports::links(&app, &person.actor, named_export(&request)?).await?))
}

/// The key that was made for a final bundle, as long as that is kept.
pub async fn key(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    sessions::require_recent(&app, &person)?;
    let (kept, mistakes) = match exports::key(&app, &person.actor, named_export(&request)?, None).await {
        Ok(once) => (once.done().map(|it| Copyable::new("the key", it.expose_secret())), Mistakes::default()),
        Err(error) => (None, Mistakes::of(error)?),
    };
    page(&frame, &person, &app, &Named::of(&request), Parts { typed: &BeginForm::default(), mistakes: &mistakes, made: None, kept }).await
}
