//! The media on its way: what the server's own rows name is copied, unless the bundle has it already; what is missing and what is nobody's is listed.

use std::fmt::Write as _;
use std::sync::Arc;

use futures::{Stream, StreamExt as _, TryStreamExt as _, pin_mut};

use super::{CreateError, LISTED, Making};
use crate::format::{Finding, MissingMedia, OrphanMedia};
use crate::media::{self, Attachment, Copied, Incoming, Listed, MediaError, Skipped, Store, Surveyed, WhySkipped};

use crate::place::{Body, Media, Writer};
use crate::progress::{Event, Stage};
use crate::source::notice;

/// The tables whose rows say which files are the server's own.
pub(super) const TABLES: [&str; 4] = ["accounts", "media_attachments", "custom_emojis", "site_uploads"];

/// What became of it.
#[derive(Default)]
pub(super) struct Passed {
    /// Lines of `media/MISSING.ndjson`.
    pub missing: String,
    pub missing_count: u64,
    /// Lines of `media/ORPHANS.ndjson`.
    pub orphans: String,
    pub orphan_count: u64,
    pub findings: Vec<Finding>,
}

impl Making<'_> {
    pub(super) async fn media(&self) -> Result<Passed, CreateError> {
        let facts = &self.server.facts;
        let expected = (facts.expected.media_bytes, facts.counts.local_media);
        (self.told)(Event::Stage { stage: Stage::CopyingMedia, bytes: Some(expected.0), files: Some(expected.1) });
        let store = self.server.settings.media.store.clone().map(Store::open_up).transpose()?;
        let passed = std::sync::Mutex::new(Passed::default());
        let wanted = media::survey(store.as_ref(), self.server.origin.rows(), &Attachment::OWN);
        let wanted = wanted.try_filter_map(|surveyed| {
            let passed = &passed;
            async move {
                match surveyed {
                    Surveyed::Own(listed) => return self.wanted(listed).await,
                    Surveyed::Skipped(Skipped { name, why, .. }) if is_fatal(&name, &why) => {
                        return Err(MediaError::Disk { name, source: std::io::Error::other(why.to_string()) });
                    }
                    other => note(&mut passed.lock().unwrap_or_else(std::sync::PoisonError::into_inner), other),
                }
                Ok(None)
            }
        });
        let gone = match &store {
            Some(store) => self.copy(store, wanted).await?,
            // Nothing is wanted of a store that there isn't: all is missing.
            None => wanted.map_ok(|_| ()).try_collect().await.map(|()| Vec::new())?,
        };
        let mut passed = passed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        for listed in gone {
            removed(&mut passed, listed);
        }
        Ok(passed)
    }

    /// Returns what was gone when it was to be read.
    async fn copy(&self, store: &Store, wanted: impl Stream<Item = Result<Listed, MediaError>>) -> Result<Vec<Listed>, CreateError> {
        let writer = Arc::clone(&self.writer);
        let sink = move |incoming: Incoming| {
            let writer = Arc::clone(&writer);
            async move { write(&writer, incoming).await }
        };
        let (mut gone, mut failed) = (Vec::new(), None);
        let copied = media::copy_all(store, media::Limits::default(), wanted, sink);
        pin_mut!(copied);
        while let Some(copied) = copied.next().await {
            match copied? {
                Copied::File(file) => (self.told)(Event::Progress { bytes: file.bytes, files: 1 }),
                Copied::Missing(listed) => gone.push(listed),
                Copied::Failed { listed, error } => failed = failed.or(Some((listed, error))),
            }
        }
        match failed {
            Some((listed, source)) => Err(CreateError::Media { key: listed.key.to_string(), source }),
            None => Ok(gone),
        }
    }

    /// None where it need not be read again.
    async fn wanted(&self, listed: Listed) -> Result<Option<Listed>, MediaError> {
        let media = media_of(&listed, media::Attributes::default());
        let kept = self.writer.keep(&media).await.map_err(|error| sink_error(&listed, error))?;
        if kept {
            (self.told)(Event::Kept { bytes: listed.bytes, files: 1 });
        }
        Ok((!kept).then_some(listed))
    }
}

async fn write(writer: &Writer, incoming: Incoming) -> Result<(), MediaError> {
    let Incoming { listed, attributes, sha256, body } = incoming;
    let body = match body {
        media::Body::Whole(bytes) => Body::Whole(bytes, sha256),
        media::Body::Stream { stream, .. } => Body::Chunks(stream.map_err(std::io::Error::other).boxed()),
    };
    writer.write_media(media_of(&listed, attributes), body).await.map(drop).map_err(|error| sink_error(&listed, error))
}

fn media_of(listed: &Listed, attributes: media::Attributes) -> Media {
    let Listed { key, bytes, etag, modified } = listed.clone();
    let media::Attributes { content_type, cache_control, acl } = attributes;
    Media { key, bytes, content_type, cache_control, acl, etag, modified }
}

fn sink_error(listed: &Listed, error: crate::place::PlaceError) -> MediaError {
    MediaError::Sink { name: listed.key.to_string(), source: Box::new(error) }
}

/// A folder of many files that can't be looked into is no small loss: a bundle without them would be called whole.
fn is_fatal(name: &str, why: &WhySkipped) -> bool {
    match why {
        WhySkipped::Unreadable(_) => true,
        WhySkipped::Link => name.matches('/').count() < 2,
        _ => false,
    }
}

/// It was listed, and was gone when it was to be read: as missing as what was never there.
fn removed(passed: &mut Passed, Listed { key, .. }: Listed) {
    passed.missing_count += 1;
    if passed.findings.len() < 1000 {
        let sentence = format!("{key} was removed while the bundle was made, and is not in it");
        passed.findings.push(notice(key.as_str(), "removed_meanwhile", sentence));
    }
    // Its row named it: so Paperclip made its key, which tells the row.
    let row = media::layout::Place::of(&key).and_then(|it| Some((it.attachment.table().to_owned(), *it.ids().next()?.start())));
    if let Some((table, id)) = row {
        line(&mut passed.missing, passed.missing_count, &MissingMedia { table, id, key });
    }
}

/// What is not taken along.
fn note(passed: &mut Passed, surveyed: Surveyed) {
    match surveyed {
        Surveyed::Own(_) => {}
        Surveyed::Missing(missing) => {
            passed.missing_count += 1;
            line(&mut passed.missing, passed.missing_count, &missing);
        }
        Surveyed::Other(Listed { key, bytes, .. }, _) => {
            passed.orphan_count += 1;
            line(&mut passed.orphans, passed.orphan_count, &OrphanMedia { key: key.to_string(), bytes });
        }
        Surveyed::Skipped(skipped) => {
            if passed.findings.len() < 1000 {
                let sentence = format!("`{}` was left out: {}", skipped.name, skipped.why);
                passed.findings.push(notice(&skipped.name, "media_skipped", sentence));
            }
        }
    }
}

fn line<T: serde::Serialize>(lines: &mut String, count: u64, value: &T) {
    if count <= LISTED as u64 {
        let _ = writeln!(lines, "{}", serde_json::to_string(value).unwrap_or_default());
    }
}
