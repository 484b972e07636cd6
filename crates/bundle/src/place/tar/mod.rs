//! The tar format, as far as a bundle needs it: POSIX ustar, with pax headers for names that don't fit, and sizes of 8 GiB and more in base 256,
//! as all tars of today write and read them.
//!
//! Reading is strict, since a bundle may come from anywhere: what is not a regular file with a known name is refused, and so is everything that
//! two readers could understand differently.

mod header;
mod headers;

pub(super) use header::{header, padding};
pub(super) use headers::{Headers, Step, padded};

pub(super) const BLOCK: usize = 512;
pub(super) type Block = [u8; BLOCK];
