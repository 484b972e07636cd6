//! Sends what waits in the outbox, or drops what is no longer to be sent. A relay that refuses is recorded on the mail, which is tried again
//! with growing pauses.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::models::mail::Mail;
use howdah_db::models::settings::Settings;

use super::SendMails;
use crate::mails;
use crate::ports::Envelope;
use crate::worker::{WorkError, Worker};

/// Mails of one run; the next tick takes the rest.
const MOST: i64 = 200;

pub async fn run(worker: &Worker, _: SendMails) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    let waiting = Mail::waiting(&mut conn, MOST).await?;
    let support = Settings::get(&conn).await?.and_then(|it| it.support_address);
    drop(conn);
    for mail in waiting.iter().filter(|it| is_due(it, worker.now())) {
        if let Err(error) = send(worker, mail, support.as_deref()).await {
            tracing::warn!(mail.id = %mail.id, %error, "a mail could not be taken from the outbox");
        }
    }
    Ok(())
}

/// After 0, 1, 3, 7 … minutes since it was written, and at least every six hours.
fn is_due(mail: &Mail, now: DateTime<Utc>) -> bool {
    let tries = u32::try_from(mail.attempts).unwrap_or_default();
    let doubling = TimeDelta::minutes((1i64 << tries.min(9)) - 1);
    let further = TimeDelta::hours(6) * i32::try_from(tries.saturating_sub(9)).unwrap_or(i32::MAX);
    now >= mail.created_at + doubling + further
}

/// The row is locked while its mail is sent, so that two workers don't send it both. One that is killed after the relay took
/// it sends it again, with the same Message-ID.
async fn send(worker: &Worker, mail: &Mail, support: Option<&str>) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let Some(mail) = Mail::lock_unsent(conn, mail.id).await? else { return Ok(()) };
        let rendered = match mails::as_sent(worker, conn, &mail).await? {
            Ok(rendered) => rendered,
            Err(dropped) => {
                tracing::info!(mail.id = %mail.id, mail.purpose = mail.purpose, reason = dropped.as_str(), "a mail is not sent any more");
                Mail::dropped(conn, mail.id, dropped.as_str(), worker.now()).await?;
                return Ok(());
            }
        };
        let envelope = Envelope {
            id: mail.id.to_string(),
            recipient: mail.recipient,
            reply_to: support.map(str::to_owned),
            subject: rendered.subject,
            text_body: rendered.text,
            html_body: Some(rendered.html).filter(|it| !it.is_empty()),
        };
        match worker.mailer.send(&envelope).await {
            Ok(()) => Mail::sent(conn, mail.id, worker.now()).await?,
            Err(error) => {
                tracing::warn!(mail.id = %mail.id, mail.purpose = mail.purpose, %error, "a mail was not taken; it is tried again");
                Mail::refused(conn, mail.id, &error.to_string()).await?
            }
        };
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(attempts: i32) -> Mail {
        Mail {
            id: uuid::Uuid::nil(),
            purpose: "test".to_owned(),
            person_id: None,
            recipient: "ada@example.org".to_owned(),
            subject: "s".to_owned(),
            text_body: "t".to_owned(),
            html_body: None,
            attempts,
            last_error: None,
            created_at: DateTime::UNIX_EPOCH,
            sent_at: None,
            link: None,
            instance_id: None,
            link_version: None,
            dropped_at: None,
            dropped_reason: None,
        }
    }

    #[test]
    fn pauses_grow_and_have_an_end() {
        let due_after = |attempts| {
            let minutes = (0..100_000).find(|it| is_due(&mail(attempts), DateTime::UNIX_EPOCH + TimeDelta::minutes(*it)));
            minutes.unwrap_or(-1)
        };
        assert_eq!([0, 1, 2, 3, 9].map(due_after), [0, 1, 3, 7, 511]);
        assert_eq!(due_after(10) - due_after(9), 360);
        assert_eq!(due_after(30) - due_after(29), 360);
    }
}
