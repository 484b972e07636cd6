//! Media of posts: every type, with and without a thumbnail of its own, whole, half there and gone; and files that no row names.

use serde_json::json;
use tokio_postgres::Transaction;

use super::copy::{self, Cell, Table};
use super::dice::Dice;
use super::files::{Missing, Whose};
use super::plan::{Medium, signed};
use super::{Filling, words};
use crate::media::{Attachment, MediaType, ORIGINAL, Upload, media_styles};

const BATCH: u64 = 2_000;

/// What a row has of its file.
struct Content {
    media_type: MediaType,
    file: Option<String>,
    content_type: &'static str,
    bytes: u64,
    thumbnail: Option<String>,
}

/// Bytes of every thumbnail.
const THUMBNAIL: u64 = 7_000;

pub async fn fill(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    let known = copy::ids(transaction, "media_attachments").await?;
    let mut rows = Table::new(filling.catalogue, "media_attachments");
    for number in 0..filling.amounts.media {
        let medium = filling.amounts.medium(number);
        let is_new = !known.contains(&medium.id);
        let content = content(number, &medium);
        files(filling, number, &medium, &content, is_new);
        if is_new {
            row(filling, &mut rows, number, &medium, &content);
        }
        if number % BATCH == BATCH - 1 {
            filling.rows += std::mem::replace(&mut rows, Table::new(filling.catalogue, "media_attachments")).copy(transaction).await?;
            filling.files.write().await?;
        }
    }
    filling.rows += rows.copy(transaction).await?;
    Ok(filling.files.write().await?)
}

fn content(number: u64, medium: &Medium) -> Content {
    let mut dice = medium.dice.clone();
    let (media_type, extension, content_type) = kind(&mut dice);
    // Another server's that could not be fetched, or was too much: a row without a file.
    let is_absent = media_type == MediaType::Unknown && !(medium.owner.is_local() && dice.one_in(2));
    let bytes = if number % 250 == 249 { 2_000_000 + dice.below(4_000_000) } else { dice.file_size() };
    let has_thumbnail = matches!(media_type, MediaType::Video | MediaType::Audio) && dice.one_in(2);
    Content {
        media_type,
        file: (!is_absent).then(|| words::file_name(&mut dice, extension)),
        content_type,
        bytes,
        thumbnail: has_thumbnail.then(|| words::file_name(&mut dice, "png")),
    }
}

fn kind(dice: &mut Dice) -> (MediaType, &'static str, &'static str) {
    match dice.below(100) {
        0..45 => (MediaType::Image, "jpeg", "image/jpeg"),
        45..62 => (MediaType::Image, "png", "image/png"),
        62..68 => (MediaType::Image, "webp", "image/webp"),
        68..76 => (MediaType::Gifv, "mp4", "video/mp4"),
        76..84 => (MediaType::Video, "mp4", "video/mp4"),
        84..86 => (MediaType::Video, "webm", "video/webm"),
        86..94 => (MediaType::Audio, "mp3", "audio/mpeg"),
        94..96 => (MediaType::Audio, "ogg", "audio/ogg"),
        _ => (MediaType::Unknown, "bin", "application/octet-stream"),
    }
}

/// Every sixth of another server's is from before `cache/`.
const fn is_old(number: u64) -> bool {
    number % 6 == 5
}

fn missing(number: u64, medium: &Medium) -> Missing {
    match number % 53 {
        7 if medium.owner.is_local() => Missing::Original,
        19 if medium.owner.is_local() => Missing::Styles,
        31 if medium.owner.is_local() => Missing::All,
        _ => Missing::Nothing,
    }
}

fn files(filling: &mut Filling<'_>, number: u64, medium: &Medium, content: &Content, is_new: bool) {
    let whose = |is_cached| match (medium.owner.is_local(), is_cached) {
        (true, _) => Whose::Own,
        (false, true) => Whose::Cached,
        (false, false) => Whose::RemoteOutsideCache,
    };
    if let Some(file) = &content.file {
        let is_cached = !medium.owner.is_local() && !is_old(number);
        let upload = Upload { attachment: Attachment::MediaFile, id: medium.id, file, content_type: content.content_type, is_cached };
        let styles = media_styles(content.media_type);
        filling.files.upload(whose(is_cached), &upload, styles, content.bytes, missing(number, medium), is_new);
        if medium.owner.is_local() && number % 61 == 3 {
            // The name it had before it was made anew.
            let key = Upload { file: "before.jpeg", ..upload }.key(ORIGINAL);
            filling.files.file(Whose::Orphan, key, "image/jpeg", 2_000, is_new);
        }
    }
    if let Some(file) = &content.thumbnail {
        let is_cached = thumbnail_version(filling, number).is_some() && !medium.owner.is_local();
        let upload = Upload { attachment: Attachment::MediaThumbnail, id: medium.id, file, content_type: "image/png", is_cached };
        filling.files.upload(whose(is_cached), &upload, &[ORIGINAL], THUMBNAIL, Missing::Nothing, is_new);
    }
}

/// Without the column, which came with 4.6, thumbnails of other servers' media lie outside `cache/` (m#36910).
fn thumbnail_version(filling: &Filling<'_>, number: u64) -> Option<i64> {
    let has_column = filling.catalogue.has_column("media_attachments", "thumbnail_storage_schema_version");
    (has_column && !is_old(number)).then_some(1)
}

fn row(filling: &Filling<'_>, rows: &mut Table<'_>, number: u64, medium: &Medium, content: &Content) {
    let mut dice = filling.amounts.dice("media row", number);
    let is_local = medium.owner.is_local();
    let remote = |name: &str| if is_local { String::new() } else { format!("{}/media/{name}/{number}", medium.owner.uri("")) };
    let has_file = content.file.is_some();
    let of_file = |cell: Cell| if has_file { cell } else { Cell::Null };
    let of_thumbnail = |cell: Cell| if content.thumbnail.is_some() { cell } else { Cell::Null };
    rows.row([
        ("id", medium.id.into()),
        ("status_id", medium.post.as_ref().map(|post| post.id).into()),
        ("account_id", medium.owner.id.into()),
        ("type", (content.media_type as i64).into()),
        ("created_at", medium.at.into()),
        ("updated_at", medium.at.into()),
        ("shortcode", if is_local { dice.hex(19).into() } else { Cell::Null }),
        ("description", if dice.one_in(2) { words::text(&mut dice).chars().take(1_500).collect::<String>().into() } else { Cell::Null }),
        ("blurhash", of_file("UBL_:rOpGG-;~qRjWBay%MWBWBof-;WBWBay".into())),
        ("file_meta", of_file(meta(&mut dice, content.media_type))),
        ("processing", if content.media_type == MediaType::Image { Cell::Null } else { 2.into() }),
        ("remote_url", remote("original").into()),
        ("file_file_name", content.file.clone().into()),
        ("file_content_type", of_file(content.content_type.into())),
        ("file_file_size", of_file(signed(content.bytes).into())),
        ("file_updated_at", of_file(medium.at.into())),
        ("file_storage_schema_version", Some(1).filter(|_| !is_old(number)).into()),
        ("thumbnail_file_name", content.thumbnail.clone().into()),
        ("thumbnail_content_type", of_thumbnail("image/png".into())),
        ("thumbnail_file_size", of_thumbnail(signed(THUMBNAIL).into())),
        ("thumbnail_updated_at", of_thumbnail(medium.at.into())),
        ("thumbnail_remote_url", of_thumbnail(remote("thumbnail").into())),
        ("thumbnail_storage_schema_version", of_thumbnail(thumbnail_version(filling, number).into())),
    ]);
}

/// `json` keeps what was written, spaces and all.
fn meta(dice: &mut Dice, media_type: MediaType) -> Cell {
    if media_type == MediaType::Audio {
        return json!({"original": {"duration": 12.5, "bitrate": 192_000}, "colors": {"background": "#00ff00"}}).into();
    }
    let (width, height) = (200 + dice.below(1_000), 200 + dice.below(1_000));
    format!(
        "{{\"focus\" : {{\"x\": 0.5,\"y\":-0.25}},\n  \"original\":{{\"width\":{width},\"height\":{height},\"size\":\"{width}x{height}\"}},\
         \"small\":{{\"width\":400,\"height\":400,\"aspect\":1.0}}}}"
    )
    .into()
}
