//! What passes before a read-only server, by method and path alone. Reads pass; of what writes only what is listed: federation, the way in,
//! the way out, and what keeps a server in order. What is not known does not pass, so that a release's new routes publish nothing.
//!
//! Routes: UP:config/routes.rb, UP:config/routes/{api,settings,admin}.rb.

use hyper::Method;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    On,
    /// A write of a customer's.
    Refused,
    /// Streaming's: it has a way of its own, and web would say 404 for it.
    NotHere,
}

/// What writes and passes: these paths, and all below them.
const WRITES: &[&str] = &[
    // Federation: other servers' posts come in. `/users/…/inbox` and `/ap/users/…/inbox` are told by their end.
    "/inbox",
    // The way in, passwords and codes, of people and of apps.
    "/auth",
    "/oauth",
    "/api/v1/apps",
    "/api/v1/emails",
    // Whoever gets mail can end it (RFC 8058).
    "/unsubscribe",
    // Where somebody has read to, and how their client looks: nobody else sees it.
    "/api/v1/markers",
    "/api/v1/push",
    "/api/web",
    // Their own settings, their archive, their way to another server.
    "/settings",
    "/backups",
    // Keeping order: reports, appeals, and all that the owner and moderators do.
    "/api/v1/reports",
    "/disputes",
    "/admin",
    "/api/v1/admin",
    "/api/v2/admin",
    "/sidekiq",
    "/pghero",
];

/// Below one of these, and a write of a customer's all the same: an uploaded list makes follows of its lines.
const EXCEPT: &[&str] = &["/settings/imports"];

const STREAMING: &str = "/api/v1/streaming";

pub fn pass(method: &Method, path: &str) -> Pass {
    if is_below(path, STREAMING) {
        return Pass::NotHere;
    }
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return Pass::On;
    }
    // What could be another path to whoever reads it next is none of the listed.
    if is_doubtful(path) {
        return Pass::Refused;
    }
    let is_listed = WRITES.iter().any(|it| is_below(path, it)) && !EXCEPT.iter().any(|it| is_below(path, it));
    if is_listed || is_inbox(path) { Pass::On } else { Pass::Refused }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Of one account: `/users/ana/inbox`, `/actor/inbox`, and by id since 4.5.
fn is_inbox(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    matches!(segments[..], ["actor", "inbox"] | ["users", _, "inbox"] | ["ap", "users", _, "inbox"])
}

fn is_doubtful(path: &str) -> bool {
    path.contains(['%', '\\', ';']) || path.split('/').skip(1).any(|it| it == "." || it == "..") || path.contains("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_passes() {
        use Pass::{NotHere, On, Refused};
        for (method, path, expected) in [
            ("GET", "/", On),
            ("GET", "/@ana/1", On),
            ("HEAD", "/api/v1/statuses/1", On),
            ("OPTIONS", "/api/v1/statuses", On),
            ("GET", "/.well-known/webfinger", On),
            ("GET", "/howdah/instance", On),
            ("GET", "/api/../x", On),
            // federation
            ("POST", "/inbox", On),
            ("POST", "/users/ana/inbox", On),
            ("POST", "/ap/users/1/inbox", On),
            ("POST", "/actor/inbox", On),
            ("POST", "/users/ana/outbox", Refused),
            ("POST", "/users/ana/x/inbox", Refused),
            // customers' writes
            ("POST", "/api/v1/statuses", Refused),
            ("POST", "/api/v1/statuses.json", Refused),
            ("PUT", "/api/v1/statuses/1", Refused),
            ("DELETE", "/api/v1/statuses/1", Refused),
            ("POST", "/api/v1/accounts", Refused),
            ("POST", "/api/v1/accounts/1/follow", Refused),
            ("PATCH", "/api/v1/accounts/update_credentials", Refused),
            ("POST", "/api/v2/media", Refused),
            ("POST", "/api/v1/media", Refused),
            ("POST", "/invites", Refused),
            ("PUT", "/statuses_cleanup", Refused),
            ("POST", "/settings/imports", Refused),
            ("POST", "/settings/imports/1/confirm", Refused),
            ("POST", "/api/v9/anything", Refused),
            ("TRACE", "/", Refused),
            ("BREW", "/inbox", On),
            // the way in and out, and order
            ("POST", "/auth/sign_in", On),
            ("DELETE", "/auth/sign_out", On),
            ("POST", "/oauth/token", On),
            ("POST", "/api/v1/apps", On),
            ("POST", "/api/v1/appsx", Refused),
            ("POST", "/settings/export", On),
            ("PUT", "/settings/preferences/appearance", On),
            ("POST", "/settings/migration", On),
            ("POST", "/unsubscribe", On),
            ("PUT", "/api/web/settings", On),
            ("POST", "/api/v1/markers", On),
            ("POST", "/admin/reports/1/resolve", On),
            ("POST", "/api/v1/admin/accounts/1/action", On),
            // not by another name
            ("POST", "/inbox/../api/v1/statuses", Refused),
            ("POST", "/inbox/%2e%2e/api/v1/statuses", Refused),
            ("POST", "/auth//api/v1/statuses", Refused),
            ("POST", "//inbox", Refused),
            ("POST", "/auth\\..\\api", Refused),
            ("POST", "/Inbox", Refused),
            // streaming's own
            ("GET", "/api/v1/streaming", NotHere),
            ("GET", "/api/v1/streaming/user", NotHere),
            ("GET", "/api/v1/streamings", On),
        ] {
            assert_eq!(pass(&method.parse().expect("a method"), path), expected, "{method} {path}");
        }
    }
}
