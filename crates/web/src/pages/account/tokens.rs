//! `/account/tokens`: what programs sign in with. A token is shown once, right after it was made.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;
use howdah_app::idempotency::Idempotent;
use howdah_app::tokens::{self, NewToken, TokenRequest, TokenView};
use howdah_app::{App, Once, Scope};
use howdah_domain::ApiTokenId;
use secrecy::ExposeSecret;
use serde::Deserialize;
use uuid::Uuid;

use crate::page::PageQuery;
use crate::pages::components::{ByApi, Copyable, Empty, Field, Kind, Pager, Summary, Tabs, When, exact};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes, leads_to, new_key};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::loss::Loss;
use crate::pages::visitor::Person;
use crate::resource::id;

const HERE: &str = "/account/tokens";
const DAYS: [i64; 4] = [7, 30, 90, 365];

#[derive(Template)]
#[template(path = "account/tokens.html")]
struct TokensPage<'a> {
    frame: &'a Frame,
    tabs: Tabs,
    mistakes: &'a Mistakes,
    /// Made just now: shown here and never again.
    new: Option<Copyable>,
    tokens: Vec<TokenView>,
    pager: Pager,
    empty: Empty,
    key: Uuid,
    name: Field,
    typed: &'a NewTokenForm,
    may_operate: bool,
    by_api: ByApi,
    revoke_by_api: ByApi,
}

impl TokensPage<'_> {
    fn scopes(&self, token: &TokenView) -> String {
        scopes(token)
    }

    fn ends(&self, token: &TokenView) -> When {
        When::new(token.expires_at, self.frame.now)
    }

    fn used(&self, token: &TokenView) -> Option<When> {
        token.last_used_at.map(|it| When::new(it, self.frame.now))
    }
}

fn scopes(token: &TokenView) -> String {
    token.scopes.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ")
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewTokenForm {
    key: Uuid,
    name: String,
    read: Option<String>,
    write: Option<String>,
    people: Option<String>,
    operate: Option<String>,
    days: Option<i64>,
}

impl NewTokenForm {
    fn request(&self, frame: &Frame) -> TokenRequest {
        let ticked =
            [(Scope::Read, &self.read), (Scope::Write, &self.write), (Scope::People, &self.people), (Scope::Operate, &self.operate)];
        let scopes = ticked.iter().filter(|(_, it)| it.is_some()).map(|(scope, _)| scope.as_str().to_owned()).collect();
        let days = self.days.filter(|it| DAYS.contains(it)).unwrap_or(90);
        TokenRequest { name: self.name.clone(), scopes, expires_at: Some(frame.now + TimeDelta::days(days)) }
    }
}

struct Parts<'a> {
    typed: &'a NewTokenForm,
    mistakes: &'a Mistakes,
    new: Option<Copyable>,
    page: PageQuery,
}

async fn page(frame: &Frame, person: &Person, app: &App, parts: Parts<'_>) -> Answer {
    let found = tokens::list(app, &person.actor, parts.page.before.map(ApiTokenId::from_uuid), parts.page.fetched()).await?;
    let (tokens, cursor) = parts.page.cut(found, |it| it.id.as_uuid());
    let mistakes = parts.mistakes;
    let page = TokensPage {
        frame,
        tabs: super::tabs(HERE),
        mistakes,
        new: parts.new,
        tokens,
        pager: Pager { first: parts.page.before.map(|_| HERE.to_owned()), next: cursor.map(|it| format!("{HERE}?cursor={it}")) },
        empty: Empty {
            title: "No tokens".into(),
            sentence: "A token lets a program do what you can do here. Make one above.",
            action: None,
        },
        key: new_key(app),
        name: Field::new("name", "What is it for?", Kind::Text)
            .hint("“Backups on the office machine”, say: so that you know later which one to revoke.")
            .value(&parts.typed.name)
            .most(100)
            .check(mistakes),
        typed: parts.typed,
        may_operate: person.actor.operates(),
        by_api: ByApi::new("POST", "/api/v1/tokens"),
        revoke_by_api: ByApi::new("GET", "/api/v1/tokens").and("DELETE", "/api/v1/tokens/{id}"),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, query: PageQuery) -> Answer {
    let typed = NewTokenForm { read: Some("on".to_owned()), ..NewTokenForm::default() };
    page(&frame, &person, &app, Parts { typed: &typed, mistakes: &Mistakes::default(), new: None, page: query }).await
}

pub async fn create(frame: Frame, person: Person, app: web::Data<App>, form: Form<NewTokenForm>) -> Answer {
    howdah_app::sessions::require_recent(&app, &person)?;
    let key = form.key(&person.actor, form.value.key)?;
    let render = |_: &NewToken| leads_to(HERE);
    let request = form.value.request(&frame);
    match tokens::create(&app, &person.actor, &request, Some(Idempotent { key: &key, render: &render })).await {
        Ok(Once::Done(made)) => {
            let new = Some(Copyable::new("the token", made.token.expose_secret()));
            let typed = NewTokenForm::default();
            page(&frame, &person, &app, Parts { typed: &typed, mistakes: &Mistakes::default(), new, page: PageQuery::first() }).await
        }
        Ok(Once::Again { .. }) => Ok(see_other_with(HERE, Flash::TokenShownBefore)),
        Err(error) => {
            let mistakes = Mistakes::of(error)?;
            page(&frame, &person, &app, Parts { typed: &form.value, mistakes: &mistakes, new: None, page: PageQuery::first() }).await
        }
    }
}

pub async fn ask_revoke(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = tokens::get(&app, &person.actor, id(&request, "token")?).await?;
    let used = it.last_used_at.map_or_else(|| "It was never used.".to_owned(), |at| format!("It was last used on {}.", exact(at)));
    let loss = Loss {
        question: format!("Revoke the API token “{}”?", it.name),
        goes: format!("Every program that has it (it may: {}) is turned away from its next call on. {used}", scopes(&it)),
        stays: "Your other tokens, and what was done with this one.",
        way_back: "None: it can’t be brought back. Make a new one, and give it to the program.",
        act: "Revoke the token",
        keep: "Keep it",
        revision: None,
        by_api: Some(ByApi::new("DELETE", format!("/api/v1/tokens/{}", it.id))),
    };
    loss.page(&frame, super::back("API tokens", HERE))
}

pub async fn revoke(person: Person, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, crate::problem::Problem> {
    tokens::revoke(&app, &person.actor, id(&request, "token")?).await?;
    Ok(see_other_with(HERE, Flash::TokenRevoked))
}
