//! Problems (RFC 9457): every error body of the API, and the one place where a meaning becomes a status.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use howdah_app::{Error, Excess, FieldError};
use serde::Serialize;
use utoipa::ToSchema;

pub const CONTENT: &str = "application/problem+json";

/// What went wrong, with how to tell it.
#[derive(Debug, Clone)]
pub struct Problem(Box<Told>);

#[derive(Debug, Clone)]
struct Told {
    body: ProblemBody,
    retry_after: Option<Duration>,
    /// Of what there was too much.
    excess: Option<Excess>,
    allow: Option<String>,
    /// What only the log and operators are told.
    cause: Option<String>,
}

/// What went wrong, as machines and people read it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Names the kind of problem: `urn:howdah:problem:` and the reason.
    #[serde(rename = "type")]
    #[schema(format = "uri", max_length = 200)]
    kind: String,
    /// What the status means.
    #[schema(max_length = 100)]
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, and the way out.
    #[schema(max_length = 8000)]
    detail: String,
    /// A machine reason.
    #[schema(max_length = 100)]
    reason: String,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 64)]
    errors: Vec<FieldProblem>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldProblem {
    /// `owner.email`, say.
    #[schema(max_length = 100)]
    field: &'static str,
    /// A machine reason.
    #[schema(max_length = 100)]
    reason: &'static str,
    /// What is wrong with the value, and the way out.
    #[schema(max_length = 2000)]
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, reason: &str, detail: impl Into<String>) -> Self {
        let body = ProblemBody {
            kind: format!("urn:howdah:problem:{}", reason.replace('_', "-")),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            reason: reason.to_owned(),
            errors: Vec::new(),
        };
        Self(Box::new(Told { body, retry_after: None, excess: None, allow: None, cause: None }))
    }

    fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn reason(&self) -> &str {
        &self.0.body.reason
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.body.detail
    }

    pub(crate) fn waits(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub(crate) fn excess(&self) -> Option<Excess> {
        self.0.excess
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    pub(crate) fn internal(what: &'static str) -> Self {
        Error::Internal { source: what.into() }.into()
    }

    pub(crate) fn foreign_origin() -> Self {
        let detail = "This request was not sent by a page of ours, so nothing was done.";
        Self::new(StatusCode::FORBIDDEN, "foreign_origin", detail)
    }

    pub(crate) fn no_such_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    /// The same as for an id that nobody has.
    pub(crate) fn malformed_id(what: &'static str) -> Self {
        Error::NotFound { what }.into()
    }

    pub(crate) fn method_not_allowed(allow: String) -> Self {
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", format!("This address takes {allow} only."));
        problem.0.allow = Some(allow);
        problem
    }

    pub(crate) fn malformed(what: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", what)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("A request's body has at most {} KiB.", limit / 1024))
    }

    pub(crate) fn too_slow(within: Duration) -> Self {
        let detail = format!("The body did not come within {} seconds. Send the request again.", within.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail)
    }

    pub(crate) fn not_json() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "The body has to be JSON: send it with Content-Type: application/json.")
    }

    /// Of the payment provider, or not: why it is not taken is told by its reason alone.
    pub(crate) fn event_refused(reason: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, "This event is not taken, and nothing of it is kept.")
    }

    /// JSON, and not what this request takes.
    pub(crate) fn unfit_body(error: &serde_json::Error) -> Self {
        let detail: String = error.to_string().chars().take(500).collect();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("The body does not have the form that is wanted: {detail}."))
    }

    pub(crate) fn rate_limited(retry_after: Duration) -> Self {
        Error::RateLimited { excess: Excess::Requests, retry_after }.into()
    }

    pub(crate) fn too_many_streams() -> Self {
        let detail = "Too many streams are open. Ask for the operation itself from time to time.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail).retry_after(Duration::from_secs(5))
    }

    pub(crate) fn not_ready() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The database is away.").retry_after(Duration::from_secs(1))
    }
}

/// A field that this crate itself can't read.
pub(crate) fn invalid(field: &'static str, reason: &'static str, sentence: impl Into<String>) -> Error {
    Error::Invalid { fields: vec![FieldError { field, reason, sentence: sentence.into() }] }
}

/// The one table from meanings to statuses.
fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden { .. } | Error::Closed { .. } | Error::LimitReached { .. } => StatusCode::FORBIDDEN,
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Conflict { .. } | Error::NoRoom => StatusCode::CONFLICT,
        Error::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Error::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl From<Error> for Problem {
    /// What is our own fault is logged here, with what the customer is not told.
    fn from(error: Error) -> Self {
        match &error {
            Error::Internal { .. } => tracing::error!(error = error.internal_text(), "a request failed"),
            Error::Unavailable { .. } => tracing::warn!(error = error.internal_text(), "a request could not be answered now"),
            _ => {}
        }
        let mut problem = Self::new(status_of(&error), error.reason(), error.to_string());
        if matches!(error, Error::Internal { .. }) {
            problem.0.cause = Some(error.internal_text());
        }
        match error {
            Error::Invalid { fields } => problem.0.body.errors = fields.into_iter().map(FieldProblem::from).collect(),
            Error::RateLimited { excess, retry_after } => {
                problem = problem.retry_after(retry_after);
                problem.0.excess = Some(excess);
            }
            Error::Unavailable { .. } | Error::Conflict { reason: "request_in_progress", .. } => {
                problem = problem.retry_after(Duration::from_secs(1));
            }
            _ => {}
        }
        problem
    }
}

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> Self {
        Self { field: error.field, reason: error.reason, detail: error.sentence }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.0.body;
        write!(f, "{} {}: {}", it.status, it.reason, it.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CONTENT_TYPE, CONTENT));
        if let Some(after) = self.0.retry_after {
            response.insert_header((RETRY_AFTER, after.as_secs().max(1)));
        }
        if let Some(allow) = &self.0.allow {
            response.insert_header((ALLOW, allow.as_str()));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, r#"Bearer realm="howdah""#));
        }
        response.body(serde_json::to_vec(&self.0.body).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;

    #[actix_web::test]
    async fn what_is_wrong_inside_stays_inside() {
        let problem = Problem::from(Error::Internal { source: "password of db-7 is wrong".into() });
        let body = to_bytes(problem.error_response().into_body()).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("db-7"));
    }

    #[actix_web::test]
    async fn a_problem_names_each_field() {
        let field = FieldError { field: "owner.email", reason: "malformed", sentence: "“x” is no e-mail address.".to_owned() };
        let response = Problem::from(Error::Invalid { fields: vec![field] }).error_response();
        assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), CONTENT);
        let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
        let wanted = json!({
            "type": "urn:howdah:problem:invalid", "title": "Unprocessable Entity", "status": 422, "detail": "“x” is no e-mail address.",
            "reason": "invalid", "errors": [{"field": "owner.email", "reason": "malformed", "detail": "“x” is no e-mail address."}],
        });
        assert_eq!(body, wanted);
    }

    #[test]
    fn who_has_to_wait_is_told_how_long() {
        let limited = Problem::rate_limited(Duration::from_millis(200)).error_response();
        assert_eq!(limited.headers().get(RETRY_AFTER).unwrap(), "1");
        let away = Problem::from(Error::Unavailable { source: "away".into() }).error_response();
        assert_eq!((away.status(), away.headers().contains_key(RETRY_AFTER)), (StatusCode::SERVICE_UNAVAILABLE, true));
    }
}
