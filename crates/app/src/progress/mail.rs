//! The mail that tells the owner how to get in, written in the transaction in which the launch succeeded.

use howdah_db::Conn;
use howdah_db::models::instance::Instance;
use howdah_db::models::mail::NewMail;
use howdah_db::models::owner_bootstrap::OwnerBootstrap;
use howdah_domain::MailId;
use secrecy::ExposeSecret;

use crate::worker::{WorkError, Worker};

pub async fn server_is_ready(worker: &Worker, conn: &mut Conn, instance: &Instance) -> Result<(), WorkError> {
    let Some(owner) = OwnerBootstrap::of(conn, instance.id).await? else {
        return Ok(());
    };
    let now = worker.app.clock.now();
    let token = owner.token(conn, &worker.app.keys).await?;
    let token = String::from_utf8_lossy(token.expose_secret()).into_owned();
    let text_body = format!(
        "Your Mastodon server {domain} is ready.\n\n\
         Set the password of your account @{username} here, within six hours:\n\n\
         https://{web}/auth/password/edit?reset_password_token={token}\n\n\
         If the link is too old, ask for a new one on the server's page, or at https://{web}/auth/password/new.\n",
        domain = instance.domain,
        web = instance.web_domain,
        username = owner.username,
    );
    NewMail {
        id: MailId::generate(now, worker.app.randomness.as_ref()).as_uuid(),
        purpose: "server_ready",
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
