//! What passes before a read-only server, by method and path alone. Reads pass; of what writes only what is listed: federation, the way in,
//! the way out, and what keeps a server in order. What is not known does not pass, so that a release's new routes publish nothing.
//!
//! | what writes | passes | 503 |
//! |---|---|---|
//! | other servers | inboxes | |
//! | the way in | sign-in and out, second factors, a new password, confirming an address, apps and their tokens | signing up, by page or API; `/auth` itself |
//! | the way out | archives, moving to another server, deleting one's account, ending mails | aliases, which are for moving in |
//! | one's own | where one has read to, how the web client looks | profile, preferences, uploaded lists, posts, follows and all else |
//! | order | reports, appeals, what the owner and moderators do | |
//!
//! A page's form writes by POST whatever its `_method` says, so no two methods are told apart: `POST /auth` is a sign-up, or a change of one's
//! address or password, and waits either way. A password that is lost is set anew by `/auth/password`.
//!
//! Routes: UP:config/routes.rb, UP:config/routes/{api,settings,admin}.rb; those below `/auth` are Devise's.

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
    // The way in, of people (`/auth/auth` is that of another identity provider) and of apps.
    "/auth/sign_in",
    "/auth/sign_out",
    "/auth/auth",
    "/auth/password",
    "/auth/challenge",
    "/auth/confirmation",
    "/auth/captcha_confirmation",
    "/auth/setup",
    "/oauth",
    "/api/v1/apps",
    "/api/v1/emails",
    // Who else gets in, and by what.
    "/settings/sessions",
    "/settings/otp_authentication",
    "/settings/security_keys",
    "/settings/two_factor_authentication",
    "/settings/two_factor_authentication_methods",
    // The way out: an archive, another server, or none.
    "/settings/export",
    "/settings/exports",
    "/settings/migration",
    "/settings/delete",
    "/backups",
    // Whoever gets mail can end it (RFC 8058).
    "/unsubscribe",
    // Where somebody has read to, and how their client looks: nobody else sees it.
    "/api/v1/markers",
    "/api/v1/push",
    "/api/web",
    // Keeping order: reports, appeals, and all that the owner and moderators do.
    "/api/v1/reports",
    "/disputes",
    "/admin",
    "/api/v1/admin",
    "/api/v2/admin",
    "/sidekiq",
    "/pghero",
];

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
    if WRITES.iter().any(|it| is_below(path, it)) || is_inbox(path) { Pass::On } else { Pass::Refused }
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
            ("POST", "/api/v9/anything", Refused),
            ("TRACE", "/", Refused),
            ("BREW", "/inbox", On),
            // signing up, by page and by API; a change of address or password comes the same way
            ("POST", "/auth", Refused),
            ("POST", "/auth/", Refused),
            ("PUT", "/auth", Refused),
            ("PATCH", "/auth", Refused),
            ("DELETE", "/auth", Refused),
            ("POST", "/auth/sign_up", Refused),
            ("GET", "/auth/sign_up", On),
            // the way in
            ("POST", "/auth/sign_in", On),
            ("DELETE", "/auth/sign_out", On),
            ("POST", "/auth/sign_out", On),
            ("GET", "/auth/sessions/security_key_options", On),
            ("POST", "/auth/auth/openid_connect", On),
            ("POST", "/auth/auth/saml/callback", On),
            ("POST", "/auth/password", On),
            ("PUT", "/auth/password", On),
            ("POST", "/auth/passwords", Refused),
            ("POST", "/auth/confirmation", On),
            ("POST", "/auth/captcha_confirmation", On),
            ("POST", "/auth/challenge", On),
            ("PUT", "/auth/setup", On),
            ("POST", "/oauth/token", On),
            ("POST", "/oauth/authorize", On),
            ("DELETE", "/oauth/authorized_applications/1", On),
            ("POST", "/api/v1/apps", On),
            ("POST", "/api/v1/appsx", Refused),
            ("POST", "/api/v1/emails/confirmations", On),
            ("DELETE", "/settings/sessions/1", On),
            ("POST", "/settings/otp_authentication", On),
            ("POST", "/settings/two_factor_authentication/confirmation", On),
            ("POST", "/settings/two_factor_authentication/recovery_codes", On),
            ("POST", "/settings/two_factor_authentication_methods/disable", On),
            ("POST", "/settings/security_keys", On),
            ("DELETE", "/settings/security_keys/1", On),
            // the way out
            ("POST", "/settings/export", On),
            ("GET", "/settings/exports/follows.csv", On),
            ("POST", "/settings/migration", On),
            ("POST", "/settings/migration/redirect", On),
            ("DELETE", "/settings/delete", On),
            ("GET", "/backups/1/download", On),
            ("POST", "/unsubscribe", On),
            // what else is set shows, or brings something in
            ("GET", "/settings/profile", On),
            ("PUT", "/settings/profile", Refused),
            ("POST", "/settings/profile", Refused),
            ("DELETE", "/settings/profile/pictures/avatar", Refused),
            ("PATCH", "/settings/privacy", Refused),
            ("PUT", "/settings/verification", Refused),
            ("PUT", "/settings/preferences/appearance", Refused),
            ("POST", "/settings/imports", Refused),
            ("POST", "/settings/imports/1/confirm", Refused),
            ("POST", "/settings/aliases", Refused),
            ("POST", "/settings/featured_tags", Refused),
            ("POST", "/settings/applications", Refused),
            ("POST", "/settings", Refused),
            ("POST", "/settings/anything", Refused),
            ("POST", "/settings/exporting", Refused),
            // nobody else sees it
            ("PUT", "/api/web/settings", On),
            ("POST", "/api/v1/markers", On),
            ("POST", "/api/v1/push/subscription", On),
            // order
            ("POST", "/api/v1/reports", On),
            ("POST", "/disputes/strikes/1/appeal", On),
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
