//! A passkey answers, and shows that the person is there.
//!
//! The challenge is always of the kind that any passkey may answer, so that the answer is held against the passkey as it is when it
//! comes: one that was removed meanwhile is refused, and its counter is the last one that was seen.

use data_encoding::BASE64URL_NOPAD;
use howdah_db::Conn;
use howdah_db::models::passkey::Passkey as Row;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{DiscoverableAuthentication, Passkey, PublicKeyCredential, WebauthnError};

use super::ceremony::{self, Answer, Begun, Purpose, relying_party};
use crate::sessions::SignedIn;
use crate::{App, Error};

/// Asks for one of the person's own.
///
/// # Errors
/// [`Error::Conflict`] where there is none.
pub async fn begin_proof(app: &App, signed_in: &SignedIn) -> Result<Begun, Error> {
    begin_proof_of(app, &mut *app.conn().await?, signed_in.actor.person.as_uuid()).await
}

pub(crate) async fn begin_proof_of(app: &App, conn: &mut Conn, person: Uuid) -> Result<Begun, Error> {
    let known = Row::of_person(conn, person).await?;
    if known.is_empty() {
        return Err(Error::Conflict { reason: "no_passkey", sentence: "You have no passkey.".to_owned() });
    }
    let allowed = known.iter().map(|it| json!({"type": "public-key", "id": BASE64URL_NOPAD.encode(&it.credential_id)})).collect();
    begin(app, conn, (Purpose::Prove, Some(person)), allowed).await
}

/// Asks for whichever there is: nobody is known yet.
pub(crate) async fn begin_sign_in(app: &App, conn: &mut Conn) -> Result<Begun, Error> {
    begin(app, conn, (Purpose::SignIn, None), Vec::new()).await
}

async fn begin(app: &App, conn: &mut Conn, purpose: (Purpose, Option<Uuid>), allowed: Vec<Value>) -> Result<Begun, Error> {
    let (asked, state) = relying_party(app)?.start_discoverable_authentication().map_err(Error::internal)?;
    let mut options = serde_json::to_value(&asked.public_key).map_err(Error::internal)?;
    options["allowCredentials"] = Value::Array(allowed);
    ceremony::begin(app, conn, purpose, &state, options).await
}

/// The same for one that is unknown, removed or another's, and for an answer that is late, sent twice or not of this dashboard.
pub(crate) fn refused() -> Error {
    let sentence =
        "This passkey was not accepted: it may have been removed here, or ten minutes have passed. Try again, or go another way.";
    Error::invalid("passkey", "refused", sentence)
}

/// An answer, and what was asked: taken away for it.
#[derive(Debug)]
pub(crate) struct Given {
    asked: DiscoverableAuthentication,
    answer: PublicKeyCredential,
}

impl Given {
    /// Of this person; of whoever it says that it is of, without one. Not to be called in a transaction that a wrong answer rolls back.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what answers nothing that was asked.
    pub(crate) async fn read(app: &App, conn: &mut Conn, person: Option<Uuid>, answer: Answer<'_>) -> Result<Self, Error> {
        let purpose = if person.is_some() { Purpose::Prove } else { Purpose::SignIn };
        let asked = ceremony::take(app, conn, (purpose, person), answer.ceremony).await?;
        let answer = serde_json::from_str(answer.credential).ok();
        asked.zip(answer).map(|(asked, answer)| Self { asked, answer }).ok_or_else(refused)
    }

    /// Whose it says that it is, where that is who has the passkey.
    pub(crate) async fn claimed(&self, conn: &mut Conn) -> Result<Option<Uuid>, Error> {
        let said = self.answer.get_user_unique_id().and_then(|it| Uuid::from_slice(it).ok());
        let owner = Row::owner(conn, self.answer.get_credential_id()).await?;
        Ok(owner.filter(|it| Some(*it) == said))
    }

    /// Takes it, where it is of a passkey of this person's and right. One that is unknown is as much work. To be called in a transaction,
    /// with the person's row locked.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong one.
    pub(crate) async fn check(&self, app: &App, conn: &mut Conn, person: Option<Uuid>) -> Result<(), Error> {
        let row = Row::lock(conn, self.answer.get_credential_id()).await?.filter(|it| Some(it.person_id) == person);
        let mut passkey = match &row {
            Some(row) => serde_json::from_value(row.credential.clone()).map_err(Error::internal)?,
            None => self.nobodys()?,
        };
        let checked = relying_party(app)?.finish_discoverable_authentication_v2(&self.answer, self.asked.clone(), &passkey);
        let (result, row) = match (checked, row) {
            (Ok(result), Some(row)) => (result, row),
            (Err(error), Some(row)) => {
                log(&row, &error);
                return Err(refused());
            }
            (_, None) => return Err(refused()),
        };
        passkey.update_credential(&result);
        Row::used(conn, row.id, &serde_json::to_value(&passkey).map_err(Error::internal)?, app.now()).await?;
        Ok(())
    }

    /// A passkey of this name that is nobody's, and as synced as the answer says: its signature is looked at, as every other's.
    fn nobodys(&self) -> Result<Passkey, Error> {
        let mut credential: Value = serde_json::from_str(NOBODYS).map_err(Error::internal)?;
        let flags = self.answer.response.authenticator_data.get(FLAGS).copied().unwrap_or_default();
        credential["cred"]["backup_eligible"] = json!(flags & BACKUP_ELIGIBLE != 0);
        credential["cred"]["cred_id"] = json!(BASE64URL_NOPAD.encode(self.answer.get_credential_id()));
        serde_json::from_value(credential).map_err(Error::internal)
    }
}

fn log(row: &Row, error: &WebauthnError) {
    if matches!(error, WebauthnError::CredentialPossibleCompromise) {
        tracing::warn!(passkey.id = %row.id, person.id = %row.person_id, "the counter of a passkey went back: there may be a copy of it");
    } else {
        tracing::info!(passkey.id = %row.id, person.id = %row.person_id, %error, "a passkey's answer was refused");
    }
}

/// Where an authenticator's data has its flags, after the digest of the host.
const FLAGS: usize = 32;
const BACKUP_ELIGIBLE: u8 = 1 << 3;

/// As the record has one. Its public key is the generator of P-256: whoever signs with 1 is nobody all the same.
const NOBODYS: &str = r#"{"cred": {
    "cred_id": "", "counter": 0, "transports": null, "user_verified": true, "backup_eligible": false, "backup_state": false,
    "cred": {"type_": "ES256", "key": {"EC_EC2": {"curve": "SECP256R1",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}}},
    "registration_policy": "required", "extensions": {}, "attestation": {"data": "None", "metadata": "None"}, "attestation_format": "None"
}}"#;

#[cfg(test)]
mod tests {
    use howdah_testkit::authenticator::Authenticator;
    use webauthn_rs::WebauthnBuilder;

    use super::*;

    #[test]
    fn one_that_is_unknown_is_as_much_work_as_one_that_is_wrong() {
        let (host, origin) = ("howdah.example", "https://howdah.example");
        let party = WebauthnBuilder::new(host, &origin.parse().unwrap()).unwrap().build().unwrap();
        let (options, asked) = party.start_discoverable_authentication().unwrap();
        let mut device = Authenticator::at(origin);
        device.create(&json!({"rp": {"id": host}, "user": {"id": "AA"}, "challenge": "AA"}));
        let answer = device.get(&serde_json::to_value(&options.public_key).unwrap());
        let given = Given { asked: asked.clone(), answer: serde_json::from_value(answer).unwrap() };
        let refused = party.finish_discoverable_authentication_v2(&given.answer, asked, given.nobodys().unwrap()).unwrap_err();
        assert!(matches!(refused, WebauthnError::AuthenticationFailure), "its signature was looked at: {refused:?}");
    }
}
