//! What the server itself has files of: emojis, its own pictures, people's archives, uploaded lists, cards of links; and strays.

use tokio_postgres::Transaction;

use super::copy::{self, Cell, Table};
use super::files::{Missing, Whose};
use super::plan::{FIRST_ID, signed};
use super::{Filling, words};
use crate::media::{Attachment, ORIGINAL, Upload, WITH_STATIC, site_styles};

const EMOJIS: u64 = 24;
const SITE_UPLOADS: [(&str, &str); 4] = [("thumbnail", "jpeg"), ("mascot", "png"), ("favicon", "png"), ("app_icon", "png")];
const BACKUPS: u64 = 3;
const IMPORTS: u64 = 4;
const CARDS: u64 = 20;

pub async fn fill(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    emojis(filling, transaction).await?;
    site_uploads(filling, transaction).await?;
    backups(filling, transaction).await?;
    imports(filling, transaction).await?;
    cards(filling, transaction).await?;
    strays(filling);
    Ok(filling.files.write().await?)
}

/// Every second is another server's.
async fn emojis(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    let known = copy::ids(transaction, "custom_emojis").await?;
    let mut rows = Table::new(filling.catalogue, "custom_emojis");
    for number in 0..EMOJIS {
        let id = FIRST_ID + signed(number);
        let mut dice = filling.amounts.dice("emoji", number);
        let is_local = number % 2 == 0;
        let is_old = number % 12 == 11;
        let (extension, content_type) = if number % 3 == 0 { ("gif", "image/gif") } else { ("png", "image/png") };
        let (file, bytes) = (words::file_name(&mut dice, extension), dice.file_size() / 4);
        let whose = match (is_local, is_old) {
            (true, _) => Whose::Own,
            (false, true) => Whose::RemoteOutsideCache,
            (false, false) => Whose::Cached,
        };
        let is_cached = whose == Whose::Cached;
        let missing = if number == 10 { Missing::Styles } else { Missing::Nothing };
        let upload = Upload { attachment: Attachment::EmojiImage, id, file: &file, content_type, is_cached };
        filling.files.upload(whose, &upload, &WITH_STATIC, bytes, missing, !known.contains(&id));
        if known.contains(&id) {
            continue;
        }
        let at = filling.amounts.post(number).at;
        let domain = (!is_local).then(|| words::domain(number));
        rows.row([
            ("id", id.into()),
            ("shortcode", format!("blob_{number}").into()),
            ("domain", domain.into()),
            ("uri", domain.map(|domain| format!("https://{domain}/emojis/{number}")).into()),
            ("image_file_name", file.as_str().into()),
            ("image_content_type", content_type.into()),
            ("image_file_size", signed(bytes).into()),
            ("image_updated_at", at.into()),
            ("image_remote_url", domain.map(|domain| format!("https://{domain}/emojis/{number}.{extension}")).into()),
            ("image_storage_schema_version", Some(1).filter(|_| !is_old).into()),
            ("created_at", at.into()),
            ("updated_at", at.into()),
        ]);
    }
    filling.rows += rows.copy(transaction).await?;
    Ok(())
}

async fn site_uploads(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    let known = copy::ids(transaction, "site_uploads").await?;
    let mut rows = Table::new(filling.catalogue, "site_uploads");
    for (id, (var, extension)) in (FIRST_ID..).zip(SITE_UPLOADS) {
        let mut dice = filling.amounts.dice("site upload", id.unsigned_abs());
        let content_type = if extension == "png" { "image/png" } else { "image/jpeg" };
        let (file, bytes) = (words::file_name(&mut dice, extension), dice.file_size());
        let upload = Upload { attachment: Attachment::SiteFile, id, file: &file, content_type, is_cached: false };
        filling.files.upload(Whose::Own, &upload, &site_styles(var), bytes, Missing::Nothing, !known.contains(&id));
        if known.contains(&id) {
            continue;
        }
        let at = filling.amounts.post(0).at;
        rows.row([
            ("id", id.into()),
            ("var", var.into()),
            ("file_file_name", file.as_str().into()),
            ("file_content_type", content_type.into()),
            ("file_file_size", signed(bytes).into()),
            ("file_updated_at", at.into()),
            ("meta", "{ \"width\": 1200,  \"height\": 630 }".into()),
            ("created_at", at.into()),
            ("updated_at", at.into()),
        ]);
    }
    filling.rows += rows.copy(transaction).await?;
    Ok(())
}

/// Archives that people asked for; the last is being made.
async fn backups(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    let known = copy::ids(transaction, "backups").await?;
    let mut rows = Table::new(filling.catalogue, "backups");
    for number in 0..BACKUPS {
        let id = FIRST_ID + signed(number);
        let mut dice = filling.amounts.dice("backup", number);
        let is_ready = number + 1 < BACKUPS;
        let (file, bytes) = (format!("archive-20230401-{}.zip", dice.hex(32)), 300_000 + dice.below(2_000_000));
        if is_ready {
            let upload = Upload { attachment: Attachment::BackupDump, id, file: &file, content_type: "application/zip", is_cached: false };
            filling.files.upload(Whose::OnRequest, &upload, &[ORIGINAL], bytes, Missing::Nothing, !known.contains(&id));
        }
        if known.contains(&id) {
            continue;
        }
        let at = filling.amounts.post(number).at;
        let if_ready = |cell: Cell| if is_ready { cell } else { Cell::Null };
        rows.row([
            ("id", id.into()),
            ("user_id", (FIRST_ID + signed(number % filling.amounts.accounts)).into()),
            ("dump_file_name", if_ready(file.into())),
            ("dump_content_type", if_ready("application/zip".into())),
            ("dump_file_size", if_ready(signed(bytes).into())),
            ("dump_updated_at", if_ready(at.into())),
            ("processed", is_ready.into()),
            ("created_at", at.into()),
            ("updated_at", at.into()),
        ]);
    }
    filling.rows += rows.copy(transaction).await?;
    Ok(())
}

/// Only 4.3 still has the table.
async fn imports(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    if !filling.catalogue.has("imports") {
        return Ok(());
    }
    let known = copy::ids(transaction, "imports").await?;
    let mut rows = Table::new(filling.catalogue, "imports");
    for number in 0..IMPORTS {
        let id = FIRST_ID + signed(number);
        let mut dice = filling.amounts.dice("import", number);
        let (file, bytes) = (format!("{}.csv", dice.hex(16)), 2_000 + dice.below(5_000));
        let upload = Upload { attachment: Attachment::ImportData, id, file: &file, content_type: "text/csv", is_cached: false };
        filling.files.upload(Whose::OnRequest, &upload, &[ORIGINAL], bytes, Missing::Nothing, !known.contains(&id));
        if known.contains(&id) {
            continue;
        }
        let at = filling.amounts.post(number).at;
        rows.row([
            ("id", id.into()),
            ("type", signed(number).into()),
            ("data_file_name", file.into()),
            ("data_content_type", "text/csv".into()),
            ("data_file_size", signed(bytes).into()),
            ("data_updated_at", at.into()),
            ("account_id", filling.amounts.local(number % filling.amounts.accounts).id.into()),
            ("created_at", at.into()),
            ("updated_at", at.into()),
        ]);
    }
    filling.rows += rows.copy(transaction).await?;
    Ok(())
}

/// Pictures of links are never the server's own, and the icons of their sites lie outside `cache/` for want of a column.
async fn cards(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    let known = copy::ids(transaction, "preview_cards").await?;
    let (mut cards, mut sites) = (Table::new(filling.catalogue, "preview_cards"), Table::new(filling.catalogue, "preview_card_providers"));
    for number in 0..CARDS {
        let id = FIRST_ID + signed(number);
        let mut dice = filling.amounts.dice("card", number);
        let is_old = number % 4 == 3;
        let (file, bytes) = (words::file_name(&mut dice, "jpg"), dice.file_size());
        let image = Upload { attachment: Attachment::CardImage, id, file: &file, content_type: "image/jpeg", is_cached: !is_old };
        let icon = Upload { attachment: Attachment::ProviderIcon, id, file: "icon.ico", content_type: "image/x-icon", is_cached: false };
        let whose = if is_old { Whose::RemoteOutsideCache } else { Whose::Cached };
        let is_new = !known.contains(&id);
        filling.files.upload(whose, &image, &[ORIGINAL], bytes, Missing::Nothing, is_new);
        filling.files.upload(Whose::RemoteOutsideCache, &icon, &WITH_STATIC, 1_100, Missing::Nothing, is_new);
        if !is_new {
            continue;
        }
        let at = filling.amounts.post(number).at;
        cards.row([
            ("id", id.into()),
            ("url", format!("https://news{number}.example/article?id=1#é").into()),
            ("title", words::awkward(number).into()),
            ("description", words::text(&mut dice).into()),
            ("image_file_name", file.as_str().into()),
            ("image_content_type", "image/jpeg".into()),
            ("image_file_size", signed(bytes).into()),
            ("image_updated_at", at.into()),
            ("image_storage_schema_version", Some(1).filter(|_| !is_old).into()),
            ("max_score", "1.5e-07".into()),
            ("created_at", at.into()),
            ("updated_at", at.into()),
        ]);
        sites.row([
            ("id", id.into()),
            ("domain", format!("news{number}.example").into()),
            ("icon_file_name", "icon.ico".into()),
            ("icon_content_type", "image/x-icon".into()),
            ("icon_file_size", 1_100.into()),
            ("icon_updated_at", at.into()),
            ("created_at", at.into()),
            ("updated_at", at.into()),
        ]);
    }
    filling.rows += cards.copy(transaction).await? + sites.copy(transaction).await?;
    Ok(())
}

/// Files that no row names: of rows that are gone, out of place, empty.
fn strays(filling: &mut Filling<'_>) {
    let is_new = filling.rows > 0;
    for number in 0..6 {
        let gone = Upload {
            attachment: [Attachment::Avatar, Attachment::MediaFile, Attachment::EmojiImage][number % 3],
            id: 777_000_000 + signed(number as u64),
            file: "gone.png",
            content_type: "image/png",
            is_cached: false,
        };
        filling.files.file(Whose::Orphan, gone.key(ORIGINAL), "image/png", 1_000, is_new);
    }
    for (key, bytes) in
        [("media_attachments/files/stray.bin", 10), ("accounts/avatars/000/000/stray.png", 10), ("site_uploads/files/empty", 0)]
    {
        filling.files.file(Whose::Orphan, key.to_owned(), "application/octet-stream", bytes, is_new);
    }
}
