//! Why a bundle can't be made, and what to do.

use std::io;

use crate::archive::ArchiveError;
use crate::format::PathError;
use crate::guide::UnfitValue;
use crate::media::MediaError;
use crate::place::PlaceError;
use crate::seal::SealError;
use crate::source::{DatabaseError, DumpError, Proof, RawDumpError, SettingsError};

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    PgDump(#[from] DumpError),
    #[error(transparent)]
    RawDump(#[from] RawDumpError),
    #[error("the dump changed while it was read: let whoever writes it come to an end, and run this again")]
    DumpChanged,
    #[error("pg_dump's own output can't be read")]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Store(#[from] MediaError),
    #[error("{key} can't be read from the media store; what is finished stays: run it again")]
    Media { key: String, source: MediaError },
    #[error(transparent)]
    Unfit(#[from] UnfitValue),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("{} {} not set, and without {} the server can't be brought back: run this with the environment that the server runs with", names.join(", "), if names.len() == 1 { "is" } else { "are" }, if names.len() == 1 { "it" } else { "them" })]
    Secrets { names: Vec<&'static str> },
    #[error("the environment's secrets are not those of the running server: {}. Run this with the environment that the server runs with", proofs.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    WrongSecrets { proofs: Vec<Proof> },
    #[error("{name} has a value that can't be written to a file of settings: it has a character that no such value has")]
    Unwritable { name: &'static str },
    #[error(
        "table `{table}` has an index or statistics that call functions of the database's own, which no release of Mastodon has: a query would run them. Drop those, and run this again"
    )]
    Trap { table: &'static str },
    #[error("the run that is to be continued sealed with another passphrase: give that one, or begin elsewhere")]
    OtherPassphrase(#[source] SealError),
    #[error("{path} of the run that is to be continued can't be read: begin elsewhere")]
    Kept { path: &'static str, source: serde_json::Error },
    #[error("the dump can't be written")]
    Writing(#[source] io::Error),
    #[error("a part of the writer ended before its end")]
    StillWriting,
}
