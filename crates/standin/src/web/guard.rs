//! What stands before every page, in Rails' order: the host check, the redirect to HTTPS, the self-destruct's 410.
//!
//! `/health` passes all three: a probe comes by address and in plain HTTP.

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HOST, LOCATION};
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
    use super::stays_open;

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
