//! What the store lists against what the database says.

use std::collections::VecDeque;

use futures::{Stream, TryStreamExt, stream, stream::BoxStream};
use tokio_postgres::{GenericClient, binary_copy::BinaryCopyOutRow};

use super::{
    attachment::Attachment,
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

/// Goes through one attachment after another: reads its rows, lists its folder, says whose each file is, then which files are missing.
/// Every file is listed once, and comes once. In a database that is served meanwhile, a file that was uploaded after the session's snapshot
/// is [`Whose::Nobody`]'s: a later pass takes it.
///
/// Memory: 20 bytes for each own row of the attachment, 8 for each own account, 8 MB at most for other servers' rows, a page of the listing.
/// The session is a transaction that sees one snapshot, with `row_security` off; nothing that the database's owner made is called.
pub fn survey<'a, C: GenericClient + Sync>(
    store: &'a Store,
    session: &'a C,
    attachments: &[Attachment],
) -> impl Stream<Item = Result<Surveyed, MediaError>> + 'a {
    let attachments = attachments.iter().copied().collect();
    let survey = Survey { store, session, attachments, folder: None, ready: VecDeque::new() };
    stream::try_unfold(survey, |mut survey| async move { Ok(survey.next().await?.map(|it| (it, survey))) })
}

struct Survey<'a, C> {
    store: &'a Store,
    session: &'a C,
    attachments: VecDeque<Attachment>,
    /// The one that is gone through now.
    folder: Option<Folder>,
    ready: VecDeque<Surveyed>,
}

struct Folder {
    attachment: Attachment,
    table: Table,
    own: Own,
    stage: Stage,
}

enum Stage {
    Listing(BoxStream<'static, Result<Entry, MediaError>>),
    /// The rows once more, for the names of what was not there.
    Missing(BoxStream<'static, Result<BinaryCopyOutRow, MediaError>>),
}

impl<C: GenericClient + Sync> Survey<'_, C> {
    async fn next(&mut self) -> Result<Option<Surveyed>, MediaError> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(Some(ready));
            }
            let Some(folder) = &mut self.folder else {
                let Some(attachment) = self.attachments.pop_front() else { return Ok(None) };
                self.folder = Folder::begin(self.store, self.session, attachment).await?;
                continue;
            };
            if !folder.step(self.session, &mut self.ready).await? {
                self.folder = None;
            }
        }
    }
}

impl Folder {
    async fn begin<C: GenericClient>(store: &Store, session: &C, attachment: Attachment) -> Result<Option<Self>, MediaError> {
        let Some(table) = Table::find(session, attachment).await? else {
            tracing::debug!(folder = attachment.folder(), "this release has no such attachment");
            return Ok(None);
        };
        let mut own = Own::default();
        let mut rows = table.rows(session).await?;
        while let Some(row) = rows.try_next().await? {
            match table.named(&row)? {
                Some(named) if named.owner == Owner::Own => own.add(named.id, named.file_name, attachment.styles(named.hints)),
                Some(named) if named.owner == Owner::Remote => own.add_remote(named.id),
                _ => {}
            }
        }
        own.sort();
        let stage = Stage::Listing(store.list(&format!("{}/", attachment.folder())));
        Ok(Some(Self { attachment, table, own, stage }))
    }

    /// Whether there is more to come.
    async fn step<C: GenericClient>(&mut self, session: &C, ready: &mut VecDeque<Surveyed>) -> Result<bool, MediaError> {
        match &mut self.stage {
            Stage::Listing(entries) => match entries.try_next().await? {
                Some(Entry::File(listed)) => ready.push_back(self.judge(listed)),
                Some(Entry::Skipped(skipped)) => ready.push_back(Surveyed::Skipped(skipped)),
                None if self.own.misses_any() => self.stage = Stage::Missing(self.table.rows(session).await?),
                None => return Ok(false),
            },
            Stage::Missing(rows) => match rows.try_next().await? {
                Some(row) => match self.table.named(&row)? {
                    Some(named) if named.owner == Owner::Own => self.name_missing(&named, ready),
                    _ => {}
                },
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
