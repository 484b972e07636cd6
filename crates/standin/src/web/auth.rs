//! Signing in, and the set-password link that a new owner comes by.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::Site;
use super::pages::{document, escape, page};
use super::site::Failure;
use crate::crypto::{password, random_hex};

/// `config.reset_password_within` (UP:config/initializers/devise.rb).
const TOKEN_HOURS: i32 = 6;
/// `config.password_length`.
const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 8..=72;

#[derive(Deserialize)]
pub struct TokenQuery {
    #[serde(default)]
    reset_password_token: String,
}

#[derive(Deserialize)]
pub struct NewPassword {
    #[serde(rename = "user[reset_password_token]")]
    token: String,
    #[serde(rename = "user[password]")]
    password: String,
    #[serde(rename = "user[password_confirmation]")]
    confirmation: String,
}

#[derive(Deserialize)]
pub struct Credentials {
    #[serde(rename = "user[email]")]
    email: String,
    #[serde(rename = "user[password]")]
    password: String,
}

/// The form, while the link is good; else back to where a new link is asked for.
pub async fn new_password_form(site: web::Data<Site>, query: web::Query<TokenQuery>) -> Result<HttpResponse, Failure> {
    if find_user(&site, &query.reset_password_token).await?.is_none() {
        return Ok(see("/auth/password/new"));
    }
    Ok(page("Set new password", &form(&query.reset_password_token, "")))
}

pub async fn set_password(site: web::Data<Site>, sent: web::Form<NewPassword>) -> Result<HttpResponse, Failure> {
    let Some(user) = find_user(&site, &sent.token).await? else {
        return Ok(unprocessable(&form(&sent.token, "Reset password token is invalid")));
    };
    if !PASSWORD_LENGTH.contains(&sent.password.chars().count()) {
        return Ok(unprocessable(&form(&sent.token, "Password must have 8 to 72 characters")));
    }
    if sent.password != sent.confirmation {
        return Ok(unprocessable(&form(&sent.token, "Password confirmation does not match")));
    }
    let client = site.database.get().await?;
    client
        .execute(
            "UPDATE users SET encrypted_password = $2, reset_password_token = NULL, reset_password_sent_at = NULL,
                    updated_at = now() AT TIME ZONE 'utc' WHERE id = $1",
            &[&user, &password::hash(&sent.password)],
        )
        .await?;
    Ok(see("/auth/sign_in"))
}

pub async fn sign_in_form() -> HttpResponse {
    page("Sign in", &sign_in_page(""))
}

pub async fn sign_in(site: web::Data<Site>, sent: web::Form<Credentials>) -> Result<HttpResponse, Failure> {
    let client = site.database.get().await?;
    let row = client
        .query_opt(
            "SELECT id, encrypted_password, confirmed_at IS NOT NULL, approved FROM users WHERE email = lower($1) AND NOT disabled",
            &[&sent.email.trim()],
        )
        .await?;
    let Some(row) = row.filter(|row| password::verify(&sent.password, row.get(1))) else {
        return Ok(unprocessable(&sign_in_page("Invalid E-mail address or password.")));
    };
    let (confirmed, approved): (bool, bool) = (row.get(2), row.get(3));
    if !confirmed || !approved {
        return Ok(unprocessable(&sign_in_page("Your application is pending review by our staff.")));
    }
    let session = random_hex(16);
    client
        .execute(
            "INSERT INTO session_activations (session_id, user_id, created_at, updated_at)
             VALUES ($1, $2, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc')",
            &[&session, &row.get::<_, i64>(0)],
        )
        .await?;
    let cookie = format!("_session_id={session}; Path=/; Secure; HttpOnly; SameSite=Lax");
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/")).insert_header(("set-cookie", cookie)).finish())
}

pub async fn forgotten_form() -> HttpResponse {
    page("Reset password", "<h1>Reset password</h1><p role=\"alert\">The link is invalid or has expired: ask for a new one.</p>")
}

/// The user whose token this is, while it is younger than six hours.
async fn find_user(site: &Site, raw: &str) -> anyhow::Result<Option<i64>> {
    if raw.is_empty() {
        return Ok(None);
    }
    let client = site.database.get().await?;
    let row = client
        .query_opt(
            "SELECT id FROM users WHERE reset_password_token = $1
               AND reset_password_sent_at > now() AT TIME ZONE 'utc' - make_interval(hours => $2)",
            &[&site.tokens().digest(raw), &TOKEN_HOURS],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

fn see(place: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, place)).finish()
}

fn unprocessable(body: &str) -> HttpResponse {
    HttpResponse::UnprocessableEntity().content_type("text/html; charset=utf-8").body(document("Mastodon", body))
}

fn form(token: &str, alert: &str) -> String {
    format!(
        "<h1>Set new password</h1>{}<form action=\"/auth/password\" method=\"post\">\
         <input type=\"hidden\" name=\"user[reset_password_token]\" value=\"{}\">\
         <label>New password <input type=\"password\" name=\"user[password]\" autocomplete=\"new-password\" required></label>\
         <label>Confirm password <input type=\"password\" name=\"user[password_confirmation]\" autocomplete=\"new-password\" required></label>\
         <button type=\"submit\">Set new password</button></form>",
        alert_html(alert),
        escape(token),
    )
}

fn sign_in_page(alert: &str) -> String {
    format!(
        "<h1>Sign in</h1>{}<form action=\"/auth/sign_in\" method=\"post\">\
         <label>E-mail address <input type=\"email\" name=\"user[email]\" autocomplete=\"email\" required></label>\
         <label>Password <input type=\"password\" name=\"user[password]\" autocomplete=\"current-password\" required></label>\
         <button type=\"submit\">Sign in</button></form>",
        alert_html(alert),
    )
}

fn alert_html(alert: &str) -> String {
    if alert.is_empty() { String::new() } else { format!("<p role=\"alert\">{}</p>", escape(alert)) }
}
