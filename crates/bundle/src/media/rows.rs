//! What the database says of media: which rows are the server's own.
//!
//! Tables are read by `COPY … TO STDOUT`, whole, and sorted out here. A `SELECT` would be planned, and the planner calls functions of the
//! database's owner that stand in a table's indexes (`… WHERE f(1)`); `COPY` of a table calls none but the output functions of its columns'
//! types, which are built-in ones, or the column counts as absent. What tables and columns there are is asked of the catalogue, with every
//! name and operator qualified. What is left to the session's owner: a read-only snapshot, and `row_security` off.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, pin_mut, stream::BoxStream};
use tokio_postgres::{
    GenericClient,
    binary_copy::{BinaryCopyOutRow, BinaryCopyOutStream},
    types::{FromSql, Type},
};

use super::{
    attachment::{Attachment, Hint},
    error::MediaError,
};

/// Columns of a table in the schema `public` that can be read without calling anything: not computed, of the types `bigint`, `integer`,
/// `text` and `varchar`.
const COLUMNS: &str = "SELECT a.attname::pg_catalog.text, a.atttypid FROM pg_catalog.pg_attribute a \
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
    WHERE n.nspname OPERATOR(pg_catalog.=) 'public' AND c.relname OPERATOR(pg_catalog.=) $1::pg_catalog.text \
    AND c.relkind OPERATOR(pg_catalog.=) 'r'::pg_catalog.\"char\" AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 \
    AND NOT a.attisdropped AND a.attgenerated OPERATOR(pg_catalog.=) ''::pg_catalog.\"char\" \
    AND a.atttypid OPERATOR(pg_catalog.=) ANY (ARRAY[20, 23, 25, 1043]::pg_catalog.oid[])";

type Column = (&'static str, Type);
type Rows = BoxStream<'static, Result<BinaryCopyOutRow, MediaError>>;

/// One attachment's table, as the database has it.
pub(super) struct Table {
    attachment: Attachment,
    /// What is read, in this order: `id`, the file's name, and what `at` says.
    columns: Vec<Column>,
    at: Places,
    /// Ids of the server's own accounts, ascending, where they decide.
    locals: Option<Vec<i64>>,
}

/// Where in a row its columns stand, but for the first two.
#[derive(Default)]
struct Places {
    remote: Option<usize>,
    account: Option<usize>,
    version: Option<usize>,
    hints: [Option<usize>; 2],
}

/// A row that names a file.
pub(super) struct Named<'a> {
    pub id: i64,
    pub file_name: &'a str,
    pub hints: [Hint<'a>; 2],
    pub owner: Owner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// This server.
    Own,
    /// Another, and the file lies where own ones do: it is older than `cache/`.
    Remote,
    /// Another, and the file lies below `cache/`.
    Cached,
}

/// Whose a row's file is. A domain is null for own rows, the address of a file is empty.
pub(super) fn owner(remote: Option<&str>, of_own_account: bool, version: Option<i64>) -> Owner {
    match version {
        _ if remote.is_none_or(str::is_empty) && of_own_account => Owner::Own,
        None | Some(0) => Owner::Remote,
        Some(_) => Owner::Cached,
    }
}

impl Table {
    /// None where this server's release has no such attachment.
    ///
    /// # Errors
    /// [`MediaError::Database`]; [`MediaError::Schema`] where the table is there and what tells own rows from others' isn't.
    pub(super) async fn find<C: GenericClient>(session: &C, attachment: Attachment) -> Result<Option<Self>, MediaError> {
        let table = attachment.table();
        let known = columns(session, table).await?;
        let Some(name) = known.get(attachment.column()) else { return Ok(None) };
        let mut columns = vec![need(&known, table, "id")?, (attachment.column(), name.clone())];
        let mut place = |column: Column| {
            columns.push(column);
            columns.len() - 1
        };
        let mut find = |column: Option<&'static str>| column.and_then(|it| Some((it, known.get(it)?.clone()))).map(&mut place);
        if let Some(column) = attachment.remote_column() {
            need(&known, table, column)?;
        }
        let at = Places {
            remote: find(attachment.remote_column()),
            account: find(attachment.account_column()),
            version: find(attachment.version_column()),
            hints: attachment.hint_columns().map(find),
        };
        let locals = if at.account.is_some() { locals(session).await? } else { None };
        Ok(Some(Self { attachment, columns, at, locals }))
    }

    /// Goes through its rows, in no order.
    ///
    /// # Errors
    /// [`MediaError::Database`].
    pub(super) async fn rows<C: GenericClient>(&self, session: &C) -> Result<Rows, MediaError> {
        copy(session, self.attachment.table(), &self.columns).await
    }

    /// What a row says; none where it names no file.
    ///
    /// # Errors
    /// [`MediaError::Database`].
    pub(super) fn named<'a>(&self, row: &'a BinaryCopyOutRow) -> Result<Option<Named<'a>>, MediaError> {
        let Some(file_name) = self.text(row, 1)?.filter(|it| !it.is_empty()) else { return Ok(None) };
        let Some(id) = self.number(row, 0)? else { return Ok(None) };
        let [first, second] = self.at.hints;
        let hints = [self.hint(row, first)?, self.hint(row, second)?];
        Ok(Some(Named { id, file_name, hints, owner: self.owner(row)? }))
    }

    fn owner(&self, row: &BinaryCopyOutRow) -> Result<Owner, MediaError> {
        let number = |at: Option<usize>| at.map_or(Ok(None), |it| self.number(row, it));
        let remote = self.at.remote.map_or(Ok(None), |it| self.text(row, it))?;
        let of_own_account = match (&self.locals, number(self.at.account)?) {
            (Some(locals), Some(account)) => locals.binary_search(&account).is_ok(),
            _ => true,
        };
        Ok(owner(remote, of_own_account, number(self.at.version)?))
    }

    fn hint<'a>(&self, row: &'a BinaryCopyOutRow, at: Option<usize>) -> Result<Hint<'a>, MediaError> {
        let Some(at) = at else { return Ok(Hint::None) };
        Ok(match self.columns[at].1 {
            Type::INT4 | Type::INT8 => self.number(row, at)?.map_or(Hint::None, Hint::Number),
            _ => self.text(row, at)?.map_or(Hint::None, Hint::Text),
        })
    }

    fn text<'a>(&self, row: &'a BinaryCopyOutRow, at: usize) -> Result<Option<&'a str>, MediaError> {
        cell(row, at, self.attachment.table())
    }

    fn number(&self, row: &BinaryCopyOutRow, at: usize) -> Result<Option<i64>, MediaError> {
        number(row, at, &self.columns[at].1, self.attachment.table())
    }
}

/// Ids of the accounts that are this server's; none where the database can't tell.
async fn locals<C: GenericClient>(session: &C) -> Result<Option<Vec<i64>>, MediaError> {
    const TABLE: &str = "accounts";
    let known = columns(session, TABLE).await?;
    let (Ok(id), Ok(domain)) = (need(&known, TABLE, "id"), need(&known, TABLE, "domain")) else { return Ok(None) };
    let of = id.1.clone();
    let rows = copy(session, TABLE, &[id, domain]).await?;
    pin_mut!(rows);
    let mut locals = Vec::new();
    while let Some(row) = rows.try_next().await? {
        if cell::<Option<&str>>(&row, 1, TABLE)?.is_none() {
            locals.extend(number(&row, 0, &of, TABLE)?);
        }
    }
    locals.sort_unstable();
    Ok(Some(locals))
}

async fn copy<C: GenericClient>(session: &C, table: &'static str, columns: &[Column]) -> Result<Rows, MediaError> {
    let failed = move |source| MediaError::Database { table, source };
    let names: Vec<_> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let sql = format!("COPY public.\"{table}\" ({}) TO STDOUT (FORMAT binary)", names.join(", "));
    let types: Vec<Type> = columns.iter().map(|(_, kind)| kind.clone()).collect();
    let out = session.client().copy_out(&sql).await.map_err(failed)?;
    Ok(BinaryCopyOutStream::new(out, &types).map_err(failed).boxed())
}

async fn columns<C: GenericClient>(session: &C, table: &'static str) -> Result<BTreeMap<String, Type>, MediaError> {
    let failed = |source| MediaError::Database { table, source };
    let mut columns = BTreeMap::new();
    for row in session.query(COLUMNS, &[&table]).await.map_err(failed)? {
        let (name, oid) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
        columns.extend(Type::from_oid(oid).map(|kind| (name, kind)));
    }
    Ok(columns)
}

fn need(known: &BTreeMap<String, Type>, table: &'static str, column: &'static str) -> Result<Column, MediaError> {
    let why = || format!("it has no plain column `{column}`, without which its own rows can't be told from other servers'");
    known.get(column).map(|kind| (column, kind.clone())).ok_or_else(|| MediaError::Schema { table, why: why() })
}

fn cell<'a, T: FromSql<'a>>(row: &'a BinaryCopyOutRow, at: usize, table: &'static str) -> Result<T, MediaError> {
    row.try_get(at).map_err(|source| MediaError::Database { table, source })
}

fn number(row: &BinaryCopyOutRow, at: usize, kind: &Type, table: &'static str) -> Result<Option<i64>, MediaError> {
    if *kind == Type::INT4 { Ok(cell::<Option<i32>>(row, at, table)?.map(i64::from)) } else { cell(row, at, table) }
}
