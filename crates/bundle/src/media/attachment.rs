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
    pub(super) fn styles(self, hints: [Option<&str>; 2]) -> Styles {
        let [first, second] = hints;
        match self {
            Self::Avatars | Self::Headers if first == Some("image/gif") => Styles::of(&["original", "static"]),
            // Audio and what Mastodon doesn't know have no preview, and what is not processed yet may have none.
            Self::Files if matches!(first, Some(IMAGE | GIFV | VIDEO)) && matches!(second, None | Some(COMPLETE)) => {
                Styles::of(&["original", "small"])
            }
            Self::Emojis => Styles::of(&["original", "static"]),
            Self::SiteUploads => Styles::of(match first {
                Some("thumbnail") => &["original", "@1x", "@2x"],
                Some("favicon") => &["original", "16", "32", "48"],
                Some("app_icon") => &APP_ICON,
                _ => &["original"],
            }),
            Self::Avatars | Self::Headers | Self::Files | Self::Thumbnails | Self::Backups | Self::Imports => Styles::of(&["original"]),
        }
    }

    /// What a style's file is called, for a row that names `file_name`: all styles but the original are PNG, except the small ones of images.
    pub(super) fn file_name(self, style: &str, file_name: &str, hints: [Option<&str>; 2]) -> String {
        match (self, style) {
            (_, "original") => file_name.to_owned(),
            (Self::Files, _) if hints[0] == Some(IMAGE) => file_name.to_owned(),
            _ => format!("{}.png", super::layout::stem(file_name)),
        }
    }
}

/// Values of `media_attachments.type` and `.processing`.
const IMAGE: &str = "0";
const GIFV: &str = "1";
const VIDEO: &str = "2";
const COMPLETE: &str = "2";

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

    fn names(attachment: Attachment, hints: [Option<&str>; 2]) -> Vec<&'static str> {
        attachment.styles(hints).names().collect()
    }

    #[test]
    fn every_style_that_a_model_has_is_known() {
        assert_eq!(names(Attachment::SiteUploads, [Some("app_icon"), None]).len(), APP_ICON.len());
        assert_eq!(names(Attachment::SiteUploads, [Some("thumbnail"), None]), ["original", "@1x", "@2x"]);
        assert_eq!(names(Attachment::SiteUploads, [Some("favicon"), None]), ["original", "16", "32", "48"]);
        assert_eq!(names(Attachment::SiteUploads, [Some("mascot"), None]), ["original"]);
        assert_eq!(names(Attachment::Emojis, [None, None]), ["original", "static"]);
        assert_eq!(names(Attachment::Avatars, [Some("image/gif"), None]), ["original", "static"]);
        assert_eq!(names(Attachment::Headers, [Some("image/jpeg"), None]), ["original"]);
    }

    #[test]
    fn only_pictures_and_films_that_are_processed_have_a_small_one() {
        for (hints, small) in [
            ([Some("0"), None], true),
            ([Some("1"), Some("2")], true),
            ([Some("2"), Some("2")], true),
            ([Some("2"), Some("0")], false),
            ([Some("2"), Some("3")], false),
            ([Some("3"), None], false),
            ([Some("4"), Some("2")], false),
            ([None, None], false),
        ] {
            assert_eq!(names(Attachment::Files, hints).contains(&"small"), small, "{hints:?}");
        }
    }

    #[test]
    fn a_films_small_picture_is_a_png_and_an_images_is_of_its_kind() {
        assert_eq!(Attachment::Files.file_name("small", "ab.mp4", [Some("2"), None]), "ab.png");
        assert_eq!(Attachment::Files.file_name("small", "ab.jpg", [Some("0"), None]), "ab.jpg");
        assert_eq!(Attachment::Avatars.file_name("static", "ab.gif", [Some("image/gif"), None]), "ab.png");
        assert_eq!(Attachment::Avatars.file_name("original", "ab.gif", [Some("image/gif"), None]), "ab.gif");
    }
}
