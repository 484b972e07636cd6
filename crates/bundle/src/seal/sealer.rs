use std::io::{self, Write};

use age::stream::StreamWriter;

use super::{Recipients, SealError};

/// Seals what is written to it into `W`. Without [`Self::finish`] no opener takes it for whole.
pub struct Sealer<W: Write>(StreamWriter<W>);

impl<W: Write> Sealer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`SealError::Write`].
    pub fn new(output: W, recipients: &Recipients) -> Result<Self, SealError> {
        recipients.encryptor()?.wrap_output(output).map(Self).map_err(SealError::Write)
    }

    /// Writes the last chunk, and gives the output back, which the caller finishes.
    ///
    /// # Errors
    /// [`SealError::Write`].
    pub fn finish(self) -> Result<W, SealError> {
        self.0.finish().map_err(SealError::Write)
    }
}

impl Sealer<Vec<u8>> {
    /// Something small, whole.
    ///
    /// # Errors
    /// [`SealError::Write`].
    pub fn seal(plain: &[u8], recipients: &Recipients) -> Result<Vec<u8>, SealError> {
        let mut sealer = Self::new(Vec::with_capacity(plain.len() + 1024), recipients)?;
        sealer.write_all(plain).map_err(SealError::Write)?;
        sealer.finish()
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
