//! Who is to open a bundle. What opens it is never kept: of a phrase or a passphrase remains a key that it opens, sealed, and the bundle is
//! sealed to that key's public half (ADR 11).

use age::secrecy::ExposeSecret as _;
use howdah_bundle::seal::{Phrase, RecoveryKey, SealError, WorkFactor};
use secrecy::SecretString;
use tokio::sync::Semaphore;

use super::phrase::KeptPhrase;
use crate::{App, BucketRequest, Error};

/// A manifest names each.
const MOST_KEYS: usize = 8;
/// Of a passphrase that somebody thought of: with it, and the bundle in hand, guessing costs years.
const SHORTEST: usize = 12;
const LONGEST: usize = 200;

/// Who is to open the bundle, and where it goes.
#[derive(Debug, Clone, Default)]
pub struct ExportRequest {
    /// age public keys, `age1…`.
    pub recipients: Vec<String>,
    /// Make a key, too, and show it once.
    pub make_key: bool,
    /// And what else opens it.
    pub words: Words,
    /// Where it goes, if not to the platform's bucket.
    pub bucket: Option<BucketRequest>,
}

/// What opens a bundle without a file of keys.
#[derive(Debug, Clone, Default)]
pub enum Words {
    /// Nothing: only keys do.
    #[default]
    None,
    /// A recovery phrase, made now and shown once.
    NewPhrase,
    /// One that a page has shown, and that somebody has kept.
    Phrase(KeptPhrase),
    /// The customer's own.
    Passphrase(SecretString),
}

impl Words {
    /// As the audit names it.
    pub(super) const fn as_str(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::NewPhrase | Self::Phrase(_) => Some("recovery_phrase"),
            Self::Passphrase(_) => Some("passphrase"),
        }
    }
}

/// What a bundle is sealed with: nothing here opens it.
#[derive(Debug, Clone)]
pub(crate) struct Seal {
    /// With a space between two.
    pub recipients: String,
    pub recovery_key: Option<Vec<u8>>,
}

/// What was made for whoever asked, to be shown once.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub key: Option<SecretString>,
    pub phrase: Option<SecretString>,
}

/// # Errors
/// [`Error::Invalid`] for keys that are none, a passphrase that is too short, and where nobody could open it.
pub(super) async fn seal(app: &App, request: &ExportRequest) -> Result<(Seal, Made), Error> {
    let mut recipients = named(&request.recipients)?;
    let key = request.make_key.then(age::x25519::Identity::generate);
    recipients.extend(key.as_ref().map(|it| it.to_public().to_string()));
    // Before a phrase is worked on.
    let has_words = !matches!(request.words, Words::None);
    match recipients.len() + usize::from(has_words) {
        0 => {
            let sentence = "Have a recovery phrase made, or name at least one age public key: else nobody could open the bundle.";
            return Err(Error::invalid("recipients", "missing", sentence));
        }
        1..=MOST_KEYS => {}
        _ => return Err(Error::invalid("recipients", "too_many", format!("A bundle is sealed to {MOST_KEYS} keys at most."))),
    }
    let (recovery, phrase) = match &request.words {
        Words::None => (None, None),
        Words::NewPhrase => {
            let phrase = new_phrase(app).passphrase();
            (Some(by_phrase(phrase.clone()).await?), Some(phrase))
        }
        Words::Phrase(kept) => (Some(kept.key()?), None),
        Words::Passphrase(text) => (Some(by_passphrase(text.clone()).await?), None),
    };
    let recovery_key = recovery.map(|(key, public)| {
        recipients.push(public);
        key.as_bytes().to_vec()
    });
    let key = key.map(|it| it.to_string().expose_secret().to_owned().into());
    Ok((Seal { recipients: recipients.join(" "), recovery_key }, Made { key, phrase }))
}

/// Checked, and each once.
fn named(texts: &[String]) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    for text in texts {
        let Ok(recipient) = text.trim().parse::<age::x25519::Recipient>() else {
            // What is refused is shown, and a secret must not be.
            let is_secret = text.to_ascii_uppercase().contains("AGE-SECRET-KEY-");
            let shown: String = if is_secret { "AGE-SECRET-KEY-1…".to_owned() } else { text.chars().take(70).collect() };
            let sentence = format!("“{shown}” is no age public key: one begins with age1 and has 62 characters.");
            return Err(Error::invalid("recipients", "malformed", sentence));
        };
        let text = recipient.to_string();
        if !all.contains(&text) {
            all.push(text);
        }
    }
    Ok(all)
}

pub(super) fn new_phrase(app: &App) -> Phrase {
    let mut random = [0; 2 * Phrase::WORDS];
    app.randomness.fill(&mut random);
    Phrase::of(random)
}

/// A key that the phrase opens, and its public half.
pub(super) async fn by_phrase(phrase: SecretString) -> Result<(RecoveryKey, String), Error> {
    made(phrase, WorkFactor::RANDOM).await
}

async fn by_passphrase(text: SecretString) -> Result<(RecoveryKey, String), Error> {
    /// Each takes a second and 256 MiB.
    static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);
    let length = text.expose_secret().chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        let sentence =
            format!("A passphrase has {SHORTEST} to {LONGEST} characters: whoever gets the bundle can try as many as they like.");
        return Err(Error::invalid("passphrase", "length", sentence));
    }
    if text.expose_secret().chars().any(char::is_control) {
        return Err(Error::invalid("passphrase", "malformed", "A passphrase is one line: age asks for it at a prompt."));
    }
    let _turn = ONE_AT_A_TIME.acquire().await.map_err(Error::internal)?;
    made(Phrase::as_typed(text.expose_secret()), WorkFactor::PERSON).await
}

async fn made(passphrase: SecretString, work: WorkFactor) -> Result<(RecoveryKey, String), Error> {
    let made = tokio::task::spawn_blocking(move || RecoveryKey::make(&passphrase, work)).await;
    made.map_err(Error::internal)?.map_err(|error: SealError| Error::internal(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    fn refusal<T>(result: Result<T, Error>) -> (&'static str, &'static str, String) {
        let Err(Error::Invalid { fields }) = result else { panic!("it was not refused") };
        (fields[0].field, fields[0].reason, fields[0].sentence.clone())
    }

    #[test]
    fn keys_are_checked_and_named_once() {
        let named = |texts: &[&str]| named(&texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(named(&[KEY, &format!(" {KEY} ")]).unwrap(), [KEY]);
        for wrong in ["age1", &KEY.replace("aqmcac8p", "aqmcac8q")] {
            let (field, reason, _) = refusal(named(&[wrong]));
            assert_eq!((field, reason), ("recipients", "malformed"));
        }
        let secret = age::x25519::Identity::generate().to_string().expose_secret().to_owned();
        let (.., sentence) = refusal(named(&[&secret]));
        assert!(sentence.contains("AGE-SECRET-KEY-1…") && !sentence.contains(&secret[16..]), "{sentence}");
    }

    #[tokio::test]
    async fn a_passphrase_that_is_short_or_of_two_lines_is_refused() {
        for (wrong, reason) in [("eleven char", "length"), (&*"x".repeat(201), "length"), ("correct horse\nbattery", "malformed")] {
            let (field, why, sentence) = refusal(by_passphrase(wrong.into()).await);
            assert_eq!((field, why), ("passphrase", reason), "{sentence}");
        }
    }

    #[tokio::test]
    async fn a_phrase_opens_the_key_that_is_made_for_it() {
        let phrase = Phrase::of([3; 24]).passphrase();
        let (key, public) = by_phrase(phrase.clone()).await.unwrap();
        let file = key.open(&phrase).unwrap();
        assert!(file.expose_secret().starts_with(&format!("# public key: {public}\nAGE-SECRET-KEY-1")));
    }
}
