//! `/servers/new`: launch a server. The address is checked while it is typed; what counts is the answer to the form.

use actix_web::http::header::{CONTENT_TYPE, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use howdah_app::idempotency::Idempotent;
use howdah_app::instances::{self, AddressCheck, AddressNote, LaunchRequest, Launched, Openness};
use howdah_app::{App, Once};
use serde::Deserialize;
use uuid::Uuid;

use crate::pages::assets;
use crate::pages::components::{ByApi, Crumbs, Field, Icon, Kind, Summary};
use crate::pages::form::{Form, Mistakes, leads_to, led_to, new_key};
use crate::pages::frame::{Answer, Frame, render, see_other};
use crate::pages::visitor::Person;
use crate::pages::words::PlanWords;

/// htmx says with it that it asks for a part of a page.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct LaunchForm {
    key: Uuid,
    /// `own` or `platform`.
    kind: String,
    own: String,
    web_domain: String,
    /// Before the platform's domain.
    label: String,
    platform_domain: String,
    trademark_permission: Option<String>,
    remnants_known: Option<String>,
    plan: String,
    owner_username: String,
    owner_email: String,
}

impl LaunchForm {
    fn is_own(&self) -> bool {
        self.kind != "platform"
    }

    /// The domain as the API takes it.
    fn domain(&self) -> String {
        let (own, label) = (self.own.trim(), self.label.trim());
        match self.is_own() {
            true => own.to_owned(),
            false if label.is_empty() => String::new(),
            false => format!("{label}.{}", self.platform_domain),
        }
    }

    fn web_domain(&self) -> Option<String> {
        let typed = self.web_domain.trim();
        (self.is_own() && !typed.is_empty()).then(|| typed.to_owned())
    }

    fn request(&self) -> LaunchRequest {
        LaunchRequest {
            domain: self.domain(),
            web_domain: self.web_domain(),
            plan: self.plan.clone(),
            owner_username: self.owner_username.trim().to_owned(),
            owner_email: self.owner_email.trim().to_owned(),
            cluster: None,
            trademark_permission: self.trademark_permission.is_some(),
            remnants_known: self.remnants_known.is_some(),
        }
    }
}

/// What is known of the address as it is typed now.
#[derive(Template)]
#[template(path = "servers/check.html")]
struct Check {
    found: Option<AddressCheck>,
}

impl Check {
    async fn of(app: &App, person: &Person, typed: &LaunchForm) -> Result<Self, crate::problem::Problem> {
        let domain = typed.domain();
        if domain.is_empty() {
            return Ok(Self { found: None });
        }
        let found = instances::check_address(app, &person.actor, &domain, typed.web_domain().as_deref()).await?;
        Ok(Self { found: Some(found) })
    }

    /// The domain that handles end in, as people read it.
    fn domain(&self) -> Option<&str> {
        let address = self.found.as_ref()?.normalised.as_ref()?;
        Some(address.in_unicode.as_ref().unwrap_or(&address.domain))
    }

    fn asks_for_permission(&self) -> bool {
        self.notes().any(|it| matches!(it, AddressNote::TrademarkAsked { .. }))
    }

    fn warns_of_remnants(&self) -> bool {
        self.notes().any(|it| matches!(it, AddressNote::Remnants { .. }))
    }

    fn notes(&self) -> impl Iterator<Item = &AddressNote> {
        self.found.iter().flat_map(|it| &it.notes)
    }
}

/// What the owner’s username makes of them: written anew while it, or the address, is typed.
#[derive(Template)]
#[template(path = "servers/handle.html")]
struct Handle {
    hint: String,
}

impl Handle {
    fn of(typed: &LaunchForm, check: &Check) -> Self {
        let name = instances::check_owner_name(&typed.owner_username).unwrap_or_else(|_| "name".to_owned());
        let handle = format!("@{name}@{}", check.domain().unwrap_or("domain"));
        Self { hint: format!("In Mastodon they are {handle}. Letters, digits and _; it can’t be changed later.") }
    }
}

crate::pages::components::is_html!(Check);

#[derive(Template)]
#[template(path = "servers/launch.html")]
struct LaunchPage<'a> {
    frame: &'a Frame,
    crumbs: Crumbs,
    mistakes: &'a Mistakes,
    openness: Openness,
    typed: &'a LaunchForm,
    key: Uuid,
    own: Field,
    web_domain: Field,
    label: Field,
    platform_domains: Vec<String>,
    check: Check,
    plans: Vec<PlanWords>,
    chosen: String,
    username: Field,
    email: Field,
    check_by_api: ByApi,
    by_api: ByApi,
}

impl LaunchPage<'_> {
    const fn htmx(&self) -> &'static str {
        assets::HTMX.url
    }
}

async fn page(frame: &Frame, person: &Person, app: &App, typed: &LaunchForm, mistakes: &Mistakes) -> Answer {
    let check = Check::of(app, person, typed).await?;
    let handle = Handle::of(typed, &check);
    let platform_domains = app.config.names.platform_domains.clone();
    let suffix = match platform_domains.as_slice() {
        [only] => format!(".{only}"),
        _ => String::new(),
    };
    let own = Field::new("own", "Your domain", Kind::Domain)
        .hint("What stands at the end of everyone’s handle, like birds.example in @ana@birds.example.")
        .value(&typed.own)
        .most(253)
        .optional_in_form();
    let label = Field::new("label", "Name", Kind::Domain)
        .hint("Letters, digits and hyphens.")
        .value(&typed.label)
        .most(63)
        .suffix(suffix)
        .optional_in_form();
    let (own, label) = if typed.is_own() { (own.check_as("domain", mistakes), label) } else { (own, label.check_as("domain", mistakes)) };
    let page = LaunchPage {
        frame,
        crumbs: Crumbs::new([("Servers", "/servers")], "Launch"),
        mistakes,
        openness: instances::openness(app, Some(&person.actor), instances::has_room(app).await?).await?,
        typed,
        key: new_key(app),
        own,
        web_domain: Field::new("web_domain", "Where the server answers", Kind::Domain)
            .hint("Only where your domain itself has a site already: social.birds.example, say.")
            .value(&typed.web_domain)
            .most(253)
            .optional()
            .check(mistakes),
        label,
        platform_domains,
        check,
        plans: app.plans.iter().map(Into::into).collect(),
        chosen: if typed.plan.is_empty() {
            app.plans.iter().next().map(|it| it.id.clone()).unwrap_or_default()
        } else {
            typed.plan.clone()
        },
        username: Field::new("owner_username", "Owner’s username", Kind::Username)
            .hint(handle.hint)
            .value(&typed.owner_username)
            .most(30)
            .check_as("owner.username", mistakes),
        email: Field::new("owner_email", "Owner’s e-mail address", Kind::Email)
            .hint("The server writes to it: a link to set the password comes once it runs.")
            .value(&typed.owner_email)
            .most(254)
            .check_as("owner.email", mistakes),
        check_by_api: ByApi::new("GET", "/api/v1/address-check?domain=…"),
        by_api: ByApi::new("POST", "/api/v1/instances"),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>) -> Answer {
    let typed = LaunchForm { owner_email: person.email.clone(), kind: "own".to_owned(), ..LaunchForm::default() };
    page(&frame, &person, &app, &typed, &Mistakes::default()).await
}

/// What is typed, looked at; nothing is launched. Scripts get the parts of the page that change.
pub async fn check(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<LaunchForm>) -> Answer {
    if !request.headers().contains_key(HX_REQUEST) {
        return page(&frame, &person, &app, &form.value, &Mistakes::default()).await;
    }
    let check = Check::of(&app, &person, &form.value).await?;
    let html = render(&check)? + &render(&Handle::of(&form.value, &check))?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(html))
}

pub async fn launch(frame: Frame, person: Person, app: web::Data<App>, form: Form<LaunchForm>) -> Answer {
    let key = form.key(&person.actor, form.value.key)?;
    let leads = |it: &Launched| leads_to(&super::url(&it.instance.to_string()));
    match instances::launch(&app, &person.actor, &form.value.request(), Some(Idempotent { key: &key, render: &leads })).await {
        Ok(Once::Done(launched)) => Ok(see_other(&super::url(&launched.instance.to_string()))),
        Ok(Once::Again { body, .. }) => Ok(led_to(&body)),
        Err(error) => page(&frame, &person, &app, &form.value, &Mistakes::of(error)?).await,
    }
}
