//! What a dump's rows say of media, for a server whose database is not at hand: the same as `rows` reads of one.
//!
//! A dump is read once, front to end, and whether a file's row is the server's own may hang on an account that comes later. So what may be its
//! own is held, some 100 bytes a row, until all was read.

use std::collections::BTreeMap;

use super::attachment::{Attachment, Hint};
use super::rows::{Named, Owner, owner};

/// Rows of a dump that name files.
#[derive(Default)]
pub struct Dumped {
    /// Ids of the server's own accounts, ascending once all is read.
    locals: Vec<i64>,
    rows: BTreeMap<&'static str, Vec<DumpedRow>>,
    /// Own files and their bytes, as their rows say.
    own: (u64, u64),
}

pub(super) struct DumpedRow {
    id: i64,
    file_name: Box<str>,
    hints: [OwnedHint; 2],
    account: Option<i64>,
    bytes: u64,
    /// Until the accounts are known: what it would be as an own account's.
    owner: Owner,
    version: Option<i64>,
}

enum OwnedHint {
    None,
    Number(i64),
    Text(Box<str>),
}

impl DumpedRow {
    pub(super) fn named(&self) -> Named<'_> {
        let [first, second] = &self.hints;
        Named { id: self.id, file_name: &self.file_name, hints: [first.as_hint(), second.as_hint()], owner: self.owner }
    }
}

impl OwnedHint {
    /// A database has its type, a dump only its text: an attachment's kind and state are numbers, and nothing else is.
    fn of(attachment: Attachment, text: Option<&str>) -> Self {
        match (attachment, text) {
            (_, None) => Self::None,
            (Attachment::Files, Some(text)) => text.parse().map_or(Self::None, Self::Number),
            (_, Some(text)) => Self::Text(text.into()),
        }
    }

    fn as_hint(&self) -> Hint<'_> {
        match self {
            Self::None => Hint::None,
            Self::Number(number) => Hint::Number(*number),
            Self::Text(text) => Hint::Text(text),
        }
    }
}

/// Where in a table's rows the columns stand that matter here.
pub(crate) struct DumpedColumns {
    id: usize,
    /// Of the accounts alone.
    domain: Option<usize>,
    attachments: Vec<AttachmentColumns>,
}

struct AttachmentColumns {
    attachment: Attachment,
    name: usize,
    size: Option<usize>,
    remote: Option<usize>,
    account: Option<usize>,
    version: Option<usize>,
    hints: [Option<usize>; 2],
}

impl DumpedColumns {
    /// None for a table that names no files.
    ///
    /// # Errors
    /// The column without which its own rows can't be told from others'.
    pub(crate) fn of(table: &str, columns: &[String]) -> Result<Option<Self>, &'static str> {
        let at = |name: &str| columns.iter().position(|it| it == name);
        let mut attachments = Vec::new();
        for attachment in Attachment::OWN.into_iter().filter(|it| it.table() == table) {
            let Some(name) = at(attachment.column()) else { continue };
            let find = |column: Option<&'static str>| column.and_then(at);
            let remote = match attachment.remote_column() {
                Some(column) => Some(at(column).ok_or(column)?),
                None => None,
            };
            attachments.push(AttachmentColumns {
                attachment,
                name,
                size: at(&attachment.column().replace("_name", "_size")),
                remote,
                account: find(attachment.account_column()),
                version: find(attachment.version_column()),
                hints: attachment.hint_columns().map(find),
            });
        }
        let domain = if table == Attachment::Avatars.table() { Some(at("domain").ok_or("domain")?) } else { None };
        if attachments.is_empty() && domain.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { id: at("id").ok_or("id")?, domain, attachments }))
    }
}

impl Dumped {
    /// A row's columns.
    pub(crate) fn add(&mut self, columns: &DumpedColumns, row: &[Option<std::borrow::Cow<'_, str>>]) {
        let text = |at: usize| row.get(at).and_then(Option::as_deref);
        let number = |at: Option<usize>| at.and_then(text).and_then(|it| it.parse::<i64>().ok());
        let Some(id) = number(Some(columns.id)) else { return };
        if columns.domain.is_some_and(|it| text(it).is_none()) {
            self.locals.push(id);
        }
        for it in &columns.attachments {
            let Some(file_name) = text(it.name).filter(|it| !it.is_empty()) else { continue };
            let version = number(it.version);
            let owner = owner(it.remote.and_then(text), true, version);
            // Of those that lie below `cache/` there may be tens of millions.
            if owner == Owner::Cached {
                continue;
            }
            self.rows.entry(it.attachment.folder()).or_default().push(DumpedRow {
                id,
                file_name: file_name.into(),
                hints: it.hints.map(|at| OwnedHint::of(it.attachment, at.and_then(text))),
                account: number(it.account),
                bytes: number(it.size).and_then(|it| it.try_into().ok()).unwrap_or(0),
                owner,
                version,
            });
        }
    }

    /// All rows are there.
    pub(crate) fn finish(&mut self) {
        self.locals.sort_unstable();
        for row in self.rows.values_mut().flatten() {
            let of_own_account = row.account.is_none_or(|it| self.locals.binary_search(&it).is_ok());
            if row.owner == Owner::Own {
                row.owner = owner(None, of_own_account, row.version);
            }
            if row.owner == Owner::Own {
                self.own = (self.own.0 + 1, self.own.1.saturating_add(row.bytes));
            }
        }
    }

    pub(crate) const fn own(&self) -> (u64, u64) {
        self.own
    }

    pub(super) fn rows(&self, attachment: Attachment) -> &[DumpedRow] {
        self.rows.get(attachment.folder()).map_or(&[], Vec::as_slice)
    }
}
