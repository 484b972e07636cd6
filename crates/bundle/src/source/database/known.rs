//! What is known of Mastodon's tables, used as far as the database's own catalogue has it.

use super::catalogue::{Kind, Table};
use crate::format::Finding;
use crate::source::notice;

/// Columns that Active Record encrypts (UP:app/models/user.rb from 4.3 on, UP:app/models/keypair.rb from 4.7 on). A value that doesn't look
/// like one of its messages is no proof, and is left.
pub const ENCRYPTED: [(&str, &str); 2] = [("users", "otp_secret"), ("keypairs", "private_key")];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    LocalStatuses,
    LocalOnly,
    LocalMedia,
    MediaBytes,
    LegacyOtp,
}

/// A number that is asked of a table besides its rows.
pub struct Asked {
    pub table: &'static str,
    pub counted: Counted,
    /// What the expression reads.
    columns: Vec<(String, Kind)>,
    /// Gives an `int8`.
    pub sql: String,
    /// What it means where the columns are not there; nothing where releases without them are to be expected.
    missing: Option<&'static str>,
}

impl Asked {
    pub fn fits(&self, table: &Table) -> bool {
        table.plannable() && self.columns.iter().all(|(name, kind)| table.has(name, *kind))
    }

    /// That it can't be counted. A table with a booby trap has a finding of its own.
    pub fn finding(&self, table: &Table) -> Option<Finding> {
        let missing = self.missing.filter(|_| table.plannable())?;
        let columns: Vec<_> = self.columns.iter().filter(|(name, kind)| !table.has(name, *kind)).map(|(name, _)| name.as_str()).collect();
        let sentence = format!("the table {} has no column {} of Mastodon's type: {missing}", table.name, columns.join(", "));
        Some(notice(&table.name, "column_not_there", sentence))
    }
}

/// An attachment of Paperclip's, and which of its rows are the server's own.
struct Attachment {
    table: &'static str,
    name: &'static str,
    /// A column of text, and the condition on it.
    own: Option<(&'static str, &'static str)>,
    expected: bool,
}

const LOCAL: Option<(&str, &str)> = Some(("domain", "\"domain\" IS NULL"));
const UPLOADED: Option<(&str, &str)> = Some(("remote_url", "\"remote_url\" = ''"));

const ATTACHMENTS: [Attachment; 6] = [
    Attachment { table: "accounts", name: "avatar", own: LOCAL, expected: true },
    Attachment { table: "accounts", name: "header", own: LOCAL, expected: true },
    Attachment { table: "media_attachments", name: "file", own: UPLOADED, expected: true },
    // Since 3.2.
    Attachment { table: "media_attachments", name: "thumbnail", own: UPLOADED, expected: false },
    Attachment { table: "custom_emojis", name: "image", own: LOCAL, expected: true },
    Attachment { table: "site_uploads", name: "file", own: None, expected: true },
];

pub fn asked() -> Vec<Asked> {
    let mut asked = vec![
        Asked {
            table: "statuses",
            counted: Counted::LocalStatuses,
            // As `Status.local` (UP:app/models/status.rb).
            columns: vec![("local".to_owned(), Kind::Boolean), ("uri".to_owned(), Kind::Text)],
            sql: "pg_catalog.count(*) FILTER (WHERE \"local\" OR \"uri\" IS NULL)".to_owned(),
            missing: Some("this server's own posts are not counted"),
        },
        Asked {
            table: "statuses",
            counted: Counted::LocalOnly,
            columns: vec![("local_only".to_owned(), Kind::Boolean)],
            sql: "pg_catalog.count(*) FILTER (WHERE \"local_only\")".to_owned(),
            missing: None,
        },
        Asked {
            table: "users",
            counted: Counted::LegacyOtp,
            columns: vec![("encrypted_otp_secret".to_owned(), Kind::Text)],
            sql: "pg_catalog.count(*) FILTER (WHERE \"encrypted_otp_secret\" <> '')".to_owned(),
            missing: None,
        },
    ];
    asked.extend(ATTACHMENTS.iter().flat_map(of_attachment));
    asked
}

fn of_attachment(attachment: &Attachment) -> [Asked; 2] {
    let Attachment { table, name, own, expected } = *attachment;
    let file_name = format!("{name}_file_name");
    let condition = own.map(|(_, condition)| format!("{condition} AND ")).unwrap_or_default();
    let filter = format!("FILTER (WHERE {condition}\"{file_name}\" IS NOT NULL)");
    let mut columns: Vec<_> = own.map(|(column, _)| (column.to_owned(), Kind::Text)).into_iter().collect();
    columns.push((file_name, Kind::Text));
    let size = format!("{name}_file_size");
    let files = Asked {
        table,
        counted: Counted::LocalMedia,
        columns: columns.clone(),
        sql: format!("pg_catalog.count(*) {filter}"),
        missing: expected.then_some("its own files are not among the numbers expected"),
    };
    // Whatever the sizes say, their sum is a number that can be carried.
    let sum = format!("pg_catalog.sum(\"{size}\"::pg_catalog.int8) {filter}");
    columns.push((size, Kind::Integer));
    let bytes = Asked {
        table,
        counted: Counted::MediaBytes,
        columns,
        sql: format!("LEAST(GREATEST({sum}, 0), 9000000000000000000)::pg_catalog.int8"),
        missing: None,
    };
    [files, bytes]
}
