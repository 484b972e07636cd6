//! From a dump's reader, which blocks, to the loader, which doesn't: a thread reads ahead, a few pieces at most.

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Fed;
use crate::archive::{ArchiveError, Dump};

/// Pieces of rows, of at most some hundred KiB each.
const AHEAD: usize = 16;

/// Reads the dump that `open` gives on a thread of its own. It ends with the dump, or when nobody wants more.
pub(crate) fn feed(open: impl FnOnce() -> Result<Dump<'static>, ArchiveError> + Send + 'static) -> Receiver<Fed> {
    let (sender, receiver) = channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let end = match open().and_then(|dump| pass(dump, &sender)) {
            Ok(Some(end)) => end,
            // Nobody listens any more.
            Ok(None) => return,
            Err(error) => Fed::Failed(error),
        };
        let _ = sender.blocking_send(end);
    });
    receiver
}

fn pass(mut dump: Dump<'static>, sender: &Sender<Fed>) -> Result<Option<Fed>, ArchiveError> {
    while let Some(mut table) = dump.next_table()? {
        if sender.blocking_send(Fed::Table(table.target().clone())).is_err() {
            return Ok(None);
        }
        while let Some(rows) = table.next_rows()? {
            if sender.blocking_send(Fed::Rows(Bytes::copy_from_slice(rows.bytes))).is_err() {
                return Ok(None);
            }
        }
    }
    Ok(Some(Fed::End { sequences: dump.sequences().to_vec(), encoding: dump.facts().encoding.clone() }))
}
