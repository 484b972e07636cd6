//! The `pg_dump` to run: of the right version, and what it can compress with.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Compression, DumpError, PgDump};

/// The first that compresses with zstd, and takes an algorithm's name.
const ZSTD_SINCE: u32 = 16;

impl PgDump {
    /// Where there is one of that major version: the given path (`--pg-dump` or `PG_DUMP`) or, without one, the usual folders and those of
    /// `search`, a `PATH`.
    ///
    /// # Errors
    /// [`DumpError`] says what to install.
    pub fn find(server_major: u32, given: Option<&Path>, search: Option<&OsStr>) -> Result<Self, DumpError> {
        if let Some(path) = given {
            let version =
                version(path, search).map_err(|source| DumpError::NotRun { path: path.to_owned(), wanted: server_major, source })?;
            if major(&version) != Some(server_major) {
                return Err(DumpError::WrongVersion { path: path.to_owned(), found: version, wanted: server_major });
            }
            return Ok(Self::of(path, version, server_major, search));
        }
        let mut found = Vec::new();
        for path in candidates(server_major, search) {
            match version(&path, search) {
                Ok(version) if major(&version) == Some(server_major) => return Ok(Self::of(&path, version, server_major, search)),
                Ok(version) => found.push(format!("{} at {}", version.trim_start_matches("pg_dump "), path.display())),
                Err(_) => {}
            }
        }
        Err(DumpError::NotFound { wanted: server_major, found })
    }

    fn of(path: &Path, version: String, major: u32, search: Option<&OsStr>) -> Self {
        let compression = if major >= ZSTD_SINCE && has_zstd(path, search) { Compression::Zstd } else { Compression::Gzip };
        Self { path: path.to_owned(), version, compression, search: search.map(OsString::from) }
    }

    /// `-Z`: of the fastest level, which zstd makes smaller than gzip's default with a fraction of its work.
    pub(super) fn compress_argument(&self) -> &'static str {
        match (self.compression, major(&self.version)) {
            (Compression::Zstd, _) => "--compress=zstd:1",
            (Compression::Gzip, Some(ZSTD_SINCE..)) => "--compress=gzip:1",
            (Compression::Gzip, _) => "--compress=1",
        }
    }
}

/// Debian's folders, Red Hat's, Alpine's, and then `PATH`, where a wrapper script may choose by itself.
fn candidates(major: u32, search: Option<&OsStr>) -> Vec<PathBuf> {
    let usual = [format!("/usr/lib/postgresql/{major}/bin"), format!("/usr/pgsql-{major}/bin"), format!("/usr/libexec/postgresql{major}")];
    let of_path = search.map(|it| env::split_paths(it).filter(|it| it.is_absolute()).collect::<Vec<_>>()).unwrap_or_default();
    usual.into_iter().map(PathBuf::from).chain(of_path).map(|it| it.join("pg_dump")).filter(|it| it.is_file()).collect()
}

/// With none of this process' environment but what programs are found by.
pub fn command(path: &Path, search: Option<&OsStr>) -> Command {
    let mut command = Command::new(path);
    command.env_clear().stdin(Stdio::null()).env("LC_ALL", "C");
    if let Some(search) = search {
        command.env("PATH", search);
    }
    if let Some(libraries) = env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command
}

/// Such as `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version(path: &Path, search: Option<&OsStr>) -> io::Result<String> {
    let output = command(path, search).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim();
    if output.status.success() && line.starts_with("pg_dump ") && line.len() < 200 {
        Ok(line.to_owned())
    } else {
        Err(io::Error::other("it says no version of pg_dump"))
    }
}

fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number[..number.find(|it: char| !it.is_ascii_digit()).unwrap_or(number.len())].parse().ok()
}

/// Whether this build has zstd: it refuses what it lacks before it connects, and there is nothing to connect to.
fn has_zstd(path: &Path, search: Option<&OsStr>) -> bool {
    let mut command = command(path, search);
    command.env("PGHOST", "/nonexistent").args([
        "--format=custom",
        "--compress=zstd:1",
        "--no-password",
        "--dbname=none",
        "--file=/dev/null",
    ]);
    command.output().is_ok_and(|it| String::from_utf8_lossy(&it.stderr).contains("connection to server"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::program;
    use super::*;

    const SAYS_99: &str = r#"[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 99.1 (Test)"; exit; }"#;

    #[test]
    fn versions_are_read() {
        for (text, expected) in [
            ("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some(15)),
            ("pg_dump (PostgreSQL) 9.6.24", Some(9)),
            ("pg_dump (PostgreSQL) 18beta1", Some(18)),
            ("pg_dump (EnterpriseDB) 15.1", None),
        ] {
            assert_eq!(major(text), expected, "{text}");
        }
    }

    #[test]
    fn one_of_the_servers_version_is_found_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let search = folder.path().as_os_str();
        let path = program(folder.path(), SAYS_99);
        let found = PgDump::find(99, None, Some(search)).unwrap();
        assert_eq!((found.path.as_path(), found.version()), (path.as_path(), "pg_dump (PostgreSQL) 99.1 (Test)"));
        let error = PgDump::find(98, None, Some(search)).unwrap_err().to_string();
        assert!(error.contains("(PostgreSQL) 99.1 (Test) at") && error.contains("postgresql-client-98"), "{error}");
        let error = PgDump::find(98, Some(&path), None).unwrap_err().to_string();
        assert!(error.contains("PostgreSQL 98") && error.contains("postgresql-client-98"), "{error}");
        let error = PgDump::find(98, Some(Path::new("/nonexistent/pg_dump")), None).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/pg_dump can't be run"), "{error}");
    }

    #[test]
    fn a_build_tells_whether_it_has_zstd() {
        let folder = tempfile::tempdir().unwrap();
        for (refusal, compression, argument) in [
            ("connection to server on socket \"/nonexistent/.s.PGSQL.5432\" failed", Compression::Zstd, "--compress=zstd:1"),
            ("this build does not support compression with ZSTD", Compression::Gzip, "--compress=gzip:1"),
        ] {
            let path = program(folder.path(), &format!("{SAYS_99}\necho '{refusal}' >&2; exit 1"));
            let found = PgDump::find(99, Some(&path), None).unwrap();
            assert_eq!((found.compression(), found.compress_argument()), (compression, argument));
        }
    }
}
