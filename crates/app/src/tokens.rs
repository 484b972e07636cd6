//! API tokens: a person, an account, scopes and an end. The token itself is shown once and stored nowhere.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::Conn;
use howdah_db::models::account::Membership;
use howdah_db::models::api_token::ApiToken as Row;
use howdah_db::models::audit::{Actor as AuditActor, Record};
use howdah_db::models::person::Person;
use howdah_db::models::session::Session;
use howdah_domain::{AccountId, ApiTokenId, PersonId, Randomness};
use secrecy::SecretString;
use serde_json::json;

use crate::bearer::{digest, new_token};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::mails::{self, To};
use crate::{Actor, App, Error, FieldError, Role, Scope, sessions};

/// Says what it is to whoever finds one, and to scanners.
const PREFIX: &str = "howdah_";
pub(crate) const LONGEST: TimeDelta = TimeDelta::days(366);
const DEFAULT: TimeDelta = TimeDelta::days(90);
/// A busy token is not a busy row.
const USED_AT_MOST_EVERY: TimeDelta = TimeDelta::minutes(1);

#[derive(Debug, Clone)]
pub struct TokenView {
    pub id: ApiTokenId,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
pub struct NewToken {
    pub view: TokenView,
    /// To be shown now or never.
    pub token: SecretString,
}

#[derive(Debug, Clone, Default)]
pub struct TokenRequest {
    pub name: String,
    pub scopes: Vec<String>,
    /// Absent: in 90 days, or with the token that makes it.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whom a token speaks for. Unknown, expired and revoked are one answer.
///
/// # Errors
/// [`Error::Unauthenticated`].
pub async fn authenticate(app: &App, token: &str) -> Result<Actor, Error> {
    if !token.starts_with(PREFIX) || token.len() > 200 {
        return Err(Error::Unauthenticated);
    }
    let mut conn = app.conn().await?;
    let bearer = Row::bearer(&mut conn, &digest(token), app.now()).await?.ok_or(Error::Unauthenticated)?;
    let role = role_of(&bearer.role)?;
    if bearer.token.last_used_at.is_none_or(|it| it <= app.now() - USED_AT_MOST_EVERY) {
        Row::used(&mut conn, bearer.token.id, app.now()).await?;
    }
    Ok(Actor {
        person: PersonId::from_uuid(bearer.person.id),
        account: AccountId::from_uuid(bearer.account.id),
        role,
        is_operator: bearer.person.is_operator,
        scopes: scopes_of(&bearer.token),
        expires_at: bearer.token.expires_at,
        credential: bearer.token.id,
    })
}

/// A token for the actor's own account, with no more than the actor's own rights. The person is told.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Forbidden`]; [`Error::Unauthenticated`] where what the actor asks with has ended meanwhile.
pub async fn create(
    app: &App,
    actor: &Actor,
    request: &TokenRequest,
    idempotent: Option<Idempotent<'_, NewToken>>,
) -> Result<Once<NewToken>, Error> {
    actor.may_change()?;
    let (scopes, expires_at) = check(app, actor, request)?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let person = hold(app, conn, actor).await?;
        let new = insert(app, conn, actor.account, actor.person, request.name.trim(), &scopes, expires_at).await?;
        let mail = mails::token_made(&app.config, &new.view);
        mails::put(app, conn, &mail, &To { email: &person.email, person: Some(person.id), ..To::default() }).await?;
        record(app, conn, actor, "token.create", (new.view.id, &new.view.name)).await?;
        keep(conn, idempotent, new).await
    })
    .await
}

/// Refuses whose session or token, or right, has ended since the request began; nobody ends them until the transaction does. A token
/// that was made by one that is revoked would take its place.
async fn hold(app: &App, conn: &mut Conn, actor: &Actor) -> Result<Person, Error> {
    let held = Membership::hold(conn, actor.account.as_uuid(), actor.person.as_uuid()).await?;
    let (membership, person) = held.ok_or(Error::Unauthenticated)?;
    let is_live =
        Session::hold(conn, actor.credential, sessions::alive(app)).await? || Row::hold(conn, actor.credential, app.now()).await?;
    if !is_live {
        return Err(Error::Unauthenticated);
    }
    Actor { role: role_of(&membership.role)?, ..actor.clone() }.may_change()?;
    Ok(person)
}

fn role_of(word: &str) -> Result<Role, Error> {
    Role::parse(word).ok_or_else(|| Error::internal("memberships.role is none of its words"))
}

fn check(app: &App, actor: &Actor, request: &TokenRequest) -> Result<(Vec<Scope>, DateTime<Utc>), Error> {
    let mut fields = Vec::new();
    let mut wrong = |field, reason, sentence: String| fields.push(FieldError { field, reason, sentence });
    let name = request.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        wrong("name", "malformed", "The name has 1 to 100 characters: it tells you later what the token is for.".to_owned());
    }
    let mut scopes: Vec<Scope> = Vec::new();
    for word in &request.scopes {
        match Scope::parse(word) {
            Some(scope) if !actor.scopes.contains(&scope) || (scope == Scope::Operate && !actor.is_operator) => {
                wrong("scopes", "not_yours", format!("You can't give the scope “{}”: you don't have it.", scope.as_str()));
            }
            Some(scope) if scopes.contains(&scope) => {}
            Some(scope) => scopes.push(scope),
            None => {
                let word: String = word.chars().take(40).collect();
                wrong("scopes", "unknown", format!("There is no scope “{word}”. The scopes are read, write, people and operate."));
            }
        }
    }
    if request.scopes.is_empty() {
        wrong("scopes", "missing", "A token needs a scope: read, write, people or operate.".to_owned());
    }
    let expires_at = request.expires_at.unwrap_or((app.now() + DEFAULT).min(actor.expires_at));
    // A token that was stolen for an hour must not become one for a year.
    if expires_at > actor.expires_at {
        let sentence = format!("A token can't outlive the one that makes it, which ends at {}.", actor.expires_at.to_rfc3339());
        wrong("expires_at", "outlives_yours", sentence);
    } else if expires_at <= app.now() || expires_at > app.now() + LONGEST {
        wrong("expires_at", "out_of_range", "A token ends in the future, within a year.".to_owned());
    }
    if fields.is_empty() { Ok((scopes, expires_at)) } else { Err(Error::Invalid { fields }) }
}

/// Makes one, in the caller's transaction.
pub(crate) async fn insert(
    app: &App,
    conn: &mut Conn,
    account: AccountId,
    person: PersonId,
    name: &str,
    scopes: &[Scope],
    expires_at: DateTime<Utc>,
) -> Result<NewToken, Error> {
    let token = new_secret(&*app.randomness);
    let row = Row {
        id: ApiTokenId::generate(app.now(), &*app.randomness).as_uuid(),
        account_id: account.as_uuid(),
        person_id: person.as_uuid(),
        name: name.to_owned(),
        token_digest: digest(&token),
        scopes: scopes.iter().map(|it| it.as_str().to_owned()).collect(),
        created_at: app.now(),
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    row.insert(conn).await?;
    Ok(NewToken { view: view(row), token: token.into() })
}

/// The actor's own live tokens for the account, the newest first.
///
/// # Errors
/// [`Error::Forbidden`].
pub async fn list(app: &App, actor: &Actor, before: Option<ApiTokenId>, limit: i64) -> Result<Vec<TokenView>, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let membership = membership(&mut conn, actor).await?;
    let rows = Row::live_page(&mut conn, &membership, app.now(), before.map(ApiTokenId::as_uuid), limit).await?;
    Ok(rows.into_iter().map(view).collect())
}

/// One of the actor's own.
///
/// # Errors
/// [`Error::NotFound`] for another's, or one that has ended.
pub async fn get(app: &App, actor: &Actor, id: ApiTokenId) -> Result<TokenView, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let membership = membership(&mut conn, actor).await?;
    let row = Row::of(&mut conn, &membership, id.as_uuid()).await?;
    row.filter(|it| it.revoked_at.is_none() && it.expires_at > app.now()).map(view).ok_or(Error::NotFound { what: "token" })
}

/// How many of a person's are live, over all their accounts.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn count(app: &App, person: PersonId) -> Result<i64, Error> {
    Ok(Row::count_live(&mut *app.conn().await?, person.as_uuid(), app.now()).await?)
}

/// Ends one of the actor's own tokens.
///
/// # Errors
/// [`Error::NotFound`] for another's, or one that has ended.
pub async fn revoke(app: &App, actor: &Actor, id: ApiTokenId) -> Result<(), Error> {
    actor.may_change()?;
    let mut conn = app.conn().await?;
    let gone = Error::NotFound { what: "token" };
    howdah_db::transaction(&mut conn, async |conn| {
        let membership = membership(conn, actor).await?;
        let Some(row) = Row::of(conn, &membership, id.as_uuid()).await? else { return Err(gone) };
        if !Row::revoke(conn, row.id, app.now()).await? {
            return Err(gone);
        }
        record(app, conn, actor, "token.revoke", (id, &row.name)).await
    })
    .await
}

async fn membership(conn: &mut Conn, actor: &Actor) -> Result<Membership, Error> {
    let found = Membership::of(conn, actor.account.as_uuid(), actor.person.as_uuid()).await?;
    found.ok_or(Error::NotFound { what: "account" })
}

async fn record(app: &App, conn: &mut Conn, actor: &Actor, action: &str, (token, name): (ApiTokenId, &str)) -> Result<(), Error> {
    let record = Record {
        chain_id: actor.account.as_uuid(),
        at: app.now(),
        actor: AuditActor::Person(actor.person.as_uuid()),
        action,
        subject_kind: "token",
        subject_id: Some(token.as_uuid()),
        details: json!({"name": name}),
    };
    record.insert(conn).await?;
    Ok(())
}

fn new_secret(randomness: &dyn Randomness) -> String {
    format!("{PREFIX}{}", new_token(randomness))
}

fn scopes_of(row: &Row) -> Vec<Scope> {
    row.scopes.iter().filter_map(|it| Scope::parse(it)).collect()
}

fn view(row: Row) -> TokenView {
    TokenView {
        id: ApiTokenId::from_uuid(row.id),
        scopes: scopes_of(&row),
        name: row.name,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    }
}
