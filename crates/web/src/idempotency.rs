//! `Idempotency-Key`: the same key with the same request is one effect and one answer.

use std::future::{Ready, ready};

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev};
use howdah_app::idempotency::Idempotent;
use howdah_app::{Actor, Error, IdempotencyKey, Once};
use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::Problem;

/// The header's value, where there is one.
pub struct KeyHeader(Option<String>);

impl FromRequest for KeyHeader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let mut values = request.headers().get_all("Idempotency-Key");
        let malformed = || Problem::malformed("The Idempotency-Key has 1 to 255 characters of ASCII, and is sent once.");
        ready(match (values.next(), values.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) => match value.to_str() {
                Ok(text) if (1..=255).contains(&text.len()) && !text.contains('\t') => Ok(Self(Some(text.to_owned()))),
                _ => Err(malformed()),
            },
            (Some(_), Some(_)) => Err(malformed()),
        })
    }
}

impl KeyHeader {
    /// The key, bound to who sent it and to what was sent with it.
    pub fn bind(self, actor: &Actor, request: &HttpRequest, body: &[u8]) -> Result<Option<IdempotencyKey>, Problem> {
        let key = self.0.map(|key| IdempotencyKey::new(actor, &key, request.method().as_str(), request.path(), body));
        Ok(key.transpose()?)
    }
}

/// A change that is made once for each key: `status`, with `body` of what was done, however often it is asked for. No secrets.
pub async fn once<T, B, F>(
    key: Option<IdempotencyKey>,
    status: StatusCode,
    body: impl Fn(&T) -> B + Send + Sync,
    change: F,
) -> Result<HttpResponse, Problem>
where
    B: Serialize,
    F: AsyncFnOnce(Option<Idempotent<'_, T>>) -> Result<Once<T>, Error>,
{
    let render = |it: &T| (i16::try_from(status.as_u16()).unwrap_or(200), json!(body(it)));
    match change(key.as_ref().map(|key| Idempotent { key, render: &render })).await? {
        Once::Done(it) => Ok(HttpResponse::build(status).json(render(&it).1)),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}

/// An answer that was given before, given again.
pub fn again(status: i16, body: &Value) -> HttpResponse {
    let status = u16::try_from(status).ok().and_then(|it| StatusCode::from_u16(it).ok()).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    response.insert_header(("Idempotent-Replayed", "true"));
    response.json(body)
}

/// By what a request is told from another with the same key. Of what is secret a digest would be kept, and guessed by whoever has the record.
pub fn told(body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("passphrase");
            if let Some(Value::Object(bucket)) = fields.get_mut("bucket") {
                bucket.remove("secret_access_key");
            }
            // What follows may be a key.
            if let Some(Value::String(url)) = fields.get_mut("url") {
                url.truncate(url.find('?').unwrap_or(url.len()));
            }
            Value::Object(fields).to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_not_told_from_another_by_its_secrets() {
        let of = |body: &str| told(body.as_bytes());
        assert_eq!(of(r#"{"passphrase": "a", "recovery_key": true}"#), of(r#"{"recovery_key":true,"passphrase":"b"}"#));
        let bucket = |secret: &str| of(&format!(r#"{{"bucket": {{"bucket": "mine", "secret_access_key": "{secret}"}}}}"#));
        assert_eq!(bucket("a"), bucket("b"));
        let url = |query: &str| of(&format!(r#"{{"url": "https://b.example/b.tar{query}"}}"#));
        assert_eq!((url("?key=a"), url("")), (url("?key=b"), url("?")));
        assert_ne!(of(r#"{"recovery_key": true}"#), of(r#"{"recovery_key": false}"#));
        assert_eq!(of("no JSON"), b"no JSON");
    }
}
