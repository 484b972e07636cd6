//! A try at the mail relay: EHLO, STARTTLS as the server itself would, AUTH, MAIL FROM, and no message.

use std::time::Duration;

use futures::future::BoxFuture;
use howdah_crd::secrets::smtp;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::Mail;
use lettre::transport::smtp::extension::ClientId;

use crate::ports::relay::{Relay, RelayError};
use crate::sealed::Variables;

const PATIENCE: Duration = Duration::from_secs(10);
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

#[derive(Clone, Copy, Debug, Default)]
pub struct SmtpRelay;

impl Relay for SmtpRelay {
    fn try_login<'a>(&'a self, login: &'a Variables) -> BoxFuture<'a, Result<(), RelayError>> {
        Box::pin(async move {
            let trying = tokio::time::timeout(PATIENCE, try_login(login)).await;
            trying.unwrap_or_else(|_| Err(RelayError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()))))
        })
    }
}

async fn try_login(login: &Variables) -> Result<(), RelayError> {
    let value = |name: &str| login.get(name).cloned().ok_or_else(|| RelayError::Refused(format!("{name} is missing")));
    let host = value(smtp::SERVER)?;
    let port: u16 = value(smtp::PORT)?.parse().map_err(|_| RelayError::Refused(format!("{} is no port", smtp::PORT)))?;
    let from: Address = value(smtp::FROM_ADDRESS)?.parse().map_err(|error| RelayError::Refused(format!("{error}")))?;
    let credentials = Credentials::new(value(smtp::LOGIN)?, value(smtp::PASSWORD)?);
    let hello = ClientId::default();
    let mut relay = AsyncSmtpConnection::connect_tokio1((host.as_str(), port), Some(PATIENCE), &hello, None, None).await.map_err(told)?;
    let starttls = login.get(smtp::ENABLE_STARTTLS).map(String::as_str);
    if starttls == Some("always") && !relay.can_starttls() {
        return Err(RelayError::Refused("it offers no STARTTLS, which is asked for".to_owned()));
    }
    if starttls != Some("never") && relay.can_starttls() {
        relay.starttls(TlsParameters::new(host).map_err(told)?, &hello).await.map_err(told)?;
    }
    if relay.server_info().get_auth_mechanism(&MECHANISMS).is_some() {
        relay.auth(&MECHANISMS, &credentials).await.map_err(told)?;
    }
    relay.command(Mail::new(Some(from), Vec::new())).await.map_err(told)?;
    // What it says to a farewell changes nothing.
    let _ = relay.quit().await;
    Ok(())
}

/// A relay that answers and says no has refused, for now (4xx) or until somebody changes something (5xx).
fn told(error: Error) -> RelayError {
    if error.is_transient() || error.is_permanent() {
        RelayError::Refused(error.to_string())
    } else {
        RelayError::Unavailable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    /// A relay that answers each line by its first word, and hangs up after QUIT.
    async fn relay(answer: fn(&str) -> &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            write.write_all(b"220 relay\r\n").await.unwrap();
            let mut lines = BufReader::new(read).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let word = line.split(' ').next().unwrap_or_default().to_owned();
                if write.write_all(answer(&word).as_bytes()).await.is_err() || word == "QUIT" {
                    return;
                }
            }
        });
        port
    }

    fn login(port: u16) -> Variables {
        let variables = [
            (smtp::SERVER, "127.0.0.1".to_owned()),
            (smtp::PORT, port.to_string()),
            (smtp::LOGIN, "mi-x".to_owned()),
            (smtp::PASSWORD, "secret".to_owned()),
            (smtp::FROM_ADDRESS, "mi-x@fedi.example".to_owned()),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn willing(word: &str) -> &'static str {
        match word {
            "EHLO" => "250-relay\r\n250 AUTH PLAIN\r\n",
            "AUTH" => "235 welcome\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        }
    }

    #[tokio::test]
    async fn a_willing_relay_is_one() {
        let port = relay(willing).await;
        assert_eq!(SmtpRelay.try_login(&login(port)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_refused_login_and_a_refused_sender_are_told() {
        let login_refused = relay(|word| if word == "AUTH" { "535 who are you\r\n" } else { willing(word) }).await;
        let refused = SmtpRelay.try_login(&login(login_refused)).await;
        assert!(matches!(&refused, Err(RelayError::Refused(text)) if text.contains("who are you")), "{refused:?}");
        let sender_refused = relay(|word| if word == "MAIL" { "450 not now\r\n" } else { willing(word) }).await;
        assert!(matches!(SmtpRelay.try_login(&login(sender_refused)).await, Err(RelayError::Refused(_))));
    }

    #[tokio::test]
    async fn no_login_goes_unencrypted_where_that_is_asked() {
        for (starttls, taken) in [("always", false), ("auto", true), ("never", true)] {
            let mut login = login(relay(willing).await);
            login.insert(smtp::ENABLE_STARTTLS.to_owned(), starttls.to_owned());
            assert_eq!(SmtpRelay.try_login(&login).await.is_ok(), taken, "{starttls}");
        }
    }

    #[tokio::test]
    async fn a_relay_that_is_away_is_away() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        assert!(matches!(SmtpRelay.try_login(&login(port)).await, Err(RelayError::Unavailable(_))));
    }
}
