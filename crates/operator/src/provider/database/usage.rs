//! How much a server holds: its database, its own media and the media it caches of others, its users.
//!
//! Media is summed from the `*_file_size` columns, as many of them as this version of Mastodon has: listing a bucket costs
//! money and time. A preview card is never a local record; the icon of its provider can be fetched anew.

use std::collections::HashSet;
use std::time::Duration;

use secrecy::SecretString;

use super::session::{Session, failed};
use super::{DatabaseError, DatabaseServerSettings};

/// A statement may read a table of many millions of rows, once an hour.
const STATEMENT_LIMIT: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(180);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub database_bytes: i64,
    /// Of local records: cannot be had again from anywhere.
    pub own_media_bytes: i64,
    pub cached_media_bytes: i64,
    /// Confirmed local users.
    pub users: i64,
}

/// Which rows of a table are the server's own.
enum Own {
    All,
    Nothing,
    WhereNull(&'static str),
    WhereEmpty(&'static str),
}

impl Own {
    fn column(&self) -> Option<&'static str> {
        match self {
            Self::All | Self::Nothing => None,
            Self::WhereNull(column) | Self::WhereEmpty(column) => Some(column),
        }
    }

    fn condition(&self) -> String {
        match self {
            Self::All => "true".to_owned(),
            Self::Nothing => "false".to_owned(),
            Self::WhereNull(column) => format!("{column} IS NULL"),
            Self::WhereEmpty(column) => format!("{column} = ''"),
        }
    }
}

struct MediaTable {
    name: &'static str,
    sizes: &'static [&'static str],
    own: Own,
}

const MEDIA: [MediaTable; 7] = [
    MediaTable { name: "accounts", sizes: &["avatar_file_size", "header_file_size"], own: Own::WhereNull("domain") },
    MediaTable { name: "media_attachments", sizes: &["file_file_size", "thumbnail_file_size"], own: Own::WhereEmpty("remote_url") },
    MediaTable { name: "custom_emojis", sizes: &["image_file_size"], own: Own::WhereNull("domain") },
    MediaTable { name: "preview_cards", sizes: &["image_file_size"], own: Own::Nothing },
    MediaTable { name: "preview_card_providers", sizes: &["icon_file_size"], own: Own::Nothing },
    MediaTable { name: "site_uploads", sizes: &["file_file_size"], own: Own::All },
    MediaTable { name: "backups", sizes: &["dump_file_size"], own: Own::All },
];

pub(super) async fn usage(settings: &DatabaseServerSettings, name: &str, password: &SecretString) -> Result<Usage, DatabaseError> {
    super::within(LIMIT, name, async {
        let session = Session::tenant(settings, name, password, STATEMENT_LIMIT).await?;
        let columns = columns(&session, name).await?;
        let size = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
        let database_bytes = session.query_one(size, &[]).await.map_err(failed("measure", name))?.get(0);
        let mut usage = Usage { database_bytes, ..Usage::default() };
        for sql in MEDIA.iter().filter_map(|table| table.sums(&columns)) {
            let row = session.query_one(&sql, &[]).await.map_err(failed("sum up the media of", name))?;
            usage.own_media_bytes = usage.own_media_bytes.saturating_add(row.get(0));
            usage.cached_media_bytes = usage.cached_media_bytes.saturating_add(row.get(1));
        }
        if columns.contains(&("users".to_owned(), "confirmed_at".to_owned())) {
            let count = "SELECT pg_catalog.count(*) FROM public.users WHERE confirmed_at IS NOT NULL";
            usage.users = session.query_one(count, &[]).await.map_err(failed("count the users of", name))?.get(0);
        }
        Ok(usage)
    })
    .await
}

impl MediaTable {
    /// Own and cached bytes; `None` where this database has no such table.
    fn sums(&self, columns: &HashSet<(String, String)>) -> Option<String> {
        let has = |column: &str| columns.contains(&(self.name.to_owned(), column.to_owned()));
        if !self.own.column().is_none_or(has) {
            return None;
        }
        let sizes: Vec<_> =
            self.sizes.iter().filter(|it| has(it)).map(|it| format!("greatest(coalesce({it}, 0), 0)::pg_catalog.numeric")).collect();
        if sizes.is_empty() {
            return None;
        }
        let sum = |which: &str| {
            let (bytes, condition) = (sizes.join(" + "), self.own.condition());
            let sum = format!("coalesce(pg_catalog.sum({bytes}) FILTER (WHERE ({condition}) IS {which}), 0)");
            format!("least({sum}, 9000000000000000000)::pg_catalog.int8")
        };
        Some(format!("SELECT {}, {} FROM public.{}", sum("TRUE"), sum("NOT TRUE"), self.name))
    }
}

/// Table and column of every plain table in `public` that is asked about.
async fn columns(session: &Session, name: &str) -> Result<HashSet<(String, String)>, DatabaseError> {
    let sql = "SELECT c.relname::pg_catalog.text, a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a \
               JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
               AND c.relname::pg_catalog.text = ANY ($1)";
    let tables: Vec<&str> = MEDIA.iter().map(|it| it.name).chain(["users"]).collect();
    let rows = session.query(sql, &[&tables]).await.map_err(failed("read the columns of", name))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
