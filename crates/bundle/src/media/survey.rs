//! What the store lists against what the database says.

use std::collections::{HashMap, VecDeque};

use futures::{Stream, StreamExt, stream, stream::BoxStream};
use tokio_postgres::GenericClient;

use super::{
    attachment::{Attachment, Styles},
    error::MediaError,
    layout::{self, Place},
    listed::{Entry, Listed, Skipped, WhySkipped},
    own::Own,
    rows::Table,
    store::Store,
};
use crate::format::MissingMedia;

/// Of rows that the database is asked about at once.
const PORTION: usize = 500;

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
    /// A row of another server's account, post or emoji: it lies here from before `cache/` was for those.
    Remote,
    /// The row is the server's own and names another file: this one is of before it was replaced.
    Replaced,
    /// There is no such row, or the file lies where Mastodon puts none.
    Nobody,
}

/// Goes through one attachment after another: reads its own rows, lists its folder, says whose each file is, then which files are missing.
/// Every file is listed once, and comes once. In a database that is served meanwhile, a file that was uploaded after the session's snapshot
/// is [`Whose::Nobody`]'s: a later pass takes it.
///
/// Memory: 20 bytes for each own row of the attachment, and a few hundred files.
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
    folder: Option<Folder>,
    ready: VecDeque<Surveyed>,
}

/// The one that is gone through now.
struct Folder {
    attachment: Attachment,
    table: Table,
    own: Own,
    /// None when all is listed.
    entries: Option<BoxStream<'static, Result<Entry, MediaError>>>,
    /// Files that no own row claims, with the ids that they could be of.
    strangers: Vec<(Listed, Vec<i64>)>,
    /// The place in `own` up to which missing files were told.
    told: usize,
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
        let own = table.own(session).await?;
        let entries = Some(store.list(&format!("{}/", attachment.folder())));
        Ok(Some(Self { attachment, table, own, entries, strangers: Vec::new(), told: 0 }))
    }

    /// Whether there is more to come.
    async fn step<C: GenericClient>(&mut self, session: &C, ready: &mut VecDeque<Surveyed>) -> Result<bool, MediaError> {
        if let Some(entries) = &mut self.entries {
            match entries.next().await.transpose()? {
                Some(Entry::File(listed)) => ready.extend(self.judge(listed)),
                Some(Entry::Skipped(skipped)) => ready.push_back(Surveyed::Skipped(skipped)),
                None => self.entries = None,
            }
            if self.strangers.len() >= PORTION || self.entries.is_none() {
                self.name_strangers(session, ready).await?;
            }
            return Ok(true);
        }
        let (missing, told) = self.own.missing(self.told, PORTION);
        self.told = told;
        self.name_missing(session, &missing, ready).await?;
        Ok(self.told < self.own.len())
    }

    fn judge(&mut self, listed: Listed) -> Option<Surveyed> {
        let Some(place) = Place::of(&listed.key) else { return Some(Surveyed::Other(listed, Whose::Nobody)) };
        if self.own.claims(&place) {
            return Some(Surveyed::Own(listed));
        }
        let ids = place.ids().flatten().collect();
        self.strangers.push((listed, ids));
        None
    }

    async fn name_strangers<C: GenericClient>(&mut self, session: &C, ready: &mut VecDeque<Surveyed>) -> Result<(), MediaError> {
        if self.strangers.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = self.strangers.iter().flat_map(|(_, ids)| ids).copied().collect();
        let rows: HashMap<i64, bool> = self.table.whose(session, &ids).await?;
        ready.extend(self.strangers.drain(..).map(|(listed, ids)| {
            let whose = match ids.iter().find_map(|it| rows.get(it)) {
                Some(true) => Whose::Replaced,
                Some(false) => Whose::Remote,
                None => Whose::Nobody,
            };
            Surveyed::Other(listed, whose)
        }));
        Ok(())
    }

    async fn name_missing<C: GenericClient>(
        &self,
        session: &C,
        missing: &[(i64, Styles)],
        ready: &mut VecDeque<Surveyed>,
    ) -> Result<(), MediaError> {
        if missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = missing.iter().map(|(id, _)| *id).collect();
        let names = self.table.names(session, &ids).await?;
        for (id, styles) in missing {
            let Some(named) = names.get(id) else { continue };
            for style in styles.names() {
                let file = self.attachment.file_name(style, &named.file_name, named.hints());
                ready.push_back(match layout::key(self.attachment, *id, style, &file) {
                    Ok(key) => Surveyed::Missing(MissingMedia { table: self.attachment.table().to_owned(), id: *id, key }),
                    // A row whose name no file can have.
                    Err(why) => Surveyed::Skipped(Skipped {
                        name: format!("the file that row {id} of {} names", self.attachment.table()),
                        bytes: 0,
                        why: WhySkipped::Name(why),
                    }),
                });
            }
        }
        Ok(())
    }
}
