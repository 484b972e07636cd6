//! What a journal says was finished.

use std::collections::BTreeMap;

use super::{
    FinishedDump, PlaceError, Run,
    done::Done,
    journal::Journal,
    record::{Record, VERSION, parse},
    tar,
};
use crate::format::{BundlePath, FileFacts, INVENTORY, MANIFEST};

#[derive(Default)]
pub(super) struct Resumed {
    /// As it was first begun; none in a journal that was just made.
    pub run: Option<Run>,
    pub files: BTreeMap<BundlePath, FileFacts>,
    pub dump: Option<FinishedDump>,
    pub done: Done,
    /// Uploads in parts that were begun, by path, and of which it is not known that they were finished.
    pub uploads: BTreeMap<BundlePath, Vec<String>>,
    /// Of a tar: the offset after the last member that was finished.
    pub end: u64,
}

impl Resumed {
    /// Reads the journal as far as it holds together, and drops what comes after. `tar`: so long is the tar that it tells of. Blocking.
    pub(super) fn read(journal: &Journal, tar: Option<u64>, place: &str) -> Result<Self, PlaceError> {
        let mut resumed = Self::default();
        let mut lines = journal.lines()?;
        let mut holds = 0;
        let mut before_inventory = None;
        loop {
            let Some(line) = lines.next()? else { break };
            let Some((end, record)) = parse(line) else { break };
            match (&record, &resumed.run) {
                (Record::Run { version, .. }, _) if *version != VERSION => return Err(PlaceError::Unreadable { place: place.to_owned() }),
                (Record::Run { .. }, None) | (_, Some(_)) => {}
                (_, None) => break,
            }
            if tar.is_some_and(|length| !resumed.follows(&record, end, length)) {
                break;
            }
            if matches!(&record, Record::File { path, .. } if path.as_str() == INVENTORY) {
                before_inventory.get_or_insert(resumed.end);
            }
            resumed.end = end.unwrap_or(resumed.end);
            resumed.take(record);
            holds = lines.read();
        }
        journal.truncate(holds)?;
        // What may still be found must come before the inventory, and a member of a tar can't be written again.
        match before_inventory {
            Some(end) if tar.is_some() && !resumed.files.keys().any(|it| it.as_str() == MANIFEST) => Self::read(journal, Some(end), place),
            _ => Ok(resumed),
        }
    }

    /// Whether a tar of that length can hold what the record says.
    fn follows(&self, record: &Record, end: Option<u64>, length: u64) -> bool {
        match (record, end) {
            (Record::Run { .. }, None) => true,
            (Record::Run { .. }, Some(_)) | (_, None) => false,
            (_, Some(end)) => end > self.end && end <= length && end.is_multiple_of(tar::BLOCK as u64),
        }
    }

    fn take(&mut self, record: Record) {
        match record {
            Record::Run { run, .. } => self.run = self.run.take().or(Some(run)),
            Record::File { path, facts } => {
                self.uploads.remove(&path);
                self.files.insert(path, facts);
            }
            Record::Dump(dump) => {
                self.uploads.remove(&dump.path);
                self.files.insert(dump.path.clone(), dump.file);
                self.dump = Some(dump);
            }
            Record::Media(file) => {
                if let Ok(path) = file.key.path() {
                    self.uploads.remove(&path);
                }
                self.done.note(&file);
            }
            Record::Kept(kept) => self.done.note_kept((&kept).into()),
            Record::Upload { path, id } => self.uploads.entry(path).or_default().push(id),
        }
    }
}
