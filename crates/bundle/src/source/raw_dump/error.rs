//! Why a raw dump can't become a bundle, and the way out.

use std::io;
use std::path::PathBuf;

use crate::archive::ArchiveError;

#[derive(Debug, thiserror::Error)]
pub enum RawDumpError {
    #[error("{} can't be read", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "{} is not one file in custom format, which a bundle has, so that the stock pg_restore brings it back. Where the database still runs, dump it by `pg_dump -Fc`; \
         else unpack the file (`gunzip`), load it into an empty database of yours (psql, or pg_restore for a folder), and dump that by `pg_dump -Fc`",
        path.display()
    )]
    NotCustom { path: PathBuf },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("the dump is no Mastodon's: {what}. Dump Mastodon's own database, whole: `pg_dump -Fc mastodon_production`")]
    NotMastodon { what: String },
    #[error(
        "table `{table}` of the dump has no column `{column}`, without which the server's own rows can't be told from other servers': no release of Mastodon is so"
    )]
    Column { table: String, column: &'static str },
}
