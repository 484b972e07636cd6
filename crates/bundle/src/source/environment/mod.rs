//! A server's environment: read as Mastodon reads it, written for the bundle.

mod compose;
mod dotenv;
mod names;
mod write;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::format::Finding;
use crate::source::notice;

pub use write::Portable;
pub(super) use write::dotenv_line;

/// An `.env.production` has some 10 KB.
const LARGEST: u64 = 256 << 10;

/// Variables in the order in which they were first set. Values are never shown: some are secrets.
#[derive(Clone, Default)]
pub struct Environment {
    variables: Vec<(String, String)>,
    findings: Vec<Finding>,
}

#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    #[error(
        "{path} can't be read: {source}; --env-file names the server's .env.production, and this program has to run as somebody who may read it"
    )]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} has more than {LARGEST} bytes: that is no .env.production")]
    Large { path: PathBuf },
    #[error("{path} is not written in UTF-8 (line {line}): that is no .env.production")]
    Encoding { path: PathBuf, line: usize },
}

impl Environment {
    /// # Errors
    /// [`EnvironmentError`].
    pub fn from_file(path: &Path, outer: &dyn Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        let unreadable = |source| EnvironmentError::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        File::open(path).and_then(|it| it.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST {
            return Err(EnvironmentError::Large { path: path.to_owned() });
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Self::from_dotenv(text, outer)),
            Err(error) => {
                let line = 1 + bytes[..error.valid_up_to()].iter().filter(|it| **it == b'\n').count();
                Err(EnvironmentError::Encoding { path: path.to_owned(), line })
            }
        }
    }

    /// The text of an `.env.production`. `outer` answers for variables that the file refers to and doesn't set, such as `$HOME`.
    #[must_use]
    pub fn from_dotenv(text: &str, outer: &dyn Fn(&str) -> Option<String>) -> Self {
        let dotenv::Dotenv { variables, findings } = dotenv::read(text, outer);
        Self { variables, findings }
    }

    /// Only what Mastodon itself reads: of somebody else's environment, nothing that a shell, Ruby or the linker would act on.
    #[must_use]
    pub fn known(mut self) -> Self {
        self.variables.retain(|(name, _)| names::is_known(name));
        self
    }

    /// A process' own, inside a pod: only the variables that Mastodon knows.
    #[must_use]
    pub fn from_process(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|it| names::is_known(it)) else { continue };
            match value.into_string() {
                Ok(value) => environment.variables.push((name.to_owned(), value)),
                Err(_) => environment.findings.push(notice(
                    name,
                    "not_text",
                    format!("the value of {name} is no text in UTF-8, and was left out"),
                )),
            }
        }
        environment.variables.sort();
        environment
    }

    /// The value of a variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|it| !it.is_empty())
    }

    /// The value of a variable that is set, though it be empty.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| name.as_str())
    }

    /// Lines that are no assignment, commands that were not run, and the like.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

#[cfg(test)]
mod tests;

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
