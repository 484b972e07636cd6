//! Requests in, answers out.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::dev::Server;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, LOCATION, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, web};
use futures::{StreamExt, stream};

use crate::hosts::{Bucket, Hosts, Lookup, Media, host_name};
use crate::object_path::ObjectPath;
use crate::settings::MediaSettings;
use crate::upstream::{ANSWERED, Upstream};
use crate::{GatewayError, SHUTDOWN_SECONDS};

/// For probes, under any host: no media key begins so.
const HEALTH: &str = "/health";
/// A file under a key never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const RETRY_SECONDS: &str = "30";
/// Where somebody has moved to can still be said otherwise.
const FOR_AN_HOUR: &str = "public, max-age=3600";
const UNSAID_RETRY_SECONDS: &str = "3600";

pub(crate) fn server(listener: TcpListener, hosts: Hosts, settings: MediaSettings) -> Result<Server, GatewayError> {
    // Made once here to say early what would fail in every worker.
    Upstream::new(&settings).map_err(|source| GatewayError::Serve(std::io::Error::other(source)))?;
    let server = HttpServer::new(move || {
        let upstream = Upstream::new(&settings).expect("the same settings made one before");
        App::new().app_data(web::Data::new(upstream)).app_data(web::Data::new(hosts.clone())).default_service(web::to(answer))
    });
    let server = server.client_request_timeout(Duration::from_secs(10)).shutdown_timeout(SHUTDOWN_SECONDS).disable_signals();
    Ok(server.listen(listener).map_err(GatewayError::Serve)?.run())
}

async fn answer(request: HttpRequest, hosts: web::Data<Hosts>, upstream: web::Data<Upstream>) -> HttpResponse {
    let head = request.method() == Method::HEAD;
    if !head && request.method() != Method::GET {
        let mut response = sentence(StatusCode::METHOD_NOT_ALLOWED, "Media can be read here, and nothing else.");
        response.headers_mut().insert(ALLOW, "GET, HEAD".parse().expect("a header's value"));
        return response;
    }
    if request.path() == HEALTH {
        return health(&hosts);
    }
    let media = match host(request.headers()).map(|host| hosts.find(&host)) {
        Some(Lookup::Found(media)) => media,
        Some(Lookup::NotLoaded) => return away(),
        Some(Lookup::Unknown) | None => return sentence(StatusCode::NOT_FOUND, "No server's media is kept under this name."),
    };
    // The path of the URI, not `request.path()`, which is decoded in part.
    let Some(path) = ObjectPath::parse(request.uri().path()) else { return not_found() };
    let bucket = match media {
        Media::Here(bucket) => bucket,
        Media::Moved(Some(base)) => return moved(&base, &path),
        Media::Moved(None) => return unsaid(),
    };
    let method = if head { reqwest::Method::HEAD } else { reqwest::Method::GET };
    match upstream.fetch(method, &bucket, &path, request.headers()).await {
        Ok(fetched) => pass_on(fetched, &bucket, head),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, bucket.name, "cannot serve media");
            away()
        }
    }
}

/// The same file at the other host.
fn moved(base: &str, path: &ObjectPath) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::MOVED_PERMANENTLY);
    harden(&mut response);
    response
        .insert_header((LOCATION, format!("{base}/{}", path.as_str())))
        .insert_header((CACHE_CONTROL, FOR_AN_HOUR))
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body("This server has moved, and its media with it.\n")
}

/// Nobody is told that a file is gone which may be there tomorrow.
fn unsaid() -> HttpResponse {
    let mut response = sentence(StatusCode::SERVICE_UNAVAILABLE, "This server has moved. Where its media is now was not said yet.");
    response.headers_mut().insert(RETRY_AFTER, UNSAID_RETRY_SECONDS.parse().expect("a header's value"));
    response
}

/// One Host header, or none at all: with two, each proxy on the way may believe another.
fn host(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(HOST);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    host_name(value.to_str().ok()?)
}

fn health(hosts: &Hosts) -> HttpResponse {
    if hosts.is_loaded() { sentence(StatusCode::OK, "OK") } else { sentence(StatusCode::SERVICE_UNAVAILABLE, "Not ready.") }
}

fn pass_on(fetched: reqwest::Response, bucket: &Bucket, head: bool) -> HttpResponse {
    match fetched.status().as_u16() {
        status @ (200 | 206 | 304 | 412 | 416) => object(fetched, StatusCode::from_u16(status).unwrap_or(StatusCode::OK), head),
        // Nobody may list, so that a store says 403 of what isn't there.
        400..=428 | 430..=499 => not_found(),
        status => {
            tracing::warn!(bucket.store, bucket.name, status, "the object store cannot serve media");
            away()
        }
    }
}

fn object(fetched: reqwest::Response, status: StatusCode, head: bool) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    harden(&mut response);
    if !status.is_success() && status != StatusCode::NOT_MODIFIED {
        response.insert_header((CACHE_CONTROL, "no-store"));
        copy(&mut response, &fetched);
        response.insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"));
        // The store's own words are about its bucket.
        return response.finish();
    }
    response.insert_header((CACHE_CONTROL, FOR_EVER));
    copy(&mut response, &fetched);
    if status == StatusCode::NOT_MODIFIED {
        return response.finish();
    }
    let length = fetched.headers().get("content-length").and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
    match (length, head) {
        (Some(length), true) => response.body(SizedStream::new(length, stream::empty::<Result<web::Bytes, reqwest::Error>>())),
        (None, true) => response.finish(),
        // A body that ends early breaks the connection: what was sent of it is not taken for the whole.
        (Some(length), false) => response.body(SizedStream::new(length, fetched.bytes_stream().boxed_local())),
        (None, false) => response.streaming(fetched.bytes_stream()),
    }
}

fn copy(response: &mut HttpResponseBuilder, fetched: &reqwest::Response) {
    for name in &ANSWERED {
        if let Some(value) = fetched.headers().get(name.as_str()) {
            response.insert_header((name.clone(), value.as_bytes()));
        }
    }
}

/// A file that somebody uploaded is shown, never run.
fn harden(response: &mut HttpResponseBuilder) {
    response
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; form-action 'none'"))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
}

fn not_found() -> HttpResponse {
    sentence(StatusCode::NOT_FOUND, "There is no such file.")
}

fn away() -> HttpResponse {
    let mut response = sentence(StatusCode::SERVICE_UNAVAILABLE, "Media cannot be read at the moment. Please try again.");
    response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS.parse().expect("a header's value"));
    response
}

fn sentence(status: StatusCode, text: &'static str) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    harden(&mut response);
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body(format!("{text}\n"))
}
