//! How much a dump may be. What is read in passing is bounded by the input alone; these bound what is held, and what a decompressor makes.

/// Of a dump. The defaults suit a server of any size, and keep all that is held but the row in hand below about 32 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the table of contents.
    pub entries: u32,
    /// Bytes of one text in the table of contents: a function's body, a view's definition.
    pub text: u32,
    /// Bytes of all names, kinds and statements that are kept of the table of contents.
    pub kept: usize,
    /// Bytes of one row. Less than 256 KiB, which are read at once, is no less than that.
    pub row: usize,
    /// Columns of one table; PostgreSQL has no more than 1,600.
    pub columns: usize,
    /// Bytes that all compressed parts make together.
    pub decompressed: u64,
    /// Logarithm to base 2 of the window that zstd may ask to be held. What every reader of zstd should take is 23, 8 MiB; only levels above
    /// 19 and `long` need more.
    pub zstd_window_log: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 100_000, text: 16 << 20, kept: 16 << 20, row: 64 << 20, columns: 1600, decompressed: 1 << 42, zstd_window_log: 23 }
    }
}

/// The longest name, kind or version, in bytes. A function's name has the types of its arguments with it.
pub(super) const NAME: usize = 64 << 10;

/// The longest statement that is parsed, in bytes: a `COPY` that names 1,600 columns, each quoted.
pub(super) const STATEMENT: usize = 512 << 10;
