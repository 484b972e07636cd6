//! Decompression in a stream: of one table's rows, of a file, or of a whole dump.

use std::io::{self, BufRead, Read};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use lz4_flex::frame::FrameDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::{error::ArchiveError, facts::Compression, limits::Limits};

/// How bytes are compressed: what a file's name or its first bytes say; inside an archive, gzip means zlib's own framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Plain,
    Zlib,
    Gzip,
    Lz4,
    Zstd,
}

impl Framing {
    /// Of the rows inside an archive.
    pub const fn inside(compression: Compression) -> Self {
        match compression {
            Compression::None => Self::Plain,
            Compression::Gzip => Self::Zlib,
            Compression::Lz4 => Self::Lz4,
            Compression::Zstd => Self::Zstd,
        }
    }

    /// As a whole dump's.
    pub const fn compression(self) -> Compression {
        match self {
            Self::Plain => Compression::None,
            Self::Zlib | Self::Gzip => Compression::Gzip,
            Self::Lz4 => Compression::Lz4,
            Self::Zstd => Compression::Zstd,
        }
    }
}

/// Makes no more than it is allowed. Its errors are all [`ArchiveError`]s, without a place.
pub(super) struct Decoder<R: BufRead> {
    kind: Kind<R>,
    left: u64,
}

enum Kind<R: BufRead> {
    Plain(R),
    Zlib(Box<ZlibDecoder<R>>),
    Gzip(Box<MultiGzDecoder<R>>),
    Lz4(Lz4<R>),
    Zstd(Box<ZstdDecoder<'static, R>>),
}

impl<R: BufRead> Decoder<R> {
    /// `left`: how many bytes it may make.
    pub fn new(reader: R, framing: Framing, limits: &Limits, left: u64) -> Result<Self, ArchiveError> {
        let kind = match framing {
            Framing::Plain => Kind::Plain(reader),
            Framing::Zlib => Kind::Zlib(Box::new(ZlibDecoder::new(reader))),
            Framing::Gzip => Kind::Gzip(Box::new(MultiGzDecoder::new(reader))),
            Framing::Lz4 => Kind::Lz4(Lz4::new(reader)),
            Framing::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(reader).map_err(ArchiveError::Read)?;
                decoder.window_log_max(limits.zstd_window_log).map_err(ArchiveError::Read)?;
                Kind::Zstd(Box::new(decoder))
            }
        };
        Ok(Self { kind, left })
    }

    /// At its end: the reader, which must be at its own, and how many bytes more might have been made.
    pub fn finish(self) -> io::Result<(R, u64)> {
        let mut reader = match self.kind {
            Kind::Plain(reader) => reader,
            Kind::Zlib(it) => it.into_inner(),
            Kind::Gzip(it) => it.into_inner(),
            Kind::Lz4(it) => it.into_inner()?,
            Kind::Zstd(it) => it.finish(),
        };
        if reader.fill_buf()?.is_empty() {
            Ok((reader, self.left))
        } else {
            Err(io::Error::other(ArchiveError::damaged("", "bytes follow where its compression ends")))
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let made = match &mut self.kind {
            // No compression, nothing made.
            Kind::Plain(it) => return it.read(into),
            Kind::Zlib(it) => it.read(into),
            Kind::Gzip(it) => it.read(into),
            Kind::Lz4(it) => it.read(into),
            Kind::Zstd(it) => it.read(into).map_err(of_zstd),
        };
        let made = made.map_err(ArchiveError::of_decoder)?;
        let left = self.left.checked_sub(made as u64);
        self.left = left.ok_or_else(|| io::Error::other(ArchiveError::too_large("", "it decompresses to more bytes than are allowed")))?;
        Ok(made)
    }
}

/// zstd's own sentence says neither what nor the way out.
fn of_zstd(error: io::Error) -> io::Error {
    if error.get_ref().is_some_and(|it| it.to_string().contains("too much memory")) {
        let what = "its zstd needs a larger window than is allowed (a level above 19, or `long`); `--compress=zstd:3` needs less";
        io::Error::other(ArchiveError::too_large("", what))
    } else {
        error
    }
}

/// Frames of LZ4, one after another. The decoder of one frame takes an input that ends between two blocks for the frame's end, and is not made
/// to go on with another frame; so each has a decoder, and it is seen whether one ran into the end of the input.
struct Lz4<R: BufRead> {
    /// None only while one frame's decoder is exchanged for the next's.
    frame: Option<Box<FrameDecoder<Noted<R>>>>,
    ended: bool,
}

struct Noted<R> {
    reader: R,
    ran_out: bool,
}

impl<R: Read> Noted<R> {
    fn frame(reader: R) -> Box<FrameDecoder<Self>> {
        Box::new(FrameDecoder::new(Self { reader, ran_out: false }))
    }
}

impl<R: Read> Read for Noted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let amount = self.reader.read(into)?;
        self.ran_out |= amount == 0 && !into.is_empty();
        Ok(amount)
    }
}

impl<R: BufRead> Lz4<R> {
    fn new(reader: R) -> Self {
        Self { frame: Some(Noted::frame(reader)), ended: false }
    }

    fn into_inner(self) -> io::Result<R> {
        self.frame.map(|it| it.into_inner().reader).ok_or_else(|| io::Error::other(ArchiveError::Failed))
    }
}

impl<R: BufRead> Read for Lz4<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !into.is_empty() {
            let frame = self.frame.as_mut().ok_or_else(|| io::Error::other(ArchiveError::Failed))?;
            let made = frame.read(into)?;
            if made > 0 {
                return Ok(made);
            }
            let noted = frame.get_mut();
            if noted.ran_out {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.ended = noted.reader.fill_buf()?.is_empty();
            if !self.ended {
                self.frame = self.frame.take().map(|it| Noted::frame(it.into_inner().reader));
            }
        }
        Ok(0)
    }
}
