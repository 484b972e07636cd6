//! Plain pages for people, and the health check for machines.

use actix_web::{HttpResponse, web};

use super::Site;
use super::site::Failure;
use crate::faults::Fault;
use crate::people::LocalAccount;

pub async fn health(site: web::Data<Site>) -> HttpResponse {
    if site.config.faults.has(Fault::NotReady) {
        return HttpResponse::ServiceUnavailable().body("NOT READY");
    }
    site.answered_health.notify_one();
    HttpResponse::Ok().content_type("text/plain").body("OK")
}

pub async fn front(site: web::Data<Site>) -> Result<HttpResponse, Failure> {
    let census = site.census().await?;
    let domain = &site.config.identity.local_domain;
    let registrations = match census.registrations.as_str() {
        "open" => "Everyone can sign up.",
        "approved" => "Sign-ups are looked at first.",
        _ => "Sign-ups are closed.",
    };
    Ok(page(
        &census.title,
        &format!(
            "<h1>{}</h1><p>People: {}. {registrations} Contact: {}</p><p><a href=\"/auth/sign_in\">Sign in</a></p><footer>Mastodon {} (stand-in)</footer>",
            escape(domain),
            census.users,
            escape(&census.contact_email),
            site.config.version,
        ),
    ))
}

pub async fn profile(site: web::Data<Site>, name: web::Path<String>) -> Result<HttpResponse, Failure> {
    let client = site.database.get().await?;
    Ok(match LocalAccount::find(&client, &name).await? {
        None => HttpResponse::NotFound().content_type("text/html; charset=utf-8").body("<h1>404</h1>"),
        Some(account) if account.suspended => HttpResponse::Gone().content_type("text/html; charset=utf-8").body("<h1>410</h1>"),
        Some(account) => {
            let handle = format!("@{}@{}", account.username, site.config.identity.local_domain);
            page(&handle, &format!("<h1>{}</h1>", escape(&handle)))
        }
    })
}

pub fn page(title: &str, body: &str) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(document(title, body))
}

pub fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head><body>{body}</body></html>",
        escape(title)
    )
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
