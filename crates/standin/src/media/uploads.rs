//! What Mastodon's models make of a file that a row names: its folder, and the variants beside it that Paperclip calls styles
//! (UP:app/models/concerns/account/{avatar,header}.rb, app/models/{media_attachment,custom_emoji,site_upload,preview_card_provider}.rb).

use super::partition;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    Avatar,
    Header,
    MediaFile,
    MediaThumbnail,
    EmojiImage,
    SiteFile,
    BackupDump,
    ImportData,
    CardImage,
    ProviderIcon,
}

impl Attachment {
    const fn folder(self) -> &'static str {
        match self {
            Self::Avatar => "accounts/avatars",
            Self::Header => "accounts/headers",
            Self::MediaFile => "media_attachments/files",
            Self::MediaThumbnail => "media_attachments/thumbnails",
            Self::EmojiImage => "custom_emojis/images",
            Self::SiteFile => "site_uploads/files",
            Self::BackupDump => "backups/dumps",
            Self::ImportData => "imports/data",
            Self::CardImage => "preview_cards/images",
            Self::ProviderIcon => "preview_card_providers/icons",
        }
    }
}

/// `media_attachments.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    Image = 0,
    Gifv = 1,
    Video = 2,
    Unknown = 3,
    Audio = 4,
}

impl MediaType {
    pub const fn from_column(number: i32) -> Self {
        match number {
            0 => Self::Image,
            1 => Self::Gifv,
            2 => Self::Video,
            4 => Self::Audio,
            _ => Self::Unknown,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub name: &'static str,
    /// Made as a PNG, whatever the file is.
    is_png: bool,
}

const fn same(name: &'static str) -> Style {
    Style { name, is_png: false }
}

const fn png(name: &'static str) -> Style {
    Style { name, is_png: true }
}

pub const ORIGINAL: Style = same("original");
/// Emojis, and the icons of preview cards' sites.
pub const WITH_STATIC: [Style; 2] = [ORIGINAL, png("static")];
const WITH_SMALL: [Style; 2] = [ORIGINAL, same("small")];
/// A still of what moves.
const WITH_STILL: [Style; 2] = [ORIGINAL, png("small")];
/// Apple's and Android's.
const APP_ICON_SIZES: [&str; 18] =
    ["57", "60", "72", "76", "114", "120", "144", "152", "167", "180", "1024", "36", "48", "96", "192", "256", "384", "512"];

/// Of avatars and headers: one that moves has a picture that does not.
pub fn profile_styles(content_type: &str) -> &'static [Style] {
    if content_type == "image/gif" { &WITH_STATIC } else { &[ORIGINAL] }
}

pub const fn media_styles(media_type: MediaType) -> &'static [Style] {
    match media_type {
        MediaType::Image => &WITH_SMALL,
        MediaType::Gifv | MediaType::Video => &WITH_STILL,
        MediaType::Audio | MediaType::Unknown => &[ORIGINAL],
    }
}

/// By `site_uploads.var`.
pub fn site_styles(var: &str) -> Vec<Style> {
    let further: Vec<Style> = match var {
        "thumbnail" => vec![png("@1x"), png("@2x")],
        "favicon" => ["16", "32", "48"].map(same).to_vec(),
        "app_icon" => APP_ICON_SIZES.map(same).to_vec(),
        _ => Vec::new(),
    };
    [vec![ORIGINAL], further].concat()
}

/// A file that a row names.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    pub attachment: Attachment,
    pub id: i64,
    pub file: &'a str,
    pub content_type: &'a str,
    /// Another server's, and stored since there is a place for those (`*_storage_schema_version`): it lies below `cache/`.
    pub is_cached: bool,
}

impl<'a> Upload<'a> {
    pub fn key(&self, style: Style) -> String {
        let cache = if self.is_cached { "cache/" } else { "" };
        format!("{cache}{}/{}/{}/{}", self.attachment.folder(), partition(self.id), style.name, self.name(style))
    }

    pub const fn content_type(&self, style: Style) -> &'a str {
        if style.is_png { "image/png" } else { self.content_type }
    }

    fn name(&self, style: Style) -> String {
        if style.is_png { format!("{}.png", stem(self.file)) } else { self.file.to_owned() }
    }
}

/// The name without its last extension, as Ruby's `File.extname` tells one.
fn stem(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => stem,
        _ => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(upload: Upload<'_>, styles: &[Style]) -> Vec<String> {
        styles.iter().map(|style| upload.key(*style)).collect()
    }

    #[test]
    fn keys_are_those_of_paperclip() {
        let upload = |attachment, id, file| Upload { attachment, id, file, content_type: "", is_cached: false };
        assert_eq!(upload(Attachment::Avatar, 42, "a.png").key(ORIGINAL), "accounts/avatars/000/000/042/original/a.png");
        assert_eq!(
            keys(upload(Attachment::MediaFile, 113_456_789_012_345_678, "clip.mp4"), media_styles(MediaType::Video)),
            [
                "media_attachments/files/113/456/789/012/345/678/original/clip.mp4",
                "media_attachments/files/113/456/789/012/345/678/small/clip.png"
            ]
        );
        assert_eq!(
            keys(upload(Attachment::SiteFile, 999_999_999, "a.b.jpeg"), &site_styles("thumbnail")),
            [
                "site_uploads/files/999/999/999/original/a.b.jpeg",
                "site_uploads/files/999/999/999/@1x/a.b.png",
                "site_uploads/files/999/999/999/@2x/a.b.png"
            ]
        );
        let remote = Upload { is_cached: true, ..upload(Attachment::EmojiImage, 1, "noextension") };
        assert_eq!(
            keys(remote, &WITH_STATIC),
            [
                "cache/custom_emojis/images/000/000/001/original/noextension",
                "cache/custom_emojis/images/000/000/001/static/noextension.png"
            ]
        );
    }

    #[test]
    fn a_style_that_is_a_png_says_so() {
        let upload = Upload { attachment: Attachment::Header, id: 1, file: "a.gif", content_type: "image/gif", is_cached: false };
        let types: Vec<&str> = profile_styles("image/gif").iter().map(|style| upload.content_type(*style)).collect();
        assert_eq!(types, ["image/gif", "image/png"]);
        assert_eq!(profile_styles("image/webp"), [ORIGINAL]);
        assert_eq!(site_styles("app_icon").len(), 19);
    }
}
