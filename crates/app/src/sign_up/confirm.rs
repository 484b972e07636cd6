//! The link of a sign-up, where the password is chosen. Looking at it changes nothing, since mail programs look at links too.

use howdah_db::models::audit::Actor as AuditActor;
use howdah_db::models::person::Person;
use howdah_db::models::sign_up::SignUp as Row;
use howdah_db::{Conn, QueryError, QueryErrorExt};
use howdah_domain::NewServers;
use secrecy::SecretString;
use serde_json::json;

use super::LINK;
use crate::mails::{self, To};
use crate::people::{Beginner, open_account, record};
use crate::sessions::{self, Client, NewSession};
use crate::{App, Error, links, passwords, settings};

/// What is about to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpLook {
    pub name: String,
    pub email: String,
    pub account_name: String,
}

/// # Errors
/// [`Error::Conflict`] for a link that is unknown, used or too old, and where another link of the e-mail address was used and waits.
pub async fn look(app: &App, token: &str) -> Result<SignUpLook, Error> {
    let mut conn = app.conn().await?;
    let row = Row::by_digest(&mut conn, &links::digest(token)).await?;
    let row = good(app, &mut conn, row).await?;
    Ok(SignUpLook { name: row.name, email: row.email, account_name: row.account_name })
}

async fn good(app: &App, conn: &mut Conn, row: Option<Row>) -> Result<Row, Error> {
    let row = row.ok_or_else(|| LINK.unknown())?;
    LINK.check(row.confirmed_at.is_some(), row.expires_at, app.now())?;
    match Row::waiting_of(conn, &row.email).await? {
        None => Ok(row),
        Some(_) => Err(waits()),
    }
}

/// The password that was chosen there counts: one that is chosen here would be forgotten.
fn waits() -> Error {
    let sentence = "This e-mail address was confirmed by another link already, and waits for approval. A mail tells you what was decided.";
    Error::Conflict { reason: "link_used", sentence: sentence.to_owned() }
}

/// What became of it.
#[derive(Debug)]
pub enum Confirmed {
    /// The account is there, and whoever used the link is signed in.
    Ready(Box<NewSession>),
    /// An operator decides, and a mail tells what.
    AwaitingApproval,
}

/// Uses the link, with the password that is chosen.
///
/// # Errors
/// [`Error::Invalid`] for a password that can't be one; [`Error::Conflict`] as for [`look`], and for an address that has got an
/// account meanwhile.
pub async fn confirm(app: &App, token: &str, password: SecretString, client: &Client<'_>) -> Result<Confirmed, Error> {
    let SignUpLook { name, email, account_name } = look(app, token).await?;
    if let Some(fault) = passwords::fault("password", &password, &[&email, &name, &account_name]) {
        return Err(Error::Invalid { fields: vec![fault] });
    }
    let hash = passwords::hash(password).await?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let row = Row::lock_by_digest(conn, &links::digest(token)).await?;
        let row = good(app, conn, row).await?;
        Row::confirm(conn, row.id, &hash, app.now()).await.map_err(confirmed_at_once)?;
        if settings::read(conn).await?.sign_ups == NewServers::Open {
            Row::decide(conn, row.id, "opened", None, app.now()).await?;
            let person = open(app, conn, &row, &hash).await?;
            let account = open_account(app, conn, &person, &row.account_name).await?;
            let subject = ("person", person.id);
            record(app, conn, account.id, AuditActor::Person(person.id), "account.open", subject, json!({})).await?;
            return Ok(Confirmed::Ready(Box::new(sessions::begin(app, conn, &person, client).await?)));
        }
        ask_operators(app, conn, &row).await?;
        Ok(Confirmed::AwaitingApproval)
    })
    .await
}

/// Two links of one e-mail address at the same time: the index of those who wait lets one through.
fn confirmed_at_once(error: QueryError) -> Error {
    if error.unique_violation().is_some() { waits() } else { error.into() }
}

/// The person that a sign-up becomes.
pub(super) async fn open(app: &App, conn: &mut Conn, row: &Row, password_hash: &str) -> Result<Person, Error> {
    Beginner { email: &row.email, name: &row.name, password_hash }.insert(app, conn).await
}

/// Tells whoever reads the support's mails that somebody waits.
async fn ask_operators(app: &App, conn: &mut Conn, row: &Row) -> Result<(), Error> {
    let Some(support) = settings::read(conn).await?.support_address else { return Ok(()) };
    let mail = mails::sign_up_to_approve(&app.config, &row.name, &row.email);
    mails::put(app, conn, &mail, &To { email: &support, ..To::default() }).await?;
    Ok(())
}
