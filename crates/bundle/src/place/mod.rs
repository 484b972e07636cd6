//! Where a bundle lies: a directory, a tar file, a pipe, or a prefix in an S3 bucket; writing one there, and reading it.
//!
//! **Whole or not.** A bundle without `MANIFEST.json` is not whole, and is refused by whoever reads it; each file of a tree appears under its
//! name only when it is whole (a temporary name and a rename; a put or a completed upload).
//!
//! **Resuming.** What was finished is noted in a journal: in a directory `.journal.ndjson` at its root, in a bucket small objects
//! below `.journal/`, beside a tar file `FILE.tar.journal` with the offset after each member. A run that was killed at any byte is continued by
//! opening the same place with the same [`Run`]; what the journal doesn't name is written again. With the bundle finished, the journal is gone.
//! A pipe can't be resumed. Once `MANIFEST.json` is among [`Writer::files`], only what comes after it is left to do.
//!
//! Nobody else may write to the place meanwhile: a lock on the journal sees to that on a disk, nothing does in a bucket.
//!
//! **Memory.** A million media files take some 16 MB while writing or reading: two 64-bit fingerprints each, nothing else. `INVENTORY.ndjson` is
//! written at the end from the journal.
//!
//! ```text
//! let writer = Writer::open(&place, run, spool, earlier).await?;
//! writer.write_small(path, bytes).await?;                 // PREFLIGHT.json, env/…, unless writer.files() has them
//! let mut dump = writer.stream(path).await?;              // on a blocking thread: io::Write, then dump.finish_dump(facts, tables)
//! if !writer.keep(&media).await? { writer.write_media(media, body).await?; }   // many at once
//! let inventory = writer.write_inventory().await?;
//! writer.write_small(MANIFEST, …).await?; writer.write_small(SIGNATURE, …).await?;
//! writer.finish().await?;
//! ```

mod body;
mod done;
mod earlier;
mod error;
mod journal;
mod keys;
mod location;
mod reader;
mod record;
mod resume;
mod s3;
mod tar;
mod writer;

pub use body::{Body, Media};
pub use error::PlaceError;
pub use location::{Location, Place};
pub use reader::{Bundle, Member, MemberBody, Opened, Reader, TarStream};
pub use record::{FinishedDump, Run};
pub use s3::{Bucket, Prefix};
pub use writer::{Inventory, Stream, Writer};
