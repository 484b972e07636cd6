//! The link of a sign-up. Looking at it changes nothing, since mail programs look at links too.

use howdah_db::Conn;
use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::person::Person;
use howdah_db::models::sign_up::SignUp as Row;
use howdah_domain::NewServers;
use serde_json::json;

use super::LINK;
use crate::mails::{self, To};
use crate::people::{Beginner, open_account, record};
use crate::{App, Error, links, settings};

/// What is about to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpLook {
    pub name: String,
    pub email: String,
    pub account_name: String,
}

/// # Errors
/// [`Error::Conflict`] for a link that is unknown, used or too old.
pub async fn look(app: &App, token: &str) -> Result<SignUpLook, Error> {
    let row = Row::by_digest(&mut *app.conn().await?, &links::digest(token)).await?;
    let row = good(app, row)?;
    Ok(SignUpLook { name: row.name, email: row.email, account_name: row.account_name })
}

fn good(app: &App, row: Option<Row>) -> Result<Row, Error> {
    let row = row.ok_or_else(|| LINK.unknown())?;
    LINK.check(row.confirmed_at.is_some(), row.expires_at, app.now())?;
    Ok(row)
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The account is there: sign in.
    Ready,
    /// An operator decides, and a mail tells what.
    AwaitingApproval,
}

/// Uses the link.
///
/// # Errors
/// [`Error::Conflict`] for a link that is unknown, used or too old, and for an address that has got an account meanwhile.
pub async fn confirm(app: &App, token: &str) -> Result<Confirmed, Error> {
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let row = good(app, Row::lock_by_digest(conn, &links::digest(token)).await?)?;
        if Row::waiting_of(conn, &row.email).await?.is_some() {
            return Ok(Confirmed::AwaitingApproval);
        }
        Row::confirm(conn, row.id, app.now()).await?;
        if settings::read(conn).await?.sign_ups == NewServers::Open {
            Row::decide(conn, row.id, "opened", None, app.now()).await?;
            let person = open(app, conn, &row).await?;
            let account = open_account(app, conn, &person, &row.account_name).await?;
            let subject = ("person", person.id);
            record(app, conn, account.id, AuditActor::Person(person.id), "account.open", subject, json!({})).await?;
            return Ok(Confirmed::Ready);
        }
        ask_operators(app, conn, &row).await?;
        Ok(Confirmed::AwaitingApproval)
    })
    .await
}

/// The person that a sign-up becomes.
pub(super) async fn open(app: &App, conn: &mut Conn, row: &Row) -> Result<Person, Error> {
    let hash = row.password_hash.as_deref().ok_or_else(|| Error::internal("a sign-up that is not decided has no password"))?;
    Beginner { email: &row.email, name: &row.name, password_hash: hash }.insert(app, conn).await
}

/// Tells whoever reads the support's mails that somebody waits.
async fn ask_operators(app: &App, conn: &mut Conn, row: &Row) -> Result<(), Error> {
    let Some(support) = settings::read(conn).await?.support_address else { return Ok(()) };
    let mail = mails::sign_up_to_approve(&app.config, &row.name, &row.email);
    mails::put(app, conn, &mail, &To { email: &support, ..To::default() }).await?;
    Ok(())
}
