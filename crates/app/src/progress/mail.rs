//! The mail that tells the owner how to get in, written in the transaction in which the launch succeeded.
//!
//! The link opens the server to whoever has it, so the outbox holds a mark in its place: it is put in when the mail is sent.

use howdah_db::Conn;
use howdah_db::models::instance::Instance;
use howdah_db::models::mail::{Mail, NewMail};
use howdah_db::models::owner_bootstrap::OwnerBootstrap;
use howdah_domain::MailId;
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::worker::{WorkError, Worker};

const PURPOSE: &str = "server_ready";
const MARK: &str = "{owner-link of ";
const MARK_END: char = '}';

pub(super) async fn server_is_ready(worker: &Worker, conn: &mut Conn, instance: &Instance) -> Result<(), WorkError> {
    let Some(owner) = OwnerBootstrap::of(conn, instance.id).await? else {
        return Ok(());
    };
    let now = worker.now();
    let text_body = format!(
        "Your Mastodon server {domain} is ready.\n\n\
         Set the password of your account @{username} here, within six hours:\n\n\
         {MARK}{id}{MARK_END}\n\n\
         If the link is too old, ask for a new one at https://{web}/auth/password/new.\n",
        domain = instance.domain,
        web = instance.web_domain,
        id = instance.id,
        username = owner.username,
    );
    NewMail {
        id: MailId::generate(now, worker.app.randomness.as_ref()).as_uuid(),
        purpose: PURPOSE,
        person_id: None,
        recipient: &owner.email,
        subject: &format!("Your server {} is ready", instance.domain),
        text_body: &text_body,
        html_body: None,
        created_at: now,
    }
    .insert(conn)
    .await?;
    Ok(())
}

/// The mail's text as it is sent: with the owner's link where the outbox has its mark. Of this purpose alone: in other mails
/// stand names that people chose, which may look like a mark.
pub async fn as_sent(worker: &Worker, conn: &mut Conn, mail: &Mail) -> Result<String, WorkError> {
    let text = &mail.text_body;
    let Some(id) = marked(text).filter(|_| mail.purpose == PURPOSE) else { return Ok(text.clone()) };
    let link = owner_link(worker, conn, id).await?;
    Ok(text.replace(&format!("{MARK}{id}{MARK_END}"), &link))
}

fn marked(text: &str) -> Option<Uuid> {
    let (_, after) = text.split_once(MARK)?;
    after.split_once(MARK_END)?.0.parse().ok()
}

/// Of a server that is gone by now there is none.
async fn owner_link(worker: &Worker, conn: &mut Conn, id: Uuid) -> Result<String, WorkError> {
    let (Some(instance), Some(owner)) = (Instance::by_id(conn, id).await?, OwnerBootstrap::of(conn, id).await?) else {
        return Ok("(this server is gone)".to_owned());
    };
    let token = owner.token(conn, &worker.app.keys).await?;
    let token = String::from_utf8_lossy(token.expose_secret()).into_owned();
    Ok(format!("https://{}/auth/password/edit?reset_password_token={token}", instance.web_domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_mark_counts() {
        let id = Uuid::from_u128(7);
        assert_eq!(marked(&format!("a\n{MARK}{id}{MARK_END}\nb")), Some(id));
        for text in ["", MARK, "{owner-link of }", "{owner-link of somebody}"] {
            assert_eq!(marked(text), None, "{text}");
        }
    }
}
