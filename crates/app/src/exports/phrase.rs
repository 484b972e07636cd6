//! A recovery phrase as a page makes it: shown, kept by whoever asked, shown to be kept by two of its words, and only then used.
//!
//! Nothing of it is stored in between. What the page sends back is sealed for one session: the key that the phrase opens, itself sealed with the phrase, and
//! the two words that are asked for; never the phrase.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64URL_NOPAD;
use howdah_bundle::seal::{Phrase, RecoveryKey};
use howdah_db::seal::Wrapped;
use howdah_domain::InstanceId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sealing::{by_phrase, new_phrase};
use crate::sessions::SignedIn;
use crate::{App, Error, FieldError};

/// From when it is shown to when it is used.
const VALID: TimeDelta = TimeDelta::minutes(30);
const KIND: &str = "recovery_phrase";
const VERSION: i32 = 1;
/// As the API and the page name what is asked.
const FIELDS: [&str; 2] = ["first_word", "second_word"];

/// To be shown once.
#[derive(Debug)]
pub struct NewPhrase {
    pub words: Vec<&'static str>,
    /// As `age` takes it.
    pub passphrase: SecretString,
    /// What the page sends back, and nobody else can use.
    pub ticket: String,
}

/// Sealed with the phrase; what opens it is known to whoever kept that.
#[derive(Clone)]
pub struct KeptPhrase {
    recovery_key: String,
    recipient: String,
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    server: Uuid,
    until: DateTime<Utc>,
    /// A sealed identity file, in base64, and its public half.
    recovery_key: String,
    recipient: String,
    /// Which words are asked for, counted from one, and what they are.
    asked: [(usize, String); 2],
}

/// Makes one for this server. Nothing is begun by that, and nothing kept.
///
/// # Errors
/// [`Error::Forbidden`] for who may not take it along.
pub async fn make_phrase(app: &App, person: &SignedIn, server: InstanceId) -> Result<NewPhrase, Error> {
    person.actor.may_change()?;
    let phrase = new_phrase(app);
    let (key, recipient) = by_phrase(phrase.passphrase()).await?;
    let asked = positions(app).map(|at| (at, phrase.words()[at - 1].to_owned()));
    let ticket = Ticket { server: server.as_uuid(), until: app.now() + VALID, recovery_key: key.to_base64(), recipient, asked };
    Ok(NewPhrase { words: phrase.words().to_vec(), passphrase: phrase.passphrase(), ticket: ticket.seal(app, person) })
}

/// Which two words are asked back.
///
/// # Errors
/// [`Error::Conflict`] for what is of another session or server, or too old.
pub fn asked_back(app: &App, person: &SignedIn, server: InstanceId, ticket: &str) -> Result<[usize; 2], Error> {
    Ok(Ticket::open(app, person, server, ticket)?.asked.map(|(at, _)| at))
}

/// # Errors
/// As [`asked_back`]; [`Error::Invalid`] for words that are others.
pub fn kept_phrase(app: &App, person: &SignedIn, server: InstanceId, ticket: &str, typed: [&str; 2]) -> Result<KeptPhrase, Error> {
    let ticket = Ticket::open(app, person, server, ticket)?;
    let wrong = |((at, word), (field, typed)): ((usize, String), (&'static str, &str))| {
        let sentence = format!("This is not word {at} of the phrase. Look at what you kept.");
        (typed.trim().to_lowercase() != word).then_some(FieldError { field, reason: "wrong_word", sentence })
    };
    let fields: Vec<FieldError> = ticket.asked.into_iter().zip(FIELDS.into_iter().zip(typed)).filter_map(wrong).collect();
    if fields.is_empty() {
        Ok(KeptPhrase { recovery_key: ticket.recovery_key, recipient: ticket.recipient })
    } else {
        Err(Error::Invalid { fields })
    }
}

/// Two that differ, in their order, counted from one.
fn positions(app: &App) -> [usize; 2] {
    let mut random = [0; 2];
    app.randomness.fill(&mut random);
    let first = usize::from(random[0]) % Phrase::WORDS;
    let second = (first + 1 + usize::from(random[1]) % (Phrase::WORDS - 1)) % Phrase::WORDS;
    [first.min(second) + 1, first.max(second) + 1]
}

impl KeptPhrase {
    pub(super) fn key(&self) -> Result<(RecoveryKey, String), Error> {
        Ok((self.recovery_key.parse().map_err(Error::internal)?, self.recipient.clone()))
    }
}

impl fmt::Debug for KeptPhrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptPhrase").field("recipient", &self.recipient).finish_non_exhaustive()
    }
}

impl Ticket {
    /// The session's alone: in another it does not open.
    fn seal(&self, app: &App, person: &SignedIn) -> String {
        let (data_key, Wrapped { kek_id, bytes }) = app.keys.new_data_key(person.session.as_uuid());
        let plain = serde_json::to_vec(self).expect("texts and times are JSON");
        let sealed = data_key.seal(KIND, VERSION, &plain);
        [kek_id, BASE64URL_NOPAD.encode(&bytes), BASE64URL_NOPAD.encode(&sealed)].join(".")
    }

    fn open(app: &App, person: &SignedIn, server: InstanceId, text: &str) -> Result<Self, Error> {
        let read = || {
            let [kek_id, wrapped, sealed] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
            let wrapped = Wrapped { kek_id: kek_id.to_owned(), bytes: BASE64URL_NOPAD.decode(wrapped.as_bytes()).ok()? };
            let data_key = app.keys.unwrap(person.session.as_uuid(), &wrapped).ok()?;
            let plain = data_key.open(KIND, VERSION, &BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?).ok()?;
            serde_json::from_slice::<Self>(plain.expose_secret()).ok()
        };
        let sentence = "This recovery phrase can't be used any more, and nothing was sealed with it. Have another one made.";
        read()
            .filter(|it| it.server == server.as_uuid() && app.now() < it.until)
            .ok_or_else(|| Error::Conflict { reason: "phrase_over", sentence: sentence.to_owned() })
    }
}
