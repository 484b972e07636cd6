//! Into the outbox, out of it, and what became of a mail.

use chrono::{DateTime, Utc};
use howdah_db::models::account::Membership;
use howdah_db::models::instance::Instance;
use howdah_db::models::mail::{Mail as Row, NewMail};
use howdah_db::models::person::Person;
use howdah_db::models::settings::Settings;
use howdah_db::{Conn, QueryResult};
use howdah_domain::{InstanceId, MailId};
use uuid::Uuid;

use super::dropped::Dropped;
use super::letter::{Mail, Rendered};
use super::owner_link;
use super::words::{self, OWNER_LINK, SERVER_READY};
use crate::jobs::SendMails;
use crate::worker::{WorkError, Worker};
use crate::{Actor, App, Error};

/// Where a mail goes, and what it is about.
#[derive(Default)]
pub(crate) struct To<'a> {
    pub email: &'a str,
    pub person: Option<Uuid>,
    pub server: Option<Uuid>,
    /// What its mark stands for.
    pub link: Option<&'a str>,
    /// Where that is a new link for the server's owner: which.
    pub link_version: Option<i32>,
}

/// Puts it into the outbox, in the caller's transaction, to be sent as soon as that commits. Its reference is the server's id,
/// or, where it is about none, its own.
pub(crate) async fn put(app: &App, conn: &mut Conn, mail: &Mail, to: &To<'_>) -> QueryResult<()> {
    let id = MailId::generate(app.now(), &*app.randomness).as_uuid();
    let support = Settings::get(conn).await?.and_then(|it| it.support_address).unwrap_or_default();
    let rendered = mail.render(&to.server.unwrap_or(id).to_string(), &support);
    let row = NewMail {
        id,
        purpose: mail.kind,
        person_id: to.person,
        recipient: to.email,
        subject: &rendered.subject,
        text_body: &rendered.text,
        html_body: Some(&rendered.html),
        link: to.link,
        instance_id: to.server,
        link_version: to.link_version,
        created_at: app.now(),
    };
    row.insert(conn).await?;
    SendMails::default().enqueue(conn).await
}

/// To every owner of a server's account, as [`put`].
pub(crate) async fn put_for_owners(app: &App, conn: &mut Conn, server: &Instance, mail: &Mail) -> QueryResult<()> {
    for owner in Membership::owners(conn, server.account_id).await? {
        let to = To { email: &owner.email, person: Some(owner.id), server: Some(server.id), ..To::default() };
        put(app, conn, mail, &to).await?;
    }
    Ok(())
}

/// To an owner: nobody proved the server's domain, so it is being closed.
pub(crate) async fn never_proven(app: &App, conn: &mut Conn, owner: &Person, row: &Instance, after: DateTime<Utc>) -> Result<(), Error> {
    let mail = words::domain_never_proven(&app.config, (&row.domain, &row.slug), after);
    let to = To { email: &owner.email, person: Some(owner.id), server: Some(row.id), ..To::default() };
    Ok(put(app, conn, &mail, &to).await?)
}

/// A mail as it is sent: with the link where its bodies have the mark, which no name can hold. Or why it is not sent any
/// more.
pub(crate) async fn as_sent(worker: &Worker, conn: &mut Conn, mail: &Row) -> Result<Result<Rendered, Dropped>, WorkError> {
    let link = match (&mail.link, mail.purpose.as_str(), mail.instance_id) {
        (Some(link), ..) => Some(Ok(link.clone())),
        (None, SERVER_READY, Some(server)) => Some(owner_link::of_launch(worker, conn, server).await?),
        (None, OWNER_LINK, Some(server)) => Some(owner_link::asked_for(worker, conn, mail, server).await?),
        (None, ..) => None,
    };
    let html = mail.html_body.clone().unwrap_or_default();
    let kept = Rendered { subject: mail.subject.clone(), text: mail.text_body.clone(), html };
    Ok(match link {
        Some(Ok(link)) => Ok(kept.with_link(&link)),
        Some(Err(dropped)) => Err(dropped),
        None => Ok(kept),
    })
}

/// What became of a mail, without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentMail {
    pub id: MailId,
    pub kind: String,
    pub recipient: String,
    pub subject: String,
    pub server: Option<InstanceId>,
    pub created_at: DateTime<Utc>,
    /// A relay has taken it.
    pub sent_at: Option<DateTime<Utc>>,
    /// It is not sent any more, since when and why.
    pub dropped: Option<(DateTime<Utc>, Dropped)>,
    pub attempts: i32,
    /// What the relay said the last time that it did not take it.
    pub last_error: Option<String>,
}

/// A mail by its reference.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::NotFound`].
pub async fn find(app: &App, actor: &Actor, id: MailId) -> Result<SentMail, Error> {
    actor.may_operate()?;
    let mut conn = app.conn().await?;
    let row = Row::by_id(&mut conn, id.as_uuid()).await?.ok_or(Error::NotFound { what: "mail" })?;
    Ok(SentMail {
        id,
        kind: row.purpose,
        recipient: row.recipient,
        subject: row.subject,
        server: row.instance_id.map(InstanceId::from_uuid),
        created_at: row.created_at,
        sent_at: row.sent_at,
        dropped: row.dropped_at.zip(row.dropped_reason.as_deref().and_then(Dropped::parse)),
        attempts: row.attempts,
        last_error: row.last_error,
    })
}
