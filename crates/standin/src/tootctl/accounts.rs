//! `tootctl accounts create|modify|delete|refresh`.

use serde_json::Value;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::{Refused, dry_run_suffix, unknown};
use crate::command::Call;
use crate::config::Config;
use crate::crypto::{password, random_hex};
use crate::jobs::{AVATAR, Job, Jobs};
use crate::people::{self, LocalAccount};

pub async fn run(client: &mut Client, config: &Config, verb: &str, rest: &[&str], call: &Call) -> anyhow::Result<()> {
    match (verb, rest) {
        ("create", [username]) => create(client, config, username, call).await,
        ("modify", [username]) => modify(client, username, call).await,
        ("delete", [username]) => delete(client, username).await,
        ("refresh", handles) => refresh(client, handles, call).await,
        _ => Err(Refused::because(unknown(&[&["accounts", verb], rest].concat()))),
    }
}

async fn create(client: &mut Client, config: &Config, username: &str, call: &Call) -> anyhow::Result<()> {
    let email = call.value("email").ok_or_else(|| Refused::because("No value provided for required options '--email'"))?.to_lowercase();
    let role = role_id(client, call).await?;
    let mut errors = Vec::new();
    if !people::is_username(username) {
        errors.push(("username", "must contain only letters, numbers and underscores"));
    }
    if LocalAccount::find(client, username).await?.is_some() {
        errors.push(("username", "has already been taken"));
    }
    if !is_address(&email) {
        errors.push(("email", "is invalid"));
    }
    if client.query_opt("SELECT 1 FROM users WHERE email = $1", &[&email]).await?.is_some() {
        errors.push(("email", "has already been taken"));
    }
    report(&errors)?;
    let secret = random_hex(16);
    let transaction = client.transaction().await?;
    let account = people::create_account(&transaction, config, username).await?;
    // Registrations are closed on a new server: only --approve makes the account usable (UP:app/models/user.rb, set_approved).
    let created = transaction
        .execute(
            "INSERT INTO users (email, account_id, encrypted_password, role_id, confirmed_at, approved, created_at, updated_at)
             VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() AT TIME ZONE 'utc' END, $6 OR COALESCE(
               (SELECT value = E'--- open\\n' FROM settings WHERE var = 'registrations_mode'), false),
               now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc')",
            &[&email, &account, &password::hash(&secret), &role, &call.has("confirmed"), &call.has("approve")],
        )
        .await;
    if created.as_ref().is_err_and(|error| error.code() == Some(&SqlState::UNIQUE_VIOLATION)) {
        report(&[("email", "has already been taken")])?;
    }
    created?;
    transaction.commit().await?;
    Jobs::connect(&config.redis).await?.push(&[Job::new(AVATAR, "default", 16, vec![Value::from(account)])]).await?;
    println!("OK");
    println!("New password: {secret}");
    Ok(())
}

async fn modify(client: &Client, username: &str, call: &Call) -> anyhow::Result<()> {
    let user = client
        .query_opt(
            "SELECT u.id FROM users u JOIN accounts a ON a.id = u.account_id WHERE a.domain IS NULL AND lower(a.username) = lower($1)",
            &[&username],
        )
        .await?
        .ok_or_else(|| Refused::because("No user with such username"))?;
    let user: i64 = user.get(0);
    let role = role_id(client, call).await?;
    let email = call.value("email").map(str::to_lowercase);
    let secret = call.has("reset-password").then(|| random_hex(16));
    client
        .execute(
            "UPDATE users SET role_id = CASE WHEN $2 THEN NULL ELSE COALESCE($3, role_id) END,
                    email = COALESCE($4, email),
                    approved = approved OR $5,
                    confirmed_at = CASE WHEN $6 THEN COALESCE(confirmed_at, now() AT TIME ZONE 'utc') ELSE confirmed_at END,
                    disabled = CASE WHEN $7 THEN true WHEN $8 THEN false ELSE disabled END,
                    otp_required_for_login = otp_required_for_login AND NOT $9,
                    encrypted_password = COALESCE($10, encrypted_password),
                    updated_at = now() AT TIME ZONE 'utc'
             WHERE id = $1",
            &[
                &user,
                &call.has("remove-role"),
                &role,
                &email,
                &call.has("approve"),
                &call.has("confirm"),
                &call.has("disable"),
                &call.has("enable"),
                &call.has("disable-2fa"),
                &secret.as_deref().map(password::hash),
            ],
        )
        .await?;
    println!("OK");
    if let Some(secret) = secret {
        println!("New password: {secret}");
    }
    Ok(())
}

async fn delete(client: &Client, username: &str) -> anyhow::Result<()> {
    let account = LocalAccount::find(client, username).await?.ok_or_else(|| Refused::because("No user with such username"))?;
    client.execute("DELETE FROM accounts WHERE id = $1", &[&account.id]).await?;
    println!("OK");
    Ok(())
}

/// Says what the real one says, and fetches nothing: the people of other servers are made up here.
async fn refresh(client: &Client, handles: &[&str], call: &Call) -> anyhow::Result<()> {
    let suffix = dry_run_suffix(call);
    if call.has("all") || call.value("domain").is_some() {
        let sql = "SELECT count(*) FROM accounts WHERE domain IS NOT NULL AND domain = COALESCE($1, domain)";
        let accounts: i64 = client.query_one(sql, &[&call.value("domain")]).await?.get(0);
        println!("Refreshed {accounts} accounts{suffix}");
        return Ok(());
    }
    if handles.is_empty() {
        return Err(Refused::because("No account(s) given"));
    }
    for handle in handles {
        let (username, domain) = handle.split_once('@').unwrap_or((handle, ""));
        let sql = "SELECT 1 FROM accounts WHERE lower(username) = lower($1) AND lower(domain) = lower($2)";
        client.query_opt(sql, &[&username, &domain]).await?.ok_or_else(|| Refused::because("No such account"))?;
    }
    println!("OK{suffix}");
    Ok(())
}

async fn role_id(client: &Client, call: &Call) -> anyhow::Result<Option<i64>> {
    let Some(name) = call.value("role") else {
        return Ok(None);
    };
    let row = client.query_opt("SELECT id FROM user_roles WHERE name = $1", &[&name]).await?;
    Ok(Some(row.ok_or_else(|| Refused::because("Cannot find user role with that name"))?.get(0)))
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains(['@', ' ']))
}

/// `report_errors` (UP:lib/mastodon/cli/accounts.rb): each attribute, its error below.
fn report(errors: &[(&str, &str)]) -> anyhow::Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        errors.iter().map(|(attribute, message)| format!("Failure/Error: {attribute}\n    {attribute} {message}")).collect();
    Err(Refused::because(lines.join("\n")))
}
