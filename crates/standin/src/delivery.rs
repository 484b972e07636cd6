//! Federation's two directions: sending an activity to an inbox, and acting on one that came.

use anyhow::{Context, bail};
use serde_json::Value;
use tokio_postgres::Client;
use url::Url;

use crate::clock;
use crate::config::Config;
use crate::crypto::signing::sign_post;
use crate::jobs::{DELIVERY, Job};
use crate::objects;
use crate::people::{self, LocalAccount, uri_of};

/// UP:app/workers/activitypub/delivery_worker.rb
const DELIVERY_RETRIES: u32 = 16;

pub fn delivery(activity: &Value, account: i64, inbox: &str) -> Job {
    Job::new(DELIVERY, "push", DELIVERY_RETRIES, vec![Value::from(activity.to_string()), Value::from(account), Value::from(inbox)])
}

/// Posts a signed activity. An error means: try again later. What the other server will never take counts as done (4xx but 401, 408
/// and 429; 501), as Mastodon has it.
pub async fn deliver(http: &reqwest::Client, client: &Client, config: &Config, args: &[Value]) -> anyhow::Result<()> {
    let [Value::String(body), account, Value::String(inbox)] = args else { bail!("a delivery's arguments are malformed") };
    let account = account.as_i64().context("a delivery names no account")?;
    let inbox: Url = inbox.parse().with_context(|| format!("`{inbox}` is no inbox"))?;
    let host = match (inbox.host_str(), inbox.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => bail!("`{inbox}` has no host"),
    };
    let username: String = client.query_one("SELECT username FROM accounts WHERE id = $1", &[&account]).await?.get(0);
    let key = people::private_key(client, config, account).await?;
    let key_id = format!("{}#main-key", uri_of(&username, &config.identity));
    let headers = sign_post(&key, &key_id, &host, inbox.path(), body.as_bytes(), clock::now())?;
    let answer = http
        .post(inbox.clone())
        .header("date", headers.date)
        .header("digest", headers.digest)
        .header("signature", headers.signature)
        .header("content-type", "application/activity+json")
        .body(body.clone())
        .send()
        .await
        .with_context(|| format!("no delivery to {inbox}"))?;
    let status = answer.status().as_u16();
    match status {
        200..=299 => Ok(()),
        401 | 408 | 429 => bail!("Mastodon::UnexpectedResponseError: {inbox} returned code {status}"),
        400..=499 | 501 => {
            tracing::warn!("{inbox} will never take this delivery (code {status}); dropped");
            Ok(())
        }
        _ => bail!("Mastodon::UnexpectedResponseError: {inbox} returned code {status}"),
    }
}

/// Acts on an activity that was delivered; gives back what is to be sent in answer.
pub async fn process(http: &reqwest::Client, client: &Client, config: &Config, activity: &Value) -> anyhow::Result<Option<Job>> {
    let actor = activity["actor"].as_str().context("the activity names no actor")?;
    if activity["type"] == "Delete" && activity["object"].as_str() == Some(actor) {
        client.execute("DELETE FROM accounts WHERE domain IS NOT NULL AND uri = $1", &[&actor]).await?;
        return Ok(None);
    }
    let remote = know(http, client, actor).await?;
    let followed = activity["object"].as_str().filter(|_| activity["type"] == "Follow");
    let Some(username) = followed.and_then(|uri| uri.strip_prefix(&uri_of("", &config.identity))) else {
        return Ok(None);
    };
    let Some(account) = LocalAccount::find(client, username).await? else {
        return Ok(None);
    };
    client
        .execute(
            "INSERT INTO follows (account_id, target_account_id, uri, created_at, updated_at)
             VALUES ($1, $2, $3, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc') ON CONFLICT DO NOTHING",
            &[&remote.id, &account.id, &activity["id"].as_str()],
        )
        .await?;
    Ok(Some(delivery(&objects::accept(&account.username, &config.identity, activity), account.id, &remote.inbox)))
}

struct Remote {
    id: i64,
    inbox: String,
}

/// The row of a remote actor, fetched and stored if it is new.
async fn know(http: &reqwest::Client, client: &Client, uri: &str) -> anyhow::Result<Remote> {
    if let Some(row) = client.query_opt("SELECT id, inbox_url FROM accounts WHERE domain IS NOT NULL AND uri = $1", &[&uri]).await? {
        return Ok(Remote { id: row.get(0), inbox: row.get(1) });
    }
    let document: Value = http.get(uri).header("accept", "application/activity+json").send().await?.error_for_status()?.json().await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let domain = uri.parse::<Url>()?.host_str().context("the actor has no host")?.to_owned();
    let (username, inbox) = (text(&document["preferredUsername"]), text(&document["inbox"]));
    if username.is_empty() || inbox.is_empty() || document["id"].as_str() != Some(uri) {
        bail!("`{uri}` is not an actor's document");
    }
    let row = client
        .query_one(
            "INSERT INTO accounts (username, domain, uri, inbox_url, shared_inbox_url, public_key, protocol, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, 1, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc') RETURNING id",
            &[
                &username,
                &domain,
                &uri,
                &inbox,
                &text(&document["endpoints"]["sharedInbox"]),
                &text(&document["publicKey"]["publicKeyPem"]),
            ],
        )
        .await?;
    Ok(Remote { id: row.get(0), inbox })
}
