//! Media as Paperclip lays it out, and the one file that the stand-in makes: an avatar for each new local account.

mod uploads;

use tokio_postgres::Client;

pub use uploads::{Attachment, MediaType, ORIGINAL, Style, Upload, WITH_STATIC, media_styles, profile_styles, site_styles};

use crate::config::Config;
use crate::crypto::random_hex;
use crate::storage::{self, Access, Object};

/// Ids below this are written with nine digits, others with twelve or more (Paperclip's `:id_partition`).
const WIDE_FROM: i64 = 1_000_000_000;

const AVATAR_TYPE: &str = "image/png";
/// A picture of one pixel.
const AVATAR: [u8; 68] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
    0x00, 0x01, 0x08, 0x04, 0x00, 0x00, 0x00, 0xb5, 0x1c, 0x0c, 0x02, 0x00, 0x00, 0x00, 0x0b, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63,
    0x64, 0x60, 0x00, 0x00, 0x00, 0x06, 0x00, 0x02, 0x30, 0x81, 0xd0, 0x2f, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42,
    0x60, 0x82,
];

fn partition(id: i64) -> String {
    let digits = if id < WIDE_FROM { format!("{id:09}") } else { format!("{id:012}") };
    let threes: Vec<&str> = digits.as_bytes().chunks_exact(3).map(|three| std::str::from_utf8(three).unwrap_or_default()).collect();
    threes.join("/")
}

/// Where other servers find the avatar of a local account, and what it is.
pub fn avatar(config: &Config, account: i64, file: &str) -> (&'static str, String) {
    let key = Upload { attachment: Attachment::Avatar, id: account, file, content_type: "", is_cached: false }.key(ORIGINAL);
    let content_type = match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("gif") => "image/gif",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        _ => AVATAR_TYPE,
    };
    (content_type, storage::url(&config.storage, &config.identity.web_domain, &key))
}

/// Stores an avatar and names it in the account's row: the file first, so that no row names what is not there.
pub async fn give_avatar(http: &reqwest::Client, client: &Client, config: &Config, account: i64) -> anyhow::Result<()> {
    let file = format!("{}.png", random_hex(8));
    let upload = Upload { attachment: Attachment::Avatar, id: account, file: &file, content_type: AVATAR_TYPE, is_cached: false };
    let object = Object { key: &upload.key(ORIGINAL), content_type: AVATAR_TYPE, access: Access::Usual };
    storage::put(http, &config.storage, &object, AVATAR.to_vec()).await?;
    let size = i32::try_from(AVATAR.len())?;
    client
        .execute(
            "UPDATE accounts SET avatar_file_name = $2, avatar_content_type = $3, avatar_file_size = $4,
                    avatar_updated_at = now() AT TIME ZONE 'utc', avatar_storage_schema_version = 1
             WHERE id = $1 AND avatar_file_name IS NULL",
            &[&account, &file, &AVATAR_TYPE, &size],
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_in_threes() {
        assert_eq!(partition(42), "000/000/042");
        assert_eq!(partition(999_999_999), "999/999/999");
        assert_eq!(partition(1_000_000_000), "001/000/000/000");
        assert_eq!(partition(113_456_789_012_345_678), "113/456/789/012/345/678");
    }

    #[test]
    fn the_avatar_is_a_png() {
        assert_eq!(&AVATAR[1..4], b"PNG");
        assert_eq!(&AVATAR[64..], [0xae, 0x42, 0x60, 0x82]);
    }
}
