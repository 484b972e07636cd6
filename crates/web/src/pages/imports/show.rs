//! `/imports/{import}`: one import, from its bundle to the cut-over.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::idempotency::Idempotent;
use howdah_app::imports::{self, CutOver, ImportLaunch, ImportState, ImportView};
use howdah_app::instances::Launched;
use howdah_app::{App, Error, Once, sessions};
use howdah_domain::{ImportId, OperationId};
use secrecy::SecretString;
use serde::Deserialize;
use uuid::Uuid;

use super::bring::{self, Bring, PullForm};
use super::{crumbs, name, named, status, url};
use crate::pages::components::{ByApi, Crumbs, Icon, Status, Summary, When};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, leads_to, led_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::servers;
use crate::pages::visitor::Person;
use crate::pages::words::{self, PlanWords};

#[derive(Template)]
#[template(path = "imports/show.html")]
struct ImportPage<'a> {
    frame: &'a Frame,
    it: &'a ImportView,
    url: String,
    name: String,
    sentence: &'static str,
    crumbs: Crumbs,
    status: Status,
    mistakes: &'a Mistakes,
    typed: &'a DecisionForm,
    key: Uuid,
    bring: Bring,
    looked: Option<When>,
    kept_until: When,
    plans: Vec<PlanWords>,
    chosen: String,
    look_by_api: ByApi,
    launch_by_api: ByApi,
    cut_over_by_api: ByApi,
    by_api: ByApi,
}

impl ImportPage<'_> {
    fn is_sealed(&self) -> bool {
        self.it.seen.as_ref().and_then(|it| it.server.as_ref()).is_some_and(|it| it.is_sealed)
    }

    const fn is_rehearsing(&self) -> bool {
        self.it.is_rehearsing
    }

    fn has_a_way_back(&self) -> bool {
        self.frame.now < self.it.kept_until
    }

    fn count(&self, count: &u64) -> String {
        words::count(*count)
    }

    fn bytes(&self, bytes: &u64) -> String {
        servers::words::bytes(i64::try_from(*bytes).unwrap_or(i64::MAX))
    }
}

/// All that the page's forms hold.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct DecisionForm {
    key: Uuid,
    plan: String,
    /// What opens the bundle.
    identity: SecretText,
    trademark_permission: Option<String>,
    remnants_known: Option<String>,
    source_is_stopped: Option<String>,
}

/// Typed, and never shown again.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct SecretText(String);

impl DecisionForm {
    fn launch(&self) -> ImportLaunch {
        ImportLaunch {
            plan: self.plan.clone(),
            key: SecretString::from(self.identity.0.trim().to_owned()),
            cluster: None,
            trademark_permission: self.trademark_permission.is_some(),
            remnants_known: self.remnants_known.is_some(),
        }
    }
}

async fn page(frame: &Frame, person: &Person, app: &App, id: ImportId, typed: &DecisionForm, mistakes: &Mistakes) -> Answer {
    whole(frame, person, app, id, Typed { typed, pulled: &PullForm::default() }, mistakes).await
}

/// What was typed into its forms.
pub(super) struct Typed<'a> {
    pub typed: &'a DecisionForm,
    pub pulled: &'a PullForm,
}

pub(super) async fn whole(frame: &Frame, person: &Person, app: &App, id: ImportId, typed: Typed<'_>, mistakes: &Mistakes) -> Answer {
    let Typed { typed, pulled } = typed;
    let it = imports::get(app, &person.actor, id).await?;
    let api = format!("/api/v1/imports/{id}");
    let page = ImportPage {
        frame,
        name: name(&it),
        sentence: sentence(&it),
        crumbs: crumbs(&name(&it)),
        status: status(&it),
        mistakes,
        typed,
        key: new_key(app),
        bring: Bring::new(app, &it, frame.now, pulled, mistakes)?,
        looked: it.seen_at.map(|at| When::new(at, frame.now)),
        kept_until: When::new(it.kept_until, frame.now),
        plans: app.plans.iter().map(Into::into).collect(),
        chosen: if typed.plan.is_empty() {
            app.plans.iter().next().map(|it| it.id.clone()).unwrap_or_default()
        } else {
            typed.plan.clone()
        },
        look_by_api: ByApi::new("POST", format!("{api}/look")),
        launch_by_api: ByApi::new("POST", format!("{api}/launch")),
        cut_over_by_api: ByApi::new("POST", format!("{api}/cut-over")),
        by_api: ByApi::new("GET", api),
        url: url(id),
        it: &it,
    };
    let answer = if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) };
    bring::with_policy(app, answer)
}

const fn sentence(it: &ImportView) -> &'static str {
    match it.state {
        ImportState::Open => "Nothing of it runs here yet, and your server goes on where it is.",
        ImportState::Launched if it.is_rehearsing => "It is loaded and can be looked at. Nobody outside meets it until you decide.",
        ImportState::Launched => "It is being loaded as a rehearsal. Your old server goes on.",
        ImportState::Accepted => "It was decided: the server takes its old one’s place, or has taken it.",
        ImportState::Gone => "It was thrown away, or was kept for its time.",
    }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    page(&frame, &person, &app, named(&request)?, &DecisionForm::default(), &Mistakes::default()).await
}

pub async fn look(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let id = named(&request)?;
    match imports::look(&app, &person.actor, id, None).await {
        Ok(_) => Ok(see_other(&url(id))),
        Err(error) => page(&frame, &person, &app, id, &DecisionForm::default(), &said(error)?).await,
    }
}

pub(super) fn said(error: Error) -> Result<Mistakes, crate::problem::Problem> {
    match error {
        Error::RateLimited { .. } => Ok(Mistakes::said(error.to_string())),
        other => Mistakes::of(other),
    }
}

pub async fn launch(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<DecisionForm>) -> Answer {
    let id = named(&request)?;
    let key = form.key(&person.actor, form.value.key)?;
    let here = url(id);
    let leads = |_: &Launched| leads_to(&here);
    match imports::launch(&app, &person.actor, id, &form.value.launch(), Some(Idempotent { key: &key, render: &leads })).await {
        Ok(Once::Done(_)) => Ok(see_other(&here)),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(error) => page(&frame, &person, &app, id, &form.value, &said(error)?).await,
    }
}

pub async fn cut_over(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<DecisionForm>) -> Answer {
    sessions::require_recent(&app, &person)?;
    let id = named(&request)?;
    let key = form.key(&person.actor, form.value.key)?;
    let here = url(id);
    let leads = |_: &OperationId| leads_to(&here);
    let asked = CutOver { source_is_stopped: form.value.source_is_stopped.is_some() };
    match imports::cut_over(&app, &person.actor, id, asked, Some(Idempotent { key: &key, render: &leads })).await {
        Ok(Once::Done(_)) => Ok(see_other_with(&here, Flash::CutOver)),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(error) => page(&frame, &person, &app, id, &form.value, &said(error)?).await,
    }
}
