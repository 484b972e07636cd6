//! Forms: what was typed, kept through an error, told once however often it is sent.

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures::future::LocalBoxFuture;
use howdah_app::{Actor, App, Error, FieldError, IdempotencyKey};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use super::frame::see_other;
use crate::body;
use crate::problem::Problem;

/// A form as a browser sends it, and its bytes. What a form leaves out is the type's to allow: `#[serde(default)]`.
pub struct Form<T> {
    pub value: T,
    bytes: Bytes,
    path: String,
}

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = body::read(&request, payload).await?;
            let kind = request.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
            if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
                return Err(Problem::malformed("This address takes a form, as its page sends it."));
            }
            Ok(Self { value: parse(&bytes)?, bytes, path: request.path().to_owned() })
        })
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let unreadable = || Problem::malformed("The form can't be read. Open its page again and send it from there.");
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable())?;
    // PostgreSQL stores no text with one, and nothing that is typed has one.
    if text.contains("%00") || text.contains('\0') {
        return Err(unreadable());
    }
    Ok(actix_web::web::Query::<T>::from_query(text).map_err(|_| unreadable())?.into_inner())
}

impl<T> Form<T> {
    /// Of the form's hidden field `key`: the same form sent twice has one effect and one answer.
    pub fn key(&self, actor: &Actor, key: Uuid) -> Result<IdempotencyKey, Problem> {
        let is_told = |pair: &&[u8]| !UNTOLD.iter().any(|it| pair.split(|it| *it == b'=').next() == Some(it.as_bytes()));
        let told: Vec<&[u8]> = self.bytes.split(|it| *it == b'&').filter(is_told).map(without_query).collect();
        Ok(IdempotencyKey::new(actor, &key.to_string(), "POST", &self.path, &told.join(&b'&'))?)
    }
}

/// Of a URL, percent-encoded as forms have it: what follows its `?` may be a key.
fn without_query(pair: &[u8]) -> &[u8] {
    let end = pair.windows(3).position(|it| it == b"%3F").filter(|_| pair.starts_with(b"url="));
    end.and_then(|end| pair.get(..end)).unwrap_or(pair)
}

/// What a form is not told from another by: a digest of it would be kept, and guessed by whoever has the record.
const UNTOLD: [&str; 4] = ["passphrase", "first_word", "second_word", "secret_access_key"];

/// A password as it is typed.
#[derive(Default, Deserialize)]
#[serde(from = "String")]
pub struct Secret(pub SecretString);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// For a form's hidden field `key`.
pub fn new_key(app: &App) -> Uuid {
    let mut bytes = [0; 16];
    app.randomness.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// Where a form leads that was done, as it is kept for the second time it is sent: `Idempotent::render` of `app`.
pub fn leads_to(location: &str) -> (i16, Value) {
    (303, json!({ "location": location }))
}

/// A form that was sent before: where it led then.
pub fn led_to(body: &Value) -> HttpResponse {
    see_other(body.get("location").and_then(Value::as_str).unwrap_or("/servers"))
}

/// What is wrong with a form, to be shown beside its fields and on top of them.
#[derive(Clone, Debug, Default)]
pub struct Mistakes {
    /// Of the form as a whole.
    pub sentence: Option<String>,
    fields: Vec<FieldError>,
}

impl Mistakes {
    /// Of the form as a whole.
    pub fn said(sentence: impl Into<String>) -> Self {
        Self { sentence: Some(sentence.into()), fields: Vec::new() }
    }

    /// What a person can put right in the form; everything else is a problem of its own.
    pub fn of(error: Error) -> Result<Self, Problem> {
        match error {
            Error::Invalid { fields } => Ok(Self { sentence: None, fields }),
            Error::Conflict { .. } | Error::Closed { .. } | Error::LimitReached { .. } | Error::NoRoom => Ok(Self::said(error.to_string())),
            Error::Forbidden { reason: "wrong_credentials" | "awaiting_approval" | "no_account" | "sign_ups_closed", .. } => {
                Ok(Self::said(error.to_string()))
            }
            other => Err(other.into()),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.sentence.is_none() && self.fields.is_empty()
    }

    /// How many fields are wrong.
    pub fn count(&self) -> usize {
        self.fields.len()
    }

    /// What is wrong with a field, by the name that the API has for it.
    pub fn with(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|it| it.field == field).map(|it| it.sentence.as_str())
    }

    /// Each with the field's name, for the summary's links: a field's `id` is its name with `.` as `-`.
    pub fn each(&self) -> impl Iterator<Item = (String, &str)> {
        self.fields.iter().map(|it| (it.field.replace('.', "-"), it.sentence.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[serde(default)]
    struct Two {
        name: String,
        key: Option<Uuid>,
    }

    impl Default for Two {
        fn default() -> Self {
            Self { name: "–".to_owned(), key: None }
        }
    }

    #[test]
    fn a_form_is_read_or_refused() {
        let two: Two = parse(b"name=Ana+Mar%C3%ADa&unknown=1").unwrap();
        assert_eq!((two.name.as_str(), two.key), ("Ana María", None));
        assert_eq!(parse::<Two>(b"").unwrap().name, "–");
        for wrong in [&b"name=a%00b"[..], b"name=\xff", b"key=not-a-key", b"name=1&name=2"] {
            assert!(parse::<Two>(wrong).is_err(), "{wrong:?}");
        }
    }
}
