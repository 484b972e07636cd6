//! What stands before every page, in Rails' order: the host check, the redirect to HTTPS, files, the self-destruct's 410.
//!
//! `/health` passes all three: a probe comes by address and in plain HTTP.

use std::path::{Path, PathBuf};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HOST, LOCATION};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use super::Site;

type Guarded<B> = Result<ServiceResponse<EitherBody<B, BoxBody>>, Error>;

/// 403 for a `Host` that is none of the server's (UP:config/initializers/1_hosts.rb); both names count where a proxy gives its own.
pub async fn host<B: MessageBody>(site: web::Data<Site>, request: ServiceRequest, next: Next<B>) -> Guarded<B> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let own = header(HOST.as_str()).is_some_and(|host| site.config.identity.answers_to(&host));
    let forwarded = header("x-forwarded-host")
        .is_none_or(|hosts| hosts.rsplit(',').next().is_some_and(|host| site.config.identity.answers_to(host.trim())));
    if request.path() == "/health" || (own && forwarded) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    Ok(refuse(request, HttpResponse::Forbidden().content_type("text/plain").body("Blocked hosts\n")))
}

/// 301 to HTTPS (307 where a method would be lost) unless the proxy says that it was HTTPS.
pub async fn https<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Guarded<B> {
    let secure = request.headers().get("x-forwarded-proto").is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"));
    if secure || request.path().starts_with("/health") {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let host = request.connection_info().host().to_owned();
    let host = host.split(':').next().unwrap_or_default();
    let target = format!("https://{host}{}", request.uri().path_and_query().map_or("/", |path| path.as_str()));
    let mut answer = if [Method::GET, Method::HEAD].contains(request.method()) {
        HttpResponse::MovedPermanently()
    } else {
        HttpResponse::TemporaryRedirect()
    };
    Ok(refuse(request, answer.insert_header((LOCATION, target)).finish()))
}

/// A file below `public` is answered before anything else (UP:lib/mastodon/middleware/public_file_server.rb).
pub async fn public_file<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Guarded<B> {
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let is_served = is_read && std::env::var_os("RAILS_SERVE_STATIC_FILES").is_some_and(|it| !it.is_empty());
    match in_public(request.path()).filter(|_| is_served).and_then(|it| std::fs::read(it).ok()) {
        Some(bytes) => {
            let cache = (CACHE_CONTROL, "public, max-age=2419200, must-revalidate");
            Ok(refuse(request, HttpResponse::Ok().content_type("text/plain").insert_header(cache).body(bytes)))
        }
        None => Ok(next.call(request).await?.map_into_left_body()),
    }
}

/// The file of this path, if it has only plain names in it.
fn in_public(path: &str) -> Option<PathBuf> {
    let is_plain =
        |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) && !it.starts_with('.');
    let below = path.strip_prefix('/')?;
    below.split('/').all(is_plain).then(|| Path::new("public").join(below))
}

/// 410 for everything that a server which erases itself no longer is; what people need to leave stays open, and so does what does
/// not inherit the check. The stand-in's own count of deliveries stays open too.
pub async fn self_destruct<B: MessageBody>(site: web::Data<Site>, request: ServiceRequest, next: Next<B>) -> Guarded<B> {
    if !site.self_destructing || stays_open(request.path()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let answer = HttpResponse::Gone().content_type("text/html; charset=utf-8").body("<h1>Gone</h1><p>This server is closing down.</p>");
    Ok(refuse(request, answer))
}

fn stays_open(path: &str) -> bool {
    const EXACT: [&str; 4] = ["/health", "/.well-known/nodeinfo", "/nodeinfo/2.0", "/standin/inbox"];
    const UNDER: [&str; 5] = ["/auth/sign_in", "/auth/password", "/auth/challenge", "/settings/export", "/backups"];
    let below = |prefix: &&str| path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    EXACT.contains(&path) || UNDER.iter().any(below)
}

fn refuse<B>(request: ServiceRequest, answer: HttpResponse) -> ServiceResponse<EitherBody<B, BoxBody>> {
    request.into_response(answer).map_into_right_body()
}

#[cfg(test)]
mod tests {
    use super::{in_public, stays_open};

    #[test]
    fn only_plain_names_are_files() {
        assert_eq!(in_public("/howdah/instance").unwrap().to_str(), Some("public/howdah/instance"));
        for path in ["", "/", "/howdah/", "/../secret", "/howdah/..", "/.well-known/nodeinfo", "//etc/passwd", "/@alice"] {
            assert_eq!(in_public(path), None, "{path}");
        }
    }

    #[test]
    fn a_closing_server_lets_people_in_to_fetch_their_own() {
        for open in
            ["/health", "/nodeinfo/2.0", "/.well-known/nodeinfo", "/auth/sign_in", "/auth/password/edit", "/settings/export/follows.csv"]
        {
            assert!(stays_open(open), "{open}");
        }
        for gone in ["/", "/users/alice", "/.well-known/webfinger", "/inbox", "/api/v2/instance", "/auth/sign_up", "/settings/exports"] {
            assert!(!stays_open(gone), "{gone}");
        }
    }
}
