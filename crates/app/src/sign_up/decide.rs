//! What operators decide about who has signed up.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::instance::Page;
use howdah_db::models::sign_up::SignUp as Row;
use howdah_domain::{AccountId, SignUpId};
use serde_json::json;

use super::confirm::open;
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::instances::audit_actor;
use crate::mails::{self, Mail, To};
use crate::people::{open_account, record};
use crate::settings::PLATFORM_CHAIN;
use crate::{Actor, App, Error};

/// Somebody who confirmed their e-mail address and waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingSignUp {
    pub id: SignUpId,
    pub name: String,
    pub email: String,
    pub account_name: String,
    pub asked_at: DateTime<Utc>,
    pub confirmed_at: DateTime<Utc>,
}

/// The newest first.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn waiting(app: &App, actor: &Actor, page: Page) -> Result<Vec<WaitingSignUp>, Error> {
    actor.may_operate()?;
    let rows = Row::waiting(&mut *app.conn().await?, page).await?;
    Ok(rows.into_iter().map(view).collect())
}

/// One of them.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::NotFound`], [`Error::Conflict`] where it was decided before.
pub async fn one_waiting(app: &App, actor: &Actor, id: SignUpId) -> Result<WaitingSignUp, Error> {
    actor.may_operate()?;
    undecided(Row::by_id(&mut *app.conn().await?, id.as_uuid()).await?).map(view)
}

fn view(row: Row) -> WaitingSignUp {
    WaitingSignUp {
        id: SignUpId::from_uuid(row.id),
        asked_at: row.created_at,
        confirmed_at: row.confirmed_at.unwrap_or(row.created_at),
        name: row.name,
        email: row.email,
        account_name: row.account_name,
    }
}

/// Lets somebody in who waits; a mail tells them.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::NotFound`], [`Error::Conflict`] where it was decided before, or the
/// address has got an account another way.
pub async fn approve(
    app: &App,
    actor: &Actor,
    id: SignUpId,
    idempotent: Option<Idempotent<'_, AccountId>>,
) -> Result<Once<AccountId>, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = undecided(Row::lock(conn, id.as_uuid()).await?)?;
        let hash = row.password_hash.as_deref().ok_or_else(|| Error::internal("a sign-up that waits has no password"))?;
        let person = open(app, conn, &row, hash).await?;
        let account = open_account(app, conn, &person, &row.account_name).await?;
        Row::decide(conn, row.id, "approved", Some(actor.person.as_uuid()), app.now()).await?;
        tell(app, conn, &row, &mails::account_ready(&app.config, &row.name), Some(person.id)).await?;
        let subject = ("person", person.id);
        record(app, conn, account.id, audit_actor(actor), "sign_up.approve", subject, json!({})).await?;
        keep(conn, idempotent, AccountId::from_uuid(account.id)).await
    })
    .await
}

/// Turns somebody away who waits; a mail tells them.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::NotFound`], [`Error::Conflict`] where it was decided before.
pub async fn refuse(app: &App, actor: &Actor, id: SignUpId, idempotent: Option<Idempotent<'_, ()>>) -> Result<Once<()>, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = undecided(Row::lock(conn, id.as_uuid()).await?)?;
        Row::decide(conn, row.id, "refused", Some(actor.person.as_uuid()), app.now()).await?;
        tell(app, conn, &row, &mails::sign_up_refused(&row.name), None).await?;
        let details = json!({"email": row.email});
        record(app, conn, PLATFORM_CHAIN, audit_actor(actor), "sign_up.refuse", ("sign_up", row.id), details).await?;
        keep(conn, idempotent, ()).await
    })
    .await
}

fn undecided(found: Option<Row>) -> Result<Row, Error> {
    let row = found.filter(|it| it.confirmed_at.is_some()).ok_or(Error::NotFound { what: "sign-up" })?;
    match row.decision.as_deref() {
        None => Ok(row),
        Some(before) => {
            let sentence = format!("This sign-up was {} before.", if before == "refused" { "refused" } else { "approved" });
            Err(Error::Conflict { reason: "decided", sentence })
        }
    }
}

async fn tell(app: &App, conn: &mut Conn, row: &Row, mail: &Mail, person: Option<uuid::Uuid>) -> Result<(), Error> {
    mails::put(app, conn, mail, &To { email: &row.email, person, ..To::default() }).await?;
    Ok(())
}
