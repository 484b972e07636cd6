//! A ceremony, as WebAuthn has it: a challenge, and one answer.
//!
//! What was asked stays with us, under the digest of a random value that the browser which asked keeps in a cookie. It is taken away
//! before the answer is looked at: none is ever answered twice. The challenge itself is made of the library's own randomness.

use chrono::TimeDelta;
use howdah_db::Conn;
use howdah_db::models::passkey_ceremony::PasskeyCeremony;
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::{App, Error, links};

/// From the challenge to when its answer has to be sent: what stands in the same form is typed meanwhile.
pub const WITHIN: TimeDelta = TimeDelta::minutes(10);

/// What a browser needs to ask an authenticator.
#[derive(Debug)]
pub struct Begun {
    /// The value of a cookie, to be given out now or never.
    pub token: SecretString,
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    pub options: Value,
}

/// What came back, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The cookie's value.
    pub ceremony: &'a str,
    /// A `PublicKeyCredential` as JSON.
    pub credential: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Add,
    /// That the person is there who has signed in, or given the right password.
    Prove,
    /// By a passkey alone.
    SignIn,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Prove => "prove",
            Self::SignIn => "sign_in",
        }
    }
}

/// The dashboard, as authenticators know it: a passkey is of its host.
pub(super) fn relying_party(app: &App) -> Result<Webauthn, Error> {
    let origin = Url::parse(&app.config.dashboard_url).map_err(Error::internal)?;
    let host = origin.domain().ok_or_else(|| Error::Conflict {
        reason: "passkeys_unavailable",
        sentence: "Passkeys need a dashboard that has a name: at an IP address there are none.".to_owned(),
    })?;
    WebauthnBuilder::new(host, &origin).and_then(|it| it.rp_name("Howdah").build()).map_err(Error::internal)
}

/// `asked`: as the library has it, with the options of a browser's `navigator.credentials` inside.
pub(super) async fn begin(
    app: &App,
    conn: &mut Conn,
    (purpose, person_id): (Purpose, Option<Uuid>),
    state: &impl Serialize,
    options: Value,
) -> Result<Begun, Error> {
    let token = links::new_token(&*app.randomness);
    let row = PasskeyCeremony {
        token_digest: links::digest(&token),
        purpose: purpose.as_str().to_owned(),
        person_id,
        state: serde_json::to_value(state).map_err(Error::internal)?,
        expires_at: app.now() + WITHIN,
    };
    row.insert(conn).await?;
    Ok(Begun { token: token.into(), options })
}

/// What was asked, taken away; `None` where nothing was, or too long ago, or something else, or somebody else. Not to be called in a
/// transaction that a wrong answer rolls back.
pub(super) async fn take<T: DeserializeOwned>(
    app: &App,
    conn: &mut Conn,
    (purpose, person): (Purpose, Option<Uuid>),
    token: &str,
) -> Result<Option<T>, Error> {
    if token.len() > 200 {
        return Ok(None);
    }
    let row = PasskeyCeremony::take(conn, &links::digest(token), purpose.as_str(), app.now()).await?;
    let own = row.filter(|it| it.person_id == person);
    own.map(|it| serde_json::from_value(it.state).map_err(Error::internal)).transpose()
}
