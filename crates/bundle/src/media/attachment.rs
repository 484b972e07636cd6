//! What Mastodon attaches files to: folders, tables and styles, as its models define them (`has_attached_file` in `app/models/`).

/// One kind of attached file. Preview cards, their providers' icons and all below `cache/` are other servers', and have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attachment {
    Avatars,
    Headers,
    Files,
    Thumbnails,
    Emojis,
    SiteUploads,
    /// Archives that people asked for of their own account: only on request.
    Backups,
    /// Lists that people uploaded, of old releases: only on request.
    Imports,
}

impl Attachment {
    /// What every bundle has.
    pub const OWN: [Self; 6] = [Self::Avatars, Self::Headers, Self::Files, Self::Thumbnails, Self::Emojis, Self::SiteUploads];
    pub const ALL: [Self; 8] =
        [Self::Avatars, Self::Headers, Self::Files, Self::Thumbnails, Self::Emojis, Self::SiteUploads, Self::Backups, Self::Imports];

    /// `<class>/<attachment>`.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Avatars => "accounts/avatars",
            Self::Headers => "accounts/headers",
            Self::Files => "media_attachments/files",
            Self::Thumbnails => "media_attachments/thumbnails",
            Self::Emojis => "custom_emojis/images",
            Self::SiteUploads => "site_uploads/files",
            Self::Backups => "backups/dumps",
            Self::Imports => "imports/data",
        }
    }

    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Avatars | Self::Headers => "accounts",
            Self::Files | Self::Thumbnails => "media_attachments",
            Self::Emojis => "custom_emojis",
            Self::SiteUploads => "site_uploads",
            Self::Backups => "backups",
            Self::Imports => "imports",
        }
    }

    /// The column that names the file.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Avatars => "avatar_file_name",
            Self::Headers => "header_file_name",
            Self::Files | Self::SiteUploads => "file_file_name",
            Self::Thumbnails => "thumbnail_file_name",
            Self::Emojis => "image_file_name",
            Self::Backups => "dump_file_name",
            Self::Imports => "data_file_name",
        }
    }

    /// The column that says, of a row that is not this server's own, whose it is: null or empty for own ones.
    pub(super) const fn remote_column(self) -> Option<&'static str> {
        match self {
            Self::Avatars | Self::Headers | Self::Emojis => Some("domain"),
            Self::Files | Self::Thumbnails => Some("remote_url"),
            Self::SiteUploads | Self::Backups | Self::Imports => None,
        }
    }

    /// The column that names the account whose row it is.
    pub(super) const fn account_column(self) -> Option<&'static str> {
        match self {
            Self::Files | Self::Thumbnails => Some("account_id"),
            _ => None,
        }
    }

    /// The column that says that another server's file lies below `cache/`.
    pub(super) const fn version_column(self) -> Option<&'static str> {
        match self {
            Self::Avatars => Some("avatar_storage_schema_version"),
            Self::Headers => Some("header_storage_schema_version"),
            Self::Files => Some("file_storage_schema_version"),
            Self::Emojis => Some("image_storage_schema_version"),
            Self::Thumbnails | Self::SiteUploads | Self::Backups | Self::Imports => None,
        }
    }

    /// The columns that tell which styles there are.
    pub(super) const fn hint_columns(self) -> [Option<&'static str>; 2] {
        match self {
            Self::Avatars => [Some("avatar_content_type"), None],
            Self::Headers => [Some("header_content_type"), None],
            Self::Files => [Some("type"), Some("processing")],
            Self::SiteUploads => [Some("var"), None],
            Self::Thumbnails | Self::Emojis | Self::Backups | Self::Imports => [None, None],
        }
    }

    /// The styles that Mastodon makes of such a row's file.
    pub(super) fn styles(self, hints: [Hint<'_>; 2]) -> Styles {
        Styles::of(match (self, hints) {
            (Self::Avatars | Self::Headers, [Hint::Text("image/gif"), _]) | (Self::Emojis, _) => &["original", "static"],
            // Audio and what Mastodon doesn't know have no preview, and what is not processed yet may have none.
            (Self::Files, [IMAGE | GIFV | VIDEO, Hint::None | COMPLETE]) => &["original", "small"],
            (Self::SiteUploads, [Hint::Text("thumbnail"), _]) => &["original", "@1x", "@2x"],
            (Self::SiteUploads, [Hint::Text("favicon"), _]) => &["original", "16", "32", "48"],
            (Self::SiteUploads, [Hint::Text("app_icon"), _]) => &APP_ICON,
            _ => &["original"],
        })
    }

    /// What a style's file is called, for a row that names `file_name`: all styles but the original are PNG, except the small ones of images.
    pub(super) fn file_name(self, style: &str, file_name: &str, hints: [Hint<'_>; 2]) -> String {
        match (self, style, hints) {
            (_, "original", _) | (Self::Files, _, [IMAGE, _]) => file_name.to_owned(),
            _ => format!("{}.png", super::layout::stem(file_name)),
        }
    }
}

/// What a row says beside its file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint<'a> {
    None,
    Text(&'a str),
    Number(i64),
}

/// Values of `media_attachments.type` and `.processing`.
const IMAGE: Hint<'_> = Hint::Number(0);
const GIFV: Hint<'_> = Hint::Number(1);
const VIDEO: Hint<'_> = Hint::Number(2);
const COMPLETE: Hint<'_> = Hint::Number(2);

const APP_ICON: [&str; 19] =
    ["original", "36", "48", "57", "60", "72", "76", "96", "114", "120", "144", "152", "167", "180", "192", "256", "384", "512", "1024"];

/// Every style that is looked for; others are taken along where they are.
const STYLES: [&str; 25] = [
    "original", "small", "static", "@1x", "@2x", "16", "32", "36", "48", "57", "60", "72", "76", "96", "114", "120", "144", "152", "167",
    "180", "192", "256", "384", "512", "1024",
];

/// A set of styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Styles(pub(super) u32);

impl Styles {
    pub(super) fn of(names: &[&str]) -> Self {
        Self(names.iter().filter_map(|it| Self::bit(it)).fold(0, |set, bit| set | bit))
    }

    pub(super) fn bit(name: &str) -> Option<u32> {
        STYLES.iter().position(|it| *it == name).map(|place| 1 << place)
    }

    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        STYLES.iter().enumerate().filter(move |(place, _)| self.0 & (1 << place) != 0).map(|(_, name)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(attachment: Attachment, hint: Hint<'_>) -> Vec<&'static str> {
        attachment.styles([hint, Hint::None]).names().collect()
    }

    #[test]
    fn every_style_that_a_model_has_is_known() {
        assert_eq!(names(Attachment::SiteUploads, Hint::Text("app_icon")).len(), APP_ICON.len());
        assert_eq!(names(Attachment::SiteUploads, Hint::Text("thumbnail")), ["original", "@1x", "@2x"]);
        assert_eq!(names(Attachment::SiteUploads, Hint::Text("favicon")), ["original", "16", "32", "48"]);
        assert_eq!(names(Attachment::SiteUploads, Hint::Text("mascot")), ["original"]);
        assert_eq!(names(Attachment::Emojis, Hint::None), ["original", "static"]);
        assert_eq!(names(Attachment::Avatars, Hint::Text("image/gif")), ["original", "static"]);
        assert_eq!(names(Attachment::Headers, Hint::Text("image/jpeg")), ["original"]);
    }

    #[test]
    fn only_pictures_and_films_that_are_processed_have_a_small_one() {
        const QUEUED: Hint<'_> = Hint::Number(0);
        const FAILED: Hint<'_> = Hint::Number(3);
        const UNKNOWN: Hint<'_> = Hint::Number(3);
        const AUDIO: Hint<'_> = Hint::Number(4);
        for (hints, small) in [
            ([IMAGE, Hint::None], true),
            ([GIFV, COMPLETE], true),
            ([VIDEO, COMPLETE], true),
            ([VIDEO, QUEUED], false),
            ([VIDEO, FAILED], false),
            ([UNKNOWN, Hint::None], false),
            ([AUDIO, COMPLETE], false),
            ([Hint::None, Hint::None], false),
        ] {
            assert_eq!(Attachment::Files.styles(hints).names().any(|it| it == "small"), small, "{hints:?}");
        }
    }

    #[test]
    fn a_films_small_picture_is_a_png_and_an_images_is_of_its_kind() {
        assert_eq!(Attachment::Files.file_name("small", "ab.mp4", [VIDEO, COMPLETE]), "ab.png");
        assert_eq!(Attachment::Files.file_name("small", "ab.jpg", [IMAGE, COMPLETE]), "ab.jpg");
        assert_eq!(Attachment::Avatars.file_name("static", "ab.gif", [Hint::None; 2]), "ab.png");
        assert_eq!(Attachment::Avatars.file_name("original", "ab.gif", [Hint::None; 2]), "ab.gif");
    }
}
