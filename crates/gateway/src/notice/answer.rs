//! The 503: a page for people, JSON for clients of Mastodon's API, a sentence for everybody else.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, RETRY_AFTER, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};

/// What the answer depends on.
pub struct Asked {
    form: Form,
    is_head: bool,
}

enum Form {
    Page,
    /// Mastodon's `{"error": …}`.
    Json,
    Sentence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Suspended,
    /// What was to be written is not.
    ReadOnly,
    /// It would have passed, and web does not answer.
    Away,
}

impl Why {
    const fn title(self) -> &'static str {
        match self {
            Self::Suspended => "This server is paused",
            Self::ReadOnly => "This server is read-only",
            Self::Away => "This server does not answer at the moment",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Suspended => "This server is paused. Nothing of it is lost: posts from other servers are delivered once it runs again.",
            Self::ReadOnly => "This server can only be read at the moment: nothing was posted or changed. Please try again later.",
            Self::Away => "This server does not answer at the moment. Please try again.",
        }
    }

    /// Seconds after which it may be otherwise.
    const fn retry_after(self) -> &'static str {
        match self {
            Self::Suspended | Self::ReadOnly => "3600",
            Self::Away => "30",
        }
    }
}

impl Asked {
    pub fn of<B>(request: &Request<B>) -> Self {
        let accepts = request.headers().get_all(ACCEPT);
        let is_for_people = accepts.iter().filter_map(|it| it.to_str().ok()).any(|it| it.to_ascii_lowercase().contains("text/html"));
        let form = match request.uri().path() {
            path if path.starts_with("/api/") || path.starts_with("/oauth/token") => Form::Json,
            _ if is_for_people => Form::Page,
            _ => Form::Sentence,
        };
        Self { form, is_head: request.method() == Method::HEAD }
    }
}

pub fn notice(asked: &Asked, why: Why) -> Response<Full<Bytes>> {
    let (kind, body) = match asked.form {
        Form::Page => ("text/html; charset=utf-8", page(why)),
        Form::Json => ("application/json; charset=utf-8", format!("{{\"error\":\"{}\"}}\n", why.sentence())),
        Form::Sentence => ("text/plain; charset=utf-8", format!("{}\n", why.sentence())),
    };
    let body = if asked.is_head { Bytes::new() } else { Bytes::from(body) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = [
        (CONTENT_TYPE, kind),
        (RETRY_AFTER, why.retry_after()),
        (CACHE_CONTROL, "no-store"),
        (VARY, "Accept"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"),
        // As Mastodon's own API has it: a client in a browser is to read why.
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Without anything that would have to be fetched: nothing else is answered here.
fn page(why: Why) -> String {
    let (title, sentence) = (why.title(), why.sentence());
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\"><title>{title}</title></head>\n\
         <body><main><h1>{title}</h1><p>{sentence}</p></main></body></html>\n"
    )
}
