//! How a bundle gets here: from the browser, by the command, or pulled from where it lies.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::idempotency::Idempotent;
use howdah_app::imports::{self, ImportState, ImportView, PullFrom, PullView};
use howdah_app::{App, Once, sessions};
use howdah_domain::ImportId;
use serde::Deserialize;
use uuid::Uuid;

use super::show::{DecisionForm, Typed, said, whole};
use super::{named, url};
use crate::api::v1::imports::bringing::NewFiles;
use crate::api::v1::imports::files;
use crate::body::Json;
use crate::pages::components::{ByApi, Copyable, Field, Icon, Kind, Status, Tone, When};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, Secret, leads_to, led_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::live::{self, Live, Moment};
use crate::pages::own_bucket::{BucketFields, BucketForm, Purpose};
use crate::pages::visitor::Person;
use crate::pages::{assets, dress, servers, words};
use crate::problem::Problem;
use crate::streams::Streams;

/// The part of an import's page about it.
#[derive(Template)]
#[template(path = "imports/bring.html")]
pub struct Bring {
    url: String,
    live: Live,
    is_pulling: bool,
    push: Copyable,
    key: Uuid,
    tar: Field,
    from_bucket: BucketFields,
    files_by_api: ByApi,
    pull_by_api: ByApi,
}

/// How far a pull is.
#[derive(Template)]
#[template(path = "imports/pull_live.html")]
struct Fragment<'a> {
    url: &'a str,
    pull: Option<Row<'a>>,
}

struct Row<'a> {
    it: &'a PullView,
    status: Status,
    begun: When,
}

impl Row<'_> {
    fn arrived(&self) -> String {
        let bytes = servers::words::bytes(i64::try_from(self.it.bytes).unwrap_or(i64::MAX));
        format!("{} files, {bytes}", words::count(self.it.files))
    }
}

impl Bring {
    pub fn new(app: &App, it: &ImportView, now: DateTime<Utc>, typed: &PullForm, mistakes: &Mistakes) -> Result<Self, Problem> {
        let (url, api) = (url(it.id), format!("/api/v1/imports/{}", it.id));
        Ok(Self {
            live: Live::new(format!("{url}/live"), moment(it, &url, now)?),
            is_pulling: it.pull.as_ref().is_some_and(PullView::is_live),
            push: Copyable::new(
                "the command",
                format!("howdah bundle push DIR --to {}{api} --token-file TOKEN", app.config.dashboard_url.trim_end_matches('/')),
            ),
            key: new_key(app),
            tar: Field::new("url", "Address of the bundle’s tar", Kind::Domain)
                .check(mistakes)
                .hint("https://… What follows a ? may be a key: it is sealed, and forgotten once all is there.")
                .most(2000),
            from_bucket: BucketFields::new(Purpose::Pull, &typed.bucket, mistakes),
            files_by_api: ByApi::new("POST", format!("{api}/files")),
            pull_by_api: ByApi::new("POST", format!("{api}/pull")).and("POST", format!("{api}/pull/stop")),
            url,
        })
    }

    /// For the page's head.
    pub fn refresh(&self) -> live::Refresh {
        self.live.refresh()
    }

    #[expect(clippy::unused_self, reason = "templates ask a part, not a module")]
    pub const fn script(&self) -> &'static str {
        assets::UPLOAD.url
    }
}

crate::pages::components::is_html!(Bring);

fn moment(it: &ImportView, url: &str, now: DateTime<Utc>) -> Result<Moment, Problem> {
    let pull = it.pull.as_ref().filter(|_| it.state == ImportState::Open);
    let version = pull.map_or_else(|| "none".to_owned(), |it| format!("{}-{}-{}", it.state, it.files, it.bytes));
    let row = pull.map(|it| Row { status: status(it), begun: When::new(it.begun_at, now), it });
    live::moment(version, &Fragment { url, pull: row }, pull.is_none_or(|it| !it.is_live()))
}

fn status(it: &PullView) -> Status {
    match it.state.as_str() {
        "queued" => Status::new(Tone::Wait, "Waiting"),
        "running" => Status::new(Tone::Wait, "Under way"),
        "done" => Status::new(Tone::Well, "All is there"),
        _ => Status::new(Tone::Wrong, "Broke off"),
    }
}

/// The browser puts files straight into the bucket: on this page alone its script may connect there.
pub fn with_policy(app: &App, answer: Answer) -> Answer {
    let Some(bundles) = &app.bundles else { return answer };
    let policy = dress::policy_with(&bundles.origin());
    let policy = HeaderValue::from_str(&policy).map_err(|_| Problem::internal("the bucket’s origin is no word of a header"))?;
    let mut response = answer?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

pub async fn live(request: HttpRequest, person: Person, app: Data<App>, streams: Data<Streams>) -> Answer {
    let (id, seen_by, of) = (named(&request)?, person.actor.clone(), app.clone());
    let look = async move || moment(&imports::get(&of, &seen_by, id).await?, &url(id), of.clock.now());
    live::stream(&request, &app, &streams, &person, look).await
}

/// For the page's script: what `POST /api/v1/imports/{id}/files` is for a program with a token. What is wrong is told as there, and is no page.
pub async fn offer(person: Person, app: web::Data<App>, request: HttpRequest, body: Json<NewFiles>) -> Result<HttpResponse, Problem> {
    let (of, announced) = body.value.announced();
    match imports::offer(&app, &person.actor, named(&request)?, of.as_deref(), &announced).await {
        Ok(offered) => Ok(files::answer(offered)),
        Err(error) => Ok(Problem::from(error).error_response()),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PullForm {
    key: Uuid,
    /// Of a tar; else the rest is of a bucket.
    url: Option<Secret>,
    #[serde(flatten)]
    bucket: BucketForm,
}

impl PullForm {
    fn from(&self) -> PullFrom {
        match &self.url {
            Some(Secret(url)) => PullFrom::Url(url.clone()),
            None => PullFrom::Bucket(Box::new(self.bucket.as_typed())),
        }
    }
}

/// Of who had to give their password first.
pub async fn back(request: HttpRequest) -> Answer {
    Ok(see_other(&url(named(&request)?)))
}

pub async fn pull(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<PullForm>) -> Answer {
    sessions::require_recent(&app, &person)?;
    let id = named(&request)?;
    let key = form.key(&person.actor, form.value.key)?;
    let here = url(id);
    let leads = |_: &ImportId| leads_to(&here);
    match imports::pull(&app, &person.actor, id, &form.value.from(), Some(Idempotent { key: &key, render: &leads })).await {
        Ok(Once::Done(_)) => Ok(see_other_with(&here, Flash::PullBegun)),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(error) => {
            let typed = Typed { typed: &DecisionForm::default(), pulled: &form.value };
            whole(&frame, &person, &app, id, typed, &said(error)?).await
        }
    }
}

pub async fn stop(person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let id = named(&request)?;
    match imports::stop_pull(&app, &person.actor, id, None).await {
        Ok(_) => Ok(see_other_with(&url(id), Flash::PullStopped)),
        // It has ended meanwhile: the page says how.
        Err(howdah_app::Error::Conflict { .. }) => Ok(see_other(&url(id))),
        Err(other) => Err(other.into()),
    }
}
