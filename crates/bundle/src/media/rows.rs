//! What the database says of media: which rows are the server's own.
//!
//! Every name is schema-qualified and every operator is `pg_catalog`'s, so that nothing that the database's owner made is called in their
//! place. Columns are those of its catalogue: plain ones of built-in types, or they count as absent. What is left to the session's owner: a
//! read-only snapshot, `search_path` without the schema `public`, and `row_security` off.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt, pin_mut};
use tokio_postgres::{GenericClient, Row, types::ToSql};

use super::{
    attachment::{Attachment, Styles},
    error::MediaError,
    own::{Own, OwnRow},
};

/// Columns of a plain table in the schema `public` that can be read without calling anything: not generated, of the types `bigint`,
/// `integer`, `text` and `varchar`.
const COLUMNS: &str = "SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a \
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
    WHERE n.nspname OPERATOR(pg_catalog.=) 'public' AND c.relname OPERATOR(pg_catalog.=) $1::pg_catalog.text \
    AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r','p']::pg_catalog.\"char\"[]) \
    AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped AND a.attgenerated OPERATOR(pg_catalog.=) ''::pg_catalog.\"char\" \
    AND a.atttypid OPERATOR(pg_catalog.=) ANY (ARRAY[20, 23, 25, 1043]::pg_catalog.oid[])";

/// One attachment's table, as the database has it.
pub(super) struct Table {
    attachment: Attachment,
    /// Column by column: SQL for a hint's text.
    hints: String,
    /// Says of a row `t` that it is the server's own.
    is_own: String,
}

/// What a row says of a file in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub file_name: String,
    pub hints: [Option<String>; 2],
}

impl Named {
    pub(super) fn hints(&self) -> [Option<&str>; 2] {
        [self.hints[0].as_deref(), self.hints[1].as_deref()]
    }
}

impl Table {
    /// None where this server's release has no such attachment.
    ///
    /// # Errors
    /// [`MediaError::Database`]; [`MediaError::Schema`] where the table is there and what tells own rows from others' isn't.
    pub(super) async fn find<C: GenericClient>(session: &C, attachment: Attachment) -> Result<Option<Self>, MediaError> {
        let columns = columns(session, attachment.table()).await?;
        if !columns.contains(attachment.column()) {
            return Ok(None);
        }
        let need = |column: &str| {
            let why = || format!("it has no plain column `{column}`, without which its own rows can't be told from other servers'");
            columns.contains(column).then_some(()).ok_or_else(|| MediaError::Schema { table: attachment.table(), why: why() })
        };
        need("id")?;
        let is_own = match attachment {
            Attachment::Avatars | Attachment::Headers | Attachment::Emojis => {
                need("domain")?;
                "t.\"domain\" IS NULL".to_owned()
            }
            Attachment::Files | Attachment::Thumbnails => {
                need("remote_url")?;
                let accounts = self::columns(session, "accounts").await?;
                let by_account = columns.contains("account_id") && accounts.contains("id") && accounts.contains("domain");
                let local = "t.\"remote_url\"::pg_catalog.text OPERATOR(pg_catalog.=) ''::pg_catalog.text";
                let of_remote = " AND NOT EXISTS (SELECT FROM public.\"accounts\" a \
                    WHERE a.\"id\" OPERATOR(pg_catalog.=) t.\"account_id\" AND a.\"domain\" IS NOT NULL)";
                format!("{local}{}", if by_account { of_remote } else { "" })
            }
            Attachment::SiteUploads | Attachment::Backups | Attachment::Imports => "true".to_owned(),
        };
        let hint = |column: Option<&str>| match column.filter(|it| columns.contains(*it)) {
            Some(column) => format!("t.\"{column}\"::pg_catalog.text"),
            None => "NULL::pg_catalog.text".to_owned(),
        };
        let hints = attachment.hint_columns().map(hint).join(", ");
        Ok(Some(Self { attachment, hints, is_own }))
    }

    /// Reads its own rows, one after another.
    ///
    /// # Errors
    /// [`MediaError::Database`], [`MediaError::Schema`].
    pub(super) async fn own<C: GenericClient>(&self, session: &C) -> Result<Own, MediaError> {
        let sql = format!("{} AND {} ORDER BY 1", self.select(), self.is_own);
        let rows = session.query_raw(&sql, std::iter::empty::<&(dyn ToSql + Sync)>()).await.map_err(|it| self.failed(it))?;
        pin_mut!(rows);
        let mut own = Own::new(self.attachment);
        while let Some(row) = rows.next().await {
            let row = row.map_err(|it| self.failed(it))?;
            let (id, named) = self.named(&row)?;
            let styles: Styles = self.attachment.styles(named.hints());
            if !own.push(&OwnRow { id, file_name: named.file_name, styles }) {
                return Err(MediaError::Schema { table: self.attachment.table(), why: format!("its ids are not in order around {id}") });
            }
        }
        tracing::debug!(folder = self.attachment.folder(), rows = own.len(), "own rows are known");
        Ok(own)
    }

    /// Of the rows with these ids: whether they are the server's own.
    ///
    /// # Errors
    /// [`MediaError::Database`].
    pub(super) async fn whose<C: GenericClient>(&self, session: &C, ids: &[i64]) -> Result<HashMap<i64, bool>, MediaError> {
        let sql = format!(
            "SELECT t.\"id\"::pg_catalog.int8, {} FROM public.\"{}\" t WHERE t.\"id\"::pg_catalog.int8 OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int8[])",
            self.is_own,
            self.attachment.table()
        );
        let rows = session.query(&sql, &[&ids]).await.map_err(|it| self.failed(it))?;
        rows.iter().map(|row| Ok((self.column(row, 0)?, self.column(row, 1)?))).collect()
    }

    /// What the rows with these ids name.
    ///
    /// # Errors
    /// [`MediaError::Database`].
    pub(super) async fn names<C: GenericClient>(&self, session: &C, ids: &[i64]) -> Result<HashMap<i64, Named>, MediaError> {
        let sql = format!("{} AND t.\"id\"::pg_catalog.int8 OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int8[])", self.select());
        let rows = session.query(&sql, &[&ids]).await.map_err(|it| self.failed(it))?;
        rows.iter().map(|row| self.named(row)).collect()
    }

    /// Rows that name a file: id, name, hints.
    fn select(&self) -> String {
        let (table, column) = (self.attachment.table(), self.attachment.column());
        format!(
            "SELECT t.\"id\"::pg_catalog.int8, t.\"{column}\"::pg_catalog.text, {hints} FROM public.\"{table}\" t \
             WHERE t.\"{column}\"::pg_catalog.text OPERATOR(pg_catalog.<>) ''::pg_catalog.text",
            hints = self.hints
        )
    }

    fn named(&self, row: &Row) -> Result<(i64, Named), MediaError> {
        let hints = [self.column(row, 2)?, self.column(row, 3)?];
        Ok((self.column(row, 0)?, Named { file_name: self.column(row, 1)?, hints }))
    }

    fn column<'a, T: tokio_postgres::types::FromSql<'a>>(&self, row: &'a Row, at: usize) -> Result<T, MediaError> {
        row.try_get(at).map_err(|it| self.failed(it))
    }

    fn failed(&self, source: tokio_postgres::Error) -> MediaError {
        MediaError::Database { table: self.attachment.table(), source }
    }
}

async fn columns<C: GenericClient>(session: &C, table: &'static str) -> Result<BTreeSet<String>, MediaError> {
    let failed = |source| MediaError::Database { table, source };
    let rows = session.query(COLUMNS, &[&table]).await.map_err(failed)?;
    rows.iter().map(|row| row.try_get(0).map_err(failed)).collect()
}
