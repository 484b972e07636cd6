//! Reading a bundle: by name where it can be, and as a stream of members where it is a tar.

mod tarfile;
mod tarstream;
mod tree;

use std::{io, os::fd::AsFd as _, path::Path, pin::Pin};

use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::GetResult;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::io::StreamReader;

use self::tarfile::TarFile;
pub use self::tarstream::{Member, MemberBody, TarStream};
use super::{Place, PlaceError, Prefix};
use crate::format::{BundlePath, MANIFEST};

/// A bundle that is read. What it holds is hostile.
pub enum Reader {
    /// Files can be opened by name, in any order.
    Bundle(Bundle),
    /// A pipe: files as they come, and once.
    Stream(TarStream),
}

impl Reader {
    /// A tar file is indexed by one pass over its headers, and refused if anything in it is not as it should be. A pipe is standard input.
    ///
    /// # Errors
    /// [`PlaceError::NotWhole`] for one without a manifest; others.
    pub async fn open(place: &Place) -> Result<Self, PlaceError> {
        let bundle = match place {
            Place::Directory(root) => Bundle::directory(root),
            Place::Prefix(prefix) => Bundle::prefix(prefix.clone()),
            Place::TarFile(path) => Bundle(Kind::Tar(TarFile::open(path).await?)),
            Place::Pipe => {
                let input = io::stdin().as_fd().try_clone_to_owned().map_err(PlaceError::ReadTar)?;
                return Ok(Self::Stream(TarStream::new(tokio::fs::File::from_std(input.into()))));
            }
        };
        match bundle.open(&BundlePath::parse(MANIFEST)?).await {
            Ok(_) => Ok(Self::Bundle(bundle)),
            Err(PlaceError::Missing { place, .. }) => Err(PlaceError::NotWhole { place }),
            Err(other) => Err(other),
        }
    }
}

/// A tree, or a tar file with its index.
pub struct Bundle(Kind);

enum Kind {
    Directory(tree::Root),
    Prefix(Prefix),
    Tar(TarFile),
}

/// A file of a bundle.
pub struct Opened {
    pub bytes: u64,
    /// Of a tree: as many bytes as it has by now, or an error. Of a tar: just so many, or an error.
    pub body: Pin<Box<dyn AsyncRead + Send>>,
}

impl Bundle {
    pub(super) fn directory(root: &Path) -> Self {
        Self(Kind::Directory(tree::Root::new(root)))
    }

    pub(super) const fn prefix(prefix: Prefix) -> Self {
        Self(Kind::Prefix(prefix))
    }

    /// A tar that is being written, so far.
    pub(super) async fn unfinished_tar(path: &Path, length: u64) -> Result<Self, PlaceError> {
        TarFile::unfinished(path, length).await.map(|it| Self(Kind::Tar(it)))
    }

    /// In a tar file: all but media, which only [`Self::members`] gives.
    ///
    /// # Errors
    /// [`PlaceError::Missing`] where it isn't; [`PlaceError::Special`] for what is no regular file; others.
    pub async fn open(&self, path: &BundlePath) -> Result<Opened, PlaceError> {
        self.open_at(path, 0).await
    }

    /// From there on; `bytes` is still of the whole.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_at(&self, path: &BundlePath, offset: u64) -> Result<Opened, PlaceError> {
        match &self.0 {
            Kind::Directory(root) => root.open(path, offset).await,
            Kind::Prefix(prefix) => tree::object(prefix, path, offset).await,
            Kind::Tar(tar) => tar.open_member(path, offset).await,
        }
    }

    /// # Errors
    /// [`PlaceError::Large`] if it has more than `limit` bytes; as [`Self::open`].
    pub async fn read_small(&self, path: &BundlePath, limit: u64) -> Result<Vec<u8>, PlaceError> {
        read_small(self, path, limit).await
    }

    /// Every file and its size, in no order; of a tar file all members in theirs. What is no regular file with a name that a bundle may have comes as
    /// an error, and the rest after it.
    #[must_use]
    pub fn list(&self) -> BoxStream<'static, Result<(BundlePath, u64), PlaceError>> {
        match &self.0 {
            Kind::Directory(root) => root.list(),
            Kind::Prefix(prefix) => tree::objects(prefix),
            Kind::Tar(tar) => tar.list(),
        }
    }

    /// Of a tar file: all members with their bytes, in order. Of a tree: none, since each can be opened.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub async fn members(&self) -> Result<Option<TarStream>, PlaceError> {
        match &self.0 {
            Kind::Tar(tar) => tar.members().await.map(Some),
            Kind::Directory(_) | Kind::Prefix(_) => Ok(None),
        }
    }
}

pub(super) async fn read_small(bundle: &Bundle, path: &BundlePath, limit: u64) -> Result<Vec<u8>, PlaceError> {
    let Opened { bytes, body } = bundle.open(path).await?;
    let large = |bytes| PlaceError::Large { path: path.clone(), bytes, limit };
    if bytes > limit {
        return Err(large(bytes));
    }
    let mut read = Vec::with_capacity(bytes as usize);
    body.take(limit + 1).read_to_end(&mut read).await.map_err(|source| PlaceError::Body { path: path.clone(), source })?;
    if read.len() as u64 > limit { Err(large(read.len() as u64)) } else { Ok(read) }
}

/// An object's bytes; an error where they break off.
pub(super) fn chunks(found: GetResult) -> impl AsyncRead + Send + Unpin {
    StreamReader::new(found.into_stream().map_err(io::Error::from).boxed())
}
