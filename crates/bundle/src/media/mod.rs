//! A Mastodon server's media store: which of its files are the server's own, and how they are read and written.
//!
//! - [`Store`] is a folder (`public/system`) or a bucket, of any provider's. It lists, opens and puts.
//! - [`Attachment`] and [`layout`] know Paperclip's folders: `<class>/<attachment>/<id partition>/<style>/<file>`.
//! - [`survey`] sorts what the store lists by what the database says: the server's own, another server's (from before `cache/` existed),
//!   nobody's, and what a row names and the store doesn't have. One attachment at a time, so that its rows fit in memory: 20 bytes a row.
//! - [`copy_all`] reads files and hands each to a sink, as many at a time as the store bears, hashing while the bytes pass.
//!
//! The shapes fit together: [`survey`] gives [`Listed`] files, [`copy_all`] takes a stream of them (less those that [`Listed::is_unchanged`]
//! says an earlier pass has), and its sink is a bundle's writer, or [`Store::put`] of another store.
//!
//! A key and a file name come from uploads, and rows from a database that may be booby-trapped: nothing follows a symbolic link, only
//! [`MediaKey`](crate::format::MediaKey)s are opened, no function of the database's own is called.

pub mod layout;

mod attachment;
mod copy;
mod dumped;
mod error;
mod listed;
mod own;
mod rows;
mod store;
mod survey;

pub use attachment::Attachment;
pub use copy::{Copied, Incoming, Limits, copy_all};
pub use dumped::Dumped;
pub(crate) use dumped::DumpedColumns;
pub use error::{Kind, MediaError};
pub use listed::{Entry, Listed, Skipped, WhySkipped};
pub use store::{Attributes, Body, Digest, Opened, Store, StoreSettings};
pub use survey::{RowsOf, Surveyed, Whose, survey};
