use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use age::{DecryptError, Decryptor, stream::StreamReader};

use super::{Identities, SealError, WorkFactor};

/// The most that a header may have, in bytes: a few hundred recipients.
pub const HEADER_LIMIT: usize = 32 * 1024;

const BUFFER: usize = 64 * 1024;

/// Reads what was sealed. Its read errors are [`SealError`]s inside an [`io::Error`]: `UnexpectedEof` or `InvalidData` for a file that is not
/// whole, which is known at its end alone.
pub struct Opener<R: Read> {
    name: String,
    plain: StreamReader<Chain<Cursor<Vec<u8>>, BufReader<R>>>,
}

impl<R: Read> Opener<R> {
    /// Reads the header. `name`: the file's, for errors.
    ///
    /// # Errors
    /// [`SealError`]: no age file, other keys, another passphrase, too much work wanted, cut short.
    pub fn new(name: &str, input: R, identities: &Identities) -> Result<Self, SealError> {
        Self::with_most_work(name, input, identities, WorkFactor::MOST)
    }

    /// As [`Self::new`], for who has less memory to spare.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn with_most_work(name: &str, input: R, identities: &Identities, most: WorkFactor) -> Result<Self, SealError> {
        let mut input = BufReader::with_capacity(BUFFER, input);
        let header = header(name, &mut input)?;
        let refused = |error| refused(name, error, most);
        let decryptor = Decryptor::new_buffered(Cursor::new(header).chain(input)).map_err(refused)?;
        match (identities, decryptor.is_scrypt()) {
            (Identities::Keys(_), true) => return Err(SealError::WantsPassphrase { name: name.to_owned() }),
            (Identities::Passphrase(_), false) => return Err(SealError::WantsKey { name: name.to_owned() }),
            _ => {}
        }
        let known = identities.for_age(most);
        let plain = decryptor.decrypt(known.iter().map(|it| &**it)).map_err(refused)?;
        Ok(Self { name: name.to_owned(), plain })
    }
}

/// All lines up to the one with the MAC. age's own reading is unbounded.
fn header<R: Read>(name: &str, input: &mut BufReader<R>) -> Result<Vec<u8>, SealError> {
    const FIRST: &[u8] = b"age-encryption.org/";
    let mut header = Vec::new();
    loop {
        let start = header.len();
        let left = (HEADER_LIMIT - start) as u64;
        let read =
            input.by_ref().take(left).read_until(b'\n', &mut header).map_err(|source| SealError::Read { name: name.to_owned(), source })?;
        if start == 0 && !header.starts_with(FIRST) {
            return Err(not_age(name, &header));
        }
        match &header[start..] {
            [.., b'\n'] if header[start..].starts_with(b"---") => return Ok(header),
            [.., b'\n'] => {}
            _ if (read as u64) < left => return Err(SealError::Truncated { name: name.to_owned() }),
            _ => return Err(SealError::Damaged { name: name.to_owned() }),
        }
    }
}

fn not_age(name: &str, start: &[u8]) -> SealError {
    let name = name.to_owned();
    if start.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") {
        SealError::Armored { name }
    } else if !start.is_empty() && b"age-encryption.org/".starts_with(start) {
        SealError::Truncated { name }
    } else {
        SealError::NotAge { name }
    }
}

fn refused(name: &str, error: DecryptError, most: WorkFactor) -> SealError {
    let name = name.to_owned();
    match error {
        DecryptError::NoMatchingKeys => SealError::WrongKey { name },
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => SealError::WrongPassphrase { name },
        DecryptError::ExcessiveWork { required, .. } => SealError::Work { name, wanted: required, most: most.log_n() },
        DecryptError::UnknownFormat => SealError::Version { name },
        DecryptError::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => SealError::Truncated { name },
        DecryptError::Io(source) => SealError::Read { name, source },
        _ => SealError::Damaged { name }, // a header or its MAC
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.plain.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SealError::Truncated { name: self.name.clone() }.into(),
            io::ErrorKind::InvalidData => SealError::Damaged { name: self.name.clone() }.into(),
            _ => error,
        })
    }
}
