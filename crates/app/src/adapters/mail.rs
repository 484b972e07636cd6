//! Mails by SMTP, or as files in a folder.

use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use crate::ports::mailer::{Envelope, MailError, Mailer};

/// A relay that hangs is a relay that is away.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the connection to the relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all: for a relay on the same machine or network.
    None,
    /// STARTTLS, required.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

#[derive(Clone, Debug)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub protection: Protection,
    pub login: Option<(String, SecretString)>,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Files(AsyncFileTransport<Tokio1Executor>),
}

pub struct LettreMailer {
    transport: Transport,
    from: Mailbox,
}

#[derive(Debug, thiserror::Error)]
pub enum MailSetupError {
    #[error("`{0}` is not an address that mails can come from")]
    From(String, #[source] lettre::address::AddressError),
    #[error("the mail relay `{0}` cannot be used")]
    Relay(String, #[source] lettre::transport::smtp::Error),
}

impl LettreMailer {
    /// `from`: `Howdah <howdah@example.org>`, or the address alone.
    ///
    /// # Errors
    /// [`MailSetupError`].
    pub fn smtp(relay: &Smtp, from: &str) -> Result<Self, MailSetupError> {
        type Builder = AsyncSmtpTransport<Tokio1Executor>;
        let failed = |error| MailSetupError::Relay(relay.host.clone(), error);
        let mut builder = match relay.protection {
            Protection::None => Builder::builder_dangerous(&relay.host),
            Protection::StartTls => Builder::starttls_relay(&relay.host).map_err(failed)?,
            Protection::Tls => Builder::relay(&relay.host).map_err(failed)?,
        };
        builder = builder.port(relay.port).timeout(Some(PATIENCE));
        if let Some((login, password)) = &relay.login {
            builder = builder.credentials(Credentials::new(login.clone(), password.expose_secret().to_owned()));
        }
        Self::new(Transport::Smtp(builder.build()), from)
    }

    /// Each mail is a file in this folder.
    ///
    /// # Errors
    /// [`MailSetupError`].
    pub fn files(folder: &Path, from: &str) -> Result<Self, MailSetupError> {
        Self::new(Transport::Files(AsyncFileTransport::new(folder)), from)
    }

    fn new(transport: Transport, from: &str) -> Result<Self, MailSetupError> {
        let from = from.parse().map_err(|error| MailSetupError::From(from.to_owned(), error))?;
        Ok(Self { transport, from })
    }

    fn message(&self, mail: &Envelope) -> Result<Message, MailError> {
        let failed = |error: &dyn std::error::Error| MailError(error.to_string());
        let recipient: Mailbox = mail.recipient.parse().map_err(|error: lettre::address::AddressError| failed(&error))?;
        let reply_to = mail.reply_to.as_deref().map(str::parse::<Mailbox>).transpose().map_err(|error| failed(&error))?;
        let builder = Message::builder().from(self.from.clone()).to(recipient).subject(&mail.subject).message_id(Some(format!(
            "<{}@{}>",
            mail.id,
            self.from.email.domain()
        )));
        let builder = reply_to.into_iter().fold(builder, lettre::message::MessageBuilder::reply_to);
        match &mail.html_body {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(mail.text_body.clone(), html.clone())),
            None => builder.body(mail.text_body.clone()),
        }
        .map_err(|error| failed(&error))
    }
}

impl Mailer for LettreMailer {
    fn send<'a>(&'a self, mail: &'a Envelope) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let message = self.message(mail)?;
            let sending = async {
                match &self.transport {
                    Transport::Smtp(smtp) => smtp.send(message).await.map(drop).map_err(|error| MailError(error.to_string())),
                    Transport::Files(files) => files.send(message).await.map(drop).map_err(|error| MailError(error.to_string())),
                }
            };
            match tokio::time::timeout(PATIENCE, sending).await {
                Ok(result) => result,
                Err(_) => Err(MailError(format!("the relay did not answer within {} s", PATIENCE.as_secs()))),
            }
        })
    }
}
