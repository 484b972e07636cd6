use std::{io, path::Path};

use crate::{
    format::{BundlePath, PathError},
    outside::Refused,
    s3::SettingError,
};

/// Why a bundle can't be written or read where it lies. `place` is the location as a person writes it.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("`{text}` names no place of a bundle: {problem}")]
    Location { text: String, problem: &'static str },
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("{at} is not asked: {source}")]
    Outside { at: String, source: Refused },
    #[error("can't {doing} `{what}`: {source}")]
    Io { doing: &'static str, what: String, source: io::Error },
    #[error("can't {doing} `{what}` in the bucket: {source}")]
    Store { doing: &'static str, what: String, source: Box<object_store::Error> },

    #[error("`{path}` is not in {place}: the bundle lacks it, or was damaged; make it anew or get it again")]
    Missing { place: String, path: BundlePath },
    #[error("`{path}` has {bytes} bytes, and more than {limit} are not read: it is no file of a bundle")]
    Large { path: BundlePath, bytes: u64, limit: u64 },
    #[error("`{path}` is a link or a special file: a bundle has only regular files")]
    Special { path: String },
    #[error("{place} holds no whole bundle: it has no MANIFEST.json; if one is being made there, let it finish or continue it")]
    NotWhole { place: String },
    #[error("{0}")]
    Path(#[from] PathError),

    #[error("{place} holds a bundle that is whole: choose another place, or build on that one (`--incremental-from {place}`)")]
    Whole { place: String },
    #[error("{place} is not empty, and holds no bundle that could be continued: choose an empty place")]
    Foreign { place: String },
    #[error("{place} exists already, and no journal says how far it came: choose another name, or remove it")]
    Exists { place: String },
    #[error("the bundle in {place} was begun {begun}, and not {now}: go on with the same options, or remove {place} and begin anew")]
    OtherRun { place: String, begun: String, now: String },
    #[error("somebody else writes to {place} now: wait until that run has ended")]
    Busy { place: String },
    #[error(
        "the journal of {place} is damaged, or of another version of this program: go on with that one, or remove {place} and begin anew"
    )]
    Unreadable { place: String },
    #[error("can't build on the bundle in {place}: {problem}")]
    Earlier { place: String, problem: String },

    #[error(
        "a bundle can go into a pipe only with `--spool DIR`: a tar says each file's size before its bytes, and the dump's is not known"
    )]
    NeedsSpool,
    #[error("nothing more can be written into the pipe: a file before broke off halfway; begin anew")]
    Broken,
    #[error("`{path}` is in the tar before: a tar takes each file once")]
    Twice { path: BundlePath },
    #[error("{place} is a tar, and can't be added to: put the file beside it")]
    InTar { place: String },
    #[error("`{path}` was said to have {said} bytes, and has {}: it changed while it was read; read it again", if *longer { "more" } else { "fewer" })]
    Length { path: BundlePath, said: u64, longer: bool },
    #[error("`{path}` broke off while it was read: {source}")]
    Body { path: BundlePath, source: io::Error },
    #[error("`{path}` is larger than an object may be: an upload has at most 10,000 parts")]
    Parts { path: BundlePath },
    #[error("the bundle has no MANIFEST.json yet, so that it is not whole")]
    NoManifest,

    #[error("the tar's member `{member}` {problem}")]
    Member { member: String, problem: &'static str },
    #[error("the tar {problem}")]
    Tar { problem: &'static str },
    #[error("reading the tar failed: {0}")]
    ReadTar(#[source] io::Error),

    #[error("a task that wrote the bundle ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl PlaceError {
    /// For `map_err`: what was done, and to what.
    pub(super) fn io(doing: &'static str, what: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, what: what.display().to_string(), source }
    }

    pub(super) fn store(doing: &'static str, what: &object_store::path::Path) -> impl FnOnce(object_store::Error) -> Self {
        move |source| Self::Store { doing, what: what.to_string(), source: Box::new(source) }
    }
}

impl From<PlaceError> for io::Error {
    fn from(error: PlaceError) -> Self {
        Self::other(error)
    }
}
