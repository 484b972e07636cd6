//! `tootctl media usage` and `media remove`, which drops what is kept of other servers' files (UP:lib/mastodon/cli/media.rb).

use futures::{StreamExt, TryStreamExt, stream};
use tokio_postgres::{Client, Row};

use super::Refused;
use crate::command::Call;
use crate::config::Config;
use crate::media::{Attachment, MediaType, ORIGINAL, Upload, media_styles, profile_styles};
use crate::{net, storage};

/// At once, to a bucket.
const CONCURRENCY: usize = 8;

/// Sums of the `*_file_size` columns: (all, of local rows).
pub async fn usage(client: &Client) -> anyhow::Result<()> {
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
            Some(local) => println!("{what}:\t{} ({} local)", human_size(all), human_size(local)),
            None => println!("{what}:\t{}", human_size(all)),
        }
    }
    Ok(())
}

pub async fn remove(client: &Client, config: &Config, call: &Call) -> anyhow::Result<()> {
    let (prunes_profiles, removes_headers) = (call.has("prune-profiles"), call.has("remove-headers"));
    if prunes_profiles && removes_headers {
        return Err(Refused::because("--prune-profiles and --remove-headers should not be specified simultaneously"));
    }
    if call.has("include-follows") && !(prunes_profiles || removes_headers) {
        return Err(Refused::because("--include-follows can only be used with --prune-profiles or --remove-headers"));
    }
    let days = call.value("days").unwrap_or("7");
    let days: i32 = days.parse().map_err(|_| Refused::because(format!("Expected numeric value for '--days'; got {days:?}")))?;
    let suffix = super::dry_run_suffix(call);
    if prunes_profiles || removes_headers {
        let (visited, bytes) = remove_profiles(client, config, call, days).await?;
        println!("Visited {visited} accounts and removed profile media totaling {}{suffix}", human_size(bytes));
    } else {
        let (removed, bytes) = remove_attachments(client, config, call, days).await?;
        println!("Removed {removed} media attachments (approx. {}){suffix}", human_size(bytes));
    }
    Ok(())
}

async fn remove_attachments(client: &Client, config: &Config, call: &Call, days: i32) -> anyhow::Result<(usize, i64)> {
    // The column of thumbnails came with 4.6.
    let rows = client
        .query(
            "SELECT id, type, file_file_name, file_storage_schema_version, thumbnail_file_name,
                    (to_jsonb(media) ->> 'thumbnail_storage_schema_version')::integer,
                    (COALESCE(file_file_size, 0) + COALESCE(thumbnail_file_size, 0))::bigint
             FROM media_attachments media
             WHERE remote_url <> '' AND file_file_name IS NOT NULL
               AND created_at <= now() AT TIME ZONE 'utc' - make_interval(days => $1)",
            &[&days],
        )
        .await?;
    let bytes = rows.iter().map(|row| row.get::<_, i64>(6)).sum();
    if !call.has("dry-run") {
        delete(config, rows.iter().flat_map(attachment_keys).collect()).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        client
            .execute(
                "UPDATE media_attachments
                 SET file_file_name = NULL, file_content_type = NULL, file_file_size = NULL, file_updated_at = NULL,
                     thumbnail_file_name = NULL, thumbnail_content_type = NULL, thumbnail_file_size = NULL, thumbnail_updated_at = NULL,
                     updated_at = now() AT TIME ZONE 'utc'
                 WHERE id = ANY($1)",
                &[&ids],
            )
            .await?;
    }
    Ok((rows.len(), bytes))
}

fn attachment_keys(row: &Row) -> Vec<String> {
    let id = row.get(0);
    let is_cached = |column| row.get::<_, Option<i32>>(column).is_some_and(|version| version >= 1);
    let (file, thumbnail): (String, Option<String>) = (row.get(2), row.get(4));
    let upload = Upload { attachment: Attachment::MediaFile, id, file: &file, content_type: "", is_cached: is_cached(3) };
    let mut keys: Vec<String> = media_styles(MediaType::from_column(row.get(1))).iter().map(|style| upload.key(*style)).collect();
    if let Some(file) = thumbnail {
        let upload = Upload { attachment: Attachment::MediaThumbnail, id, file: &file, content_type: "", is_cached: is_cached(5) };
        keys.push(upload.key(ORIGINAL));
    }
    keys
}

/// Of people that nobody here follows or is followed by, unless told otherwise.
async fn remove_profiles(client: &Client, config: &Config, call: &Call, days: i32) -> anyhow::Result<(usize, i64)> {
    let rows = client
        .query(
            "SELECT id, header_file_name, header_content_type, header_storage_schema_version, COALESCE(header_file_size, 0)::bigint,
                    avatar_file_name, avatar_content_type, avatar_storage_schema_version, COALESCE(avatar_file_size, 0)::bigint,
                    EXISTS (SELECT FROM follows WHERE account_id = a.id OR target_account_id = a.id)
             FROM accounts a
             WHERE domain IS NOT NULL
               AND last_webfingered_at <= now() AT TIME ZONE 'utc' - make_interval(days => $1)
               AND updated_at <= now() AT TIME ZONE 'utc' - make_interval(days => $1)",
            &[&days],
        )
        .await?;
    let pictures = if call.has("remove-headers") { vec![HEADER] } else { vec![HEADER, AVATAR] };
    let mut bytes = 0;
    for (attachment, column, first) in pictures {
        let chosen = |row: &&Row| (call.has("include-follows") || !row.get::<_, bool>(9)) && row.get::<_, Option<&str>>(first).is_some();
        let chosen: Vec<&Row> = rows.iter().filter(chosen).collect();
        bytes += chosen.iter().map(|row| row.get::<_, i64>(first + 3)).sum::<i64>();
        if call.has("dry-run") {
            continue;
        }
        delete(config, chosen.iter().flat_map(|row| profile_keys(row, attachment, first)).collect()).await?;
        let ids: Vec<i64> = chosen.iter().map(|row| row.get(0)).collect();
        let sql = format!(
            "UPDATE accounts SET {column}_file_name = NULL, {column}_content_type = NULL, {column}_file_size = NULL,
                    {column}_updated_at = NULL, updated_at = now() AT TIME ZONE 'utc'
             WHERE id = ANY($1)"
        );
        client.execute(&sql, &[&ids]).await?;
    }
    Ok((rows.len(), bytes))
}

/// With the names of its columns, and the place of the first of them in a row.
const HEADER: (Attachment, &str, usize) = (Attachment::Header, "header", 1);
const AVATAR: (Attachment, &str, usize) = (Attachment::Avatar, "avatar", 5);

fn profile_keys(row: &Row, attachment: Attachment, first: usize) -> Vec<String> {
    let (file, content_type): (&str, Option<&str>) = (row.get(first), row.get(first + 1));
    let is_cached = row.get::<_, Option<i32>>(first + 2).is_some_and(|version| version >= 1);
    let content_type = content_type.unwrap_or_default();
    let upload = Upload { attachment, id: row.get(0), file, content_type, is_cached };
    profile_styles(content_type).iter().map(|style| upload.key(*style)).collect()
}

async fn delete(config: &Config, keys: Vec<String>) -> anyhow::Result<()> {
    let http = net::client(config.version, &config.identity.web_domain)?;
    let http = &http;
    stream::iter(keys)
        .map(|key| async move { storage::delete(http, &config.storage, &key).await })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    Ok(())
}

/// `number_to_human_size`: three digits that tell something.
fn human_size(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    match bytes {
        1 => return "1 Byte".to_owned(),
        ..1024 => return format!("{bytes} Bytes"),
        _ => {}
    }
    let power = usize::try_from(bytes.ilog2() / 10).unwrap_or_default().clamp(1, UNITS.len());
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = bytes as f64 / f64::from(1024_u16).powi(i32::try_from(power).unwrap_or_default());
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    let digits = if value >= 1000.0 { format!("{:.0}", (value / 10.0).round() * 10.0) } else { format!("{value:.decimals$}") };
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    format!("{digits} {}", UNITS[power - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of ActionView's documentation, and the edges.
    #[test]
    fn sizes_are_told_as_rails_tells_them() {
        for (bytes, told) in [
            (0, "0 Bytes"),
            (1, "1 Byte"),
            (1023, "1023 Bytes"),
            (1024, "1 KB"),
            (1234, "1.21 KB"),
            (12345, "12.1 KB"),
            (1_234_567, "1.18 MB"),
            (1_234_567_890, "1.15 GB"),
            (1_234_567_890_123, "1.12 TB"),
            (1023 * 1024, "1020 KB"),
            (524_288_000, "500 MB"),
        ] {
            assert_eq!(human_size(bytes), told);
        }
    }
}
