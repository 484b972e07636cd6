//! Mails that use cases write into the outbox, in the transaction that they tell of.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::account::Account;
use howdah_db::models::instance::Instance;
use howdah_db::models::mail::NewMail;
use howdah_db::models::person::Person;
use howdah_domain::MailId;

use crate::jobs::SendMails;
use crate::{Actor, App, Error};

/// Confirms a Close to whoever asked for it.
pub(crate) async fn closing(app: &App, conn: &mut Conn, actor: &Actor, row: &Instance, after: DateTime<Utc>) -> Result<(), Error> {
    let person = Person::by_id(conn, actor.person.as_uuid()).await?.ok_or(Error::NotFound { what: "person" })?;
    let account = Account::by_id(conn, row.account_id).await?.ok_or(Error::NotFound { what: "account" })?;
    let (domain, date) = (&row.domain, after.format("%-d %B %Y, %H:%M UTC"));
    let text_body = format!(
        "Your server {domain} (account {account}) will be closed.\n\n\
         Until {date} it runs on, and you can undo this: POST {url}/api/v1/instances/{id}/undo\n\n\
         After that it tells every server that it knows to delete its accounts, which can't be taken back. Then its database \
         and media are deleted.\n\n\
         If you did not ask for this, undo it now and write to the support.\n",
        account = account.name,
        url = app.config.dashboard_url.trim_end_matches('/'),
        id = row.id,
    );
    let mail = NewMail {
        id: MailId::generate(app.now(), &*app.randomness).as_uuid(),
        purpose: "server_closing",
        person_id: Some(person.id),
        recipient: &person.email,
        subject: &format!("Your server {domain} will be closed"),
        text_body: &text_body,
        html_body: None,
        created_at: app.now(),
    };
    mail.insert(conn).await?;
    SendMails::default().enqueue(conn).await?;
    Ok(())
}

/// To an owner: nobody proved the server's domain, so it is being closed.
pub(crate) async fn never_proven(app: &App, conn: &mut Conn, owner: &Person, row: &Instance, after: DateTime<Utc>) -> Result<(), Error> {
    let (domain, date) = (&row.domain, after.format("%-d %B %Y, %H:%M UTC"));
    let text_body = format!(
        "Nobody has proven the domain {domain} of your server to be yours: the TXT record _howdah.{domain} that you were shown was \
         not found. So that the name isn't kept from others for ever, the server is closed on {date}, with all that is in it.\n\n\
         To keep it, set the record and undo the closing before: POST {url}/api/v1/instances/{id}/undo\n",
        url = app.config.dashboard_url.trim_end_matches('/'),
        id = row.id,
    );
    let mail = NewMail {
        id: MailId::generate(app.now(), &*app.randomness).as_uuid(),
        purpose: "domain_never_proven",
        person_id: Some(owner.id),
        recipient: &owner.email,
        subject: &format!("Your server {domain} will be closed: its domain was not proven"),
        text_body: &text_body,
        html_body: None,
        created_at: app.now(),
    };
    mail.insert(conn).await?;
    SendMails::default().enqueue(conn).await?;
    Ok(())
}
