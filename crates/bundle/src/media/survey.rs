//! What the store lists against what the database says.

use std::collections::VecDeque;

use futures::{Stream, StreamExt, TryStreamExt, stream, stream::BoxStream};
use tokio_postgres::{Client, binary_copy::BinaryCopyOutRow};

use super::{
    attachment::Attachment,
    dumped::{Dumped, DumpedRow},
    error::MediaError,
    layout::{self, Place},
    listed::{Entry, Listed, Skipped, WhySkipped},
    own::Own,
    rows::{Named, Owner, Table},
    store::Store,
};
use crate::format::MissingMedia;

/// One thing that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surveyed {
    /// To be taken along.
    Own(Listed),
    /// To be left.
    Other(Listed, Whose),
    Skipped(Skipped),
    /// A row of the server's own names it, and it isn't there.
    Missing(MissingMedia),
}

/// Whose a file is that no row of the server's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The row is another server's account, post or emoji: the file is older than `cache/`. On a server that has more than a million of
    /// those, also of a row that there isn't.
    Remote,
    /// The row is the server's own and names another file: this one is of before it was replaced.
    Replaced,
    /// No row names it there, or it lies where Mastodon puts none.
    Nobody,
}

/// What says which rows name files.
#[derive(Clone, Copy)]
pub enum RowsOf<'a> {
    /// A transaction that sees one snapshot, with `row_security` off; nothing that the database's owner made is called.
    Database(&'a Client),
    Dump(&'a Dumped),
}

/// Goes through one attachment after another: reads its rows, lists its folder, says whose each file is, then which files are missing.
/// Every file is listed once, and comes once. In a database that is served meanwhile, a file that was uploaded after the session's snapshot
/// is [`Whose::Nobody`]'s: a later pass takes it.
///
/// Without a store all files are missing.
///
/// Memory: 20 bytes for each own row of the attachment, 8 for each own account, 8 MB at most for other servers' rows, a page of the listing.
pub fn survey<'a>(
    store: Option<&'a Store>,
    rows: RowsOf<'a>,
    attachments: &[Attachment],
) -> impl Stream<Item = Result<Surveyed, MediaError>> + 'a {
    let attachments = attachments.iter().copied().collect();
    let survey = Survey { store, rows, attachments, folder: None, ready: VecDeque::new() };
    stream::try_unfold(survey, |mut survey| async move { Ok(survey.next().await?.map(|it| (it, survey))) })
}

struct Survey<'a> {
    store: Option<&'a Store>,
    rows: RowsOf<'a>,
    attachments: VecDeque<Attachment>,
    /// The one that is gone through now.
    folder: Option<Folder<'a>>,
    ready: VecDeque<Surveyed>,
}

struct Folder<'a> {
    attachment: Attachment,
    table: Found<'a>,
    own: Own,
    stage: Stage<'a>,
}

/// An attachment's rows.
enum Found<'a> {
    Database(Table, &'a Client),
    Dump(&'a [DumpedRow]),
}

enum Stage<'a> {
    Listing(BoxStream<'static, Result<Entry, MediaError>>),
    /// The rows once more, for the names of what was not there.
    Missing(BoxStream<'static, Result<BinaryCopyOutRow, MediaError>>),
    MissingOfDump(std::slice::Iter<'a, DumpedRow>),
}

impl Survey<'_> {
    async fn next(&mut self) -> Result<Option<Surveyed>, MediaError> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(Some(ready));
            }
            let Some(folder) = &mut self.folder else {
                let Some(attachment) = self.attachments.pop_front() else { return Ok(None) };
                self.folder = Folder::begin(self.store, self.rows, attachment).await?;
                continue;
            };
            if !folder.step(&mut self.ready).await? {
                self.folder = None;
            }
        }
    }
}

impl<'a> Folder<'a> {
    async fn begin(store: Option<&Store>, rows: RowsOf<'a>, attachment: Attachment) -> Result<Option<Self>, MediaError> {
        let mut own = Own::default();
        let mut add = |named: Named<'_>| match named.owner {
            Owner::Own => own.add(named.id, named.file_name, attachment.styles(named.hints)),
            Owner::Remote => own.add_remote(named.id),
            Owner::Cached => {}
        };
        let table = match rows {
            RowsOf::Dump(dumped) => {
                let rows = dumped.rows(attachment);
                rows.iter().for_each(|it| add(it.named()));
                Found::Dump(rows)
            }
            RowsOf::Database(session) => {
                let Some(table) = Table::find(session, attachment).await? else {
                    tracing::debug!(folder = attachment.folder(), "this release has no such attachment");
                    return Ok(None);
                };
                let mut rows = table.rows(session).await?;
                while let Some(row) = rows.try_next().await? {
                    table.named(&row)?.into_iter().for_each(&mut add);
                }
                Found::Database(table, session)
            }
        };
        own.sort();
        let listed = store.map_or_else(|| stream::empty().boxed(), |it| it.list(&format!("{}/", attachment.folder())));
        Ok(Some(Self { attachment, table, own, stage: Stage::Listing(listed) }))
    }

    /// Whether there is more to come.
    async fn step(&mut self, ready: &mut VecDeque<Surveyed>) -> Result<bool, MediaError> {
        match &mut self.stage {
            Stage::Listing(entries) => match entries.try_next().await? {
                Some(Entry::File(listed)) => ready.push_back(self.judge(listed)),
                Some(Entry::Skipped(skipped)) => ready.push_back(Surveyed::Skipped(skipped)),
                None if !self.own.misses_any() => return Ok(false),
                None => {
                    self.stage = match &self.table {
                        Found::Database(table, session) => Stage::Missing(table.rows(*session).await?),
                        Found::Dump(rows) => Stage::MissingOfDump(rows.iter()),
                    }
                }
            },
            Stage::Missing(rows) => {
                let (Some(row), Found::Database(table, _)) = (rows.try_next().await?, &self.table) else { return Ok(false) };
                table.named(&row)?.iter().for_each(|it| self.name_missing(it, ready));
            }
            Stage::MissingOfDump(rows) => match rows.next() {
                Some(row) => self.name_missing(&row.named(), ready),
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    fn judge(&mut self, listed: Listed) -> Surveyed {
        let whose = match Place::of(&listed.key).filter(|it| it.attachment == self.attachment) {
            Some(place) => self.own.whose(&place),
            None => Some(Whose::Nobody),
        };
        match whose {
            None => Surveyed::Own(listed),
            Some(whose) => Surveyed::Other(listed, whose),
        }
    }

    fn name_missing(&self, named: &Named<'_>, ready: &mut VecDeque<Surveyed>) {
        if named.owner != Owner::Own {
            return;
        }
        let table = self.attachment.table();
        for style in self.own.missing(named.id, named.file_name).names() {
            let file = self.attachment.file_name(style, named.file_name, named.hints);
            ready.push_back(match layout::key(self.attachment, named.id, style, &file) {
                Ok(key) => Surveyed::Missing(MissingMedia { table: table.to_owned(), id: named.id, key }),
                // A row whose name no file can have.
                Err(why) => {
                    let name = format!("the file that row {} of {table} names", named.id);
                    Surveyed::Skipped(Skipped { name, bytes: 0, why: WhySkipped::Name(why) })
                }
            });
        }
    }
}
