//! A tar as it comes.

use std::{
    io,
    ops::DerefMut,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncReadExt as _, BufReader, ReadBuf, Take};

use crate::{
    format::{BundlePath, MANIFEST},
    place::{
        PlaceError,
        tar::{BLOCK, Headers, Step, padding},
    },
};

/// So many zeros may follow the end mark: tars are written in records, and those are never larger.
pub(super) const TRAILING: u64 = 4 << 20;
const SKIP: usize = 64 * 1024;
const BUFFER: usize = 256 * 1024;

/// A tar, forward only, never unpacked to disk.
pub struct TarStream {
    input: Input,
    headers: Headers,
    /// Of the member that was given last, without and with its padding.
    left: u64,
    padding: u64,
    manifest: bool,
    ended: bool,
}

/// A member of a tar. What of it was not read is skipped by the next call of [`TarStream::next`].
pub struct Member<'a> {
    pub path: BundlePath,
    pub bytes: u64,
    pub body: MemberBody<'a>,
}

type Input = BufReader<Box<dyn AsyncRead + Send + Unpin>>;
pub type MemberBody<'a> = Exact<&'a mut Input, &'a mut u64>;

impl TarStream {
    pub fn new(input: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let input = BufReader::with_capacity(BUFFER, Box::new(input) as _);
        Self { input, headers: Headers::default(), left: 0, padding: 0, manifest: false, ended: false }
    }

    /// The next regular file. `None` comes only where the archive ends as it should, with a manifest in it.
    ///
    /// # Errors
    /// [`PlaceError::Member`], [`PlaceError::Tar`], [`PlaceError::NotWhole`], [`PlaceError::ReadTar`].
    pub async fn next(&mut self) -> Result<Option<Member<'_>>, PlaceError> {
        if self.ended {
            return Ok(None);
        }
        self.skip(self.left + self.padding).await?;
        (self.left, self.padding) = (0, 0);
        loop {
            let mut block = [0; BLOCK];
            self.fill(&mut block).await?;
            match self.headers.block(&block)? {
                Step::Nothing => {}
                Step::Extension(bytes) => {
                    let mut extension = vec![0; bytes + padding(bytes as u64)];
                    self.fill(&mut extension).await?;
                    self.headers.extension(&extension[..bytes])?;
                }
                Step::Member(path, bytes) => {
                    self.left = bytes;
                    self.padding = padding(bytes) as u64;
                    self.manifest |= path.as_str() == MANIFEST;
                    return Ok(Some(Member { path, bytes, body: Exact::new(&mut self.input, &mut self.left) }));
                }
                Step::End => return self.end().await.map(|()| None),
            }
        }
    }

    async fn fill(&mut self, buffer: &mut [u8]) -> Result<(), PlaceError> {
        self.input.read_exact(buffer).await.map(drop).map_err(broken)
    }

    async fn skip(&mut self, bytes: u64) -> Result<(), PlaceError> {
        let mut left = bytes;
        let mut buffer = vec![0; SKIP.min(bytes as usize)];
        while left > 0 {
            let now = buffer.len().min(left as usize);
            self.fill(&mut buffer[..now]).await?;
            left -= now as u64;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<(), PlaceError> {
        let mut buffer = vec![0; SKIP];
        let mut trailing = 0;
        loop {
            let read = self.input.read(&mut buffer).await.map_err(PlaceError::ReadTar)?;
            trailing += read as u64;
            match read {
                0 if self.manifest => break,
                0 => return Err(PlaceError::NotWhole { place: "the tar".to_owned() }),
                _ if trailing > TRAILING || buffer[..read].iter().any(|it| *it != 0) => {
                    return Err(PlaceError::Tar { problem: "goes on after its end: something was added to it" });
                }
                _ => {}
            }
        }
        self.ended = true;
        Ok(())
    }
}

/// What a tar that ends too early is called.
pub(super) fn broken(error: io::Error) -> PlaceError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => PlaceError::Tar { problem: "is cut short: get it again from where it is whole" },
        _ => PlaceError::ReadTar(error),
    }
}

/// Just so many bytes, or an error.
pub struct Exact<R, L> {
    input: Take<R>,
    left: L,
}

impl<R: AsyncRead + Unpin, L: DerefMut<Target = u64>> Exact<R, L> {
    pub(super) fn new(input: R, left: L) -> Self {
        Self { input: input.take(*left), left }
    }
}

impl<R: AsyncRead + Unpin, L: DerefMut<Target = u64> + Unpin> AsyncRead for Exact<R, L> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = buffer.remaining() > 0;
        ready!(Pin::new(&mut this.input).poll_read(context, buffer))?;
        let left = this.input.limit();
        let ended = room && left > 0 && left == *this.left;
        *this.left = left;
        Poll::Ready(if ended { Err(broken(io::ErrorKind::UnexpectedEof.into()).into()) } else { Ok(()) })
    }
}
