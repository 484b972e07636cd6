//! JSON bodies: bounded in length and time, of the right type, and kept as they were sent for the digest of an idempotency key.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Nothing that the API takes comes near it.
pub const LIMIT: usize = 64 * 1024;
/// Who asks was looked at before the body came: what they were then shall not be true for as long as they like.
const WITHIN: Duration = Duration::from_secs(20);

/// A JSON body, and its bytes.
pub struct Json<T> {
    pub value: T,
    pub bytes: Bytes,
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(&request, payload).await?;
            if !is_json(&request) {
                return Err(Problem::not_json());
            }
            Ok(Self { value: parse(&bytes)?, bytes })
        })
    }
}

/// A JSON body that may be left out.
pub struct OptionalJson<T> {
    pub value: T,
    pub bytes: Bytes,
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(&request, payload).await?;
            if bytes.is_empty() {
                return Ok(Self { value: T::default(), bytes });
            }
            if !is_json(&request) {
                return Err(Problem::not_json());
            }
            Ok(Self { value: parse(&bytes)?, bytes })
        })
    }
}

pub async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    read_up_to(LIMIT, request, payload).await
}

/// Where more than the API takes is to come.
pub async fn read_up_to(limit: usize, request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    read_within(limit, request, payload, WITHIN).await
}

async fn read_within(limit: usize, request: &HttpRequest, payload: Payload, within: Duration) -> Result<Bytes, Problem> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()).and_then(|it| it.parse::<usize>().ok());
    if announced.is_some_and(|it| it > limit) {
        return Err(Problem::too_large(limit));
    }
    tokio::time::timeout(within, whole(limit, payload)).await.unwrap_or_else(|_| Err(Problem::too_slow(WITHIN)))
}

async fn whole(limit: usize, mut payload: Payload) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::malformed("The body ended before it was whole."))?;
        if body.len() + chunk.len() > limit {
            return Err(Problem::too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// `application/json`, with or without parameters.
fn is_json(request: &HttpRequest) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // PostgreSQL stores no text with one, and nothing that is typed has one.
    if bytes.windows(6).any(|it| it == b"\\u0000") {
        return Err(Problem::malformed("The body holds the character U+0000."));
    }
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Problem::unfit_body(&error),
        _ => Problem::malformed("The body is not JSON."),
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use futures::stream;

    use super::*;

    #[actix_web::test]
    async fn a_body_that_is_held_back_is_not_waited_for() {
        let request = TestRequest::default().to_http_request();
        let begun = stream::iter([Ok(Bytes::from_static(b"{"))]).chain(stream::pending());
        let payload: Payload = Payload::Stream { payload: Box::pin(begun) };
        let read = read_within(LIMIT, &request, payload, Duration::from_millis(1));
        let refused = tokio::time::timeout(WITHIN, read).await.expect("it is not waited for").unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.reason()), (408, "body_too_slow"));
    }
}
