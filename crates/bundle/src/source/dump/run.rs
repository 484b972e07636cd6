//! One run of `pg_dump`.

use std::io::{self, Read};
use std::process::{Child, ChildStderr, ChildStdout, Stdio};
use std::thread::{self, JoinHandle};

use secrecy::ExposeSecret as _;

use super::{DumpError, PgDump, find};
use crate::source::settings::{DatabaseHost, DatabaseSettings, Roots};

/// Of what it complains, the last.
const MOST_STDERR: usize = 8 << 10;
/// How far it may be ahead of who reads it: what Linux lets anybody have, and some 5 MB of rows.
const AHEAD: usize = 1 << 20;

impl PgDump {
    /// `snapshot`: [`crate::source::Snapshot::id`], which has to live as long. The password goes by the environment, never by the arguments,
    /// which everybody on the machine sees.
    ///
    /// # Errors
    /// [`DumpError::NotStarted`].
    pub fn start(&self, settings: &DatabaseSettings, snapshot: &str) -> Result<Dump, DumpError> {
        let mut command = find::command(&self.path, self.search.as_deref());
        command
            .args(["--format=custom", self.compress_argument(), "--no-owner", "--no-acl", "--schema=public"])
            .args(["--no-password", "--lock-wait-timeout=30000"])
            .arg(format!("--snapshot={snapshot}"))
            .env("PGAPPNAME", "howdah bundle")
            .env("PGCONNECT_TIMEOUT", "10")
            .env("PGPORT", settings.port.to_string())
            .env("PGUSER", &settings.user)
            .env("PGDATABASE", &settings.name)
            .env("PGSSLMODE", settings.tls.mode.as_str());
        match &settings.host {
            DatabaseHost::Tcp(host) => command.env("PGHOST", host),
            DatabaseHost::Socket(folder) => command.env("PGHOST", folder),
        };
        if let Some(password) = &settings.password {
            command.env("PGPASSWORD", password.expose_secret());
        }
        match &settings.tls.roots {
            Some(Roots::File(path)) => drop(command.env("PGSSLROOTCERT", path)),
            Some(Roots::System) => drop(command.env("PGSSLROOTCERT", "system")),
            None => {}
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(DumpError::NotStarted)?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(DumpError::NotStarted(io::Error::other("it has no output")));
        };
        // Both go on while the other is busy. Where the system gives less, it is slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, AHEAD);
        Ok(Dump { child, stdout, stderr: Some(thread::spawn(move || last_of(stderr))), outcome: None })
    }
}

/// Its archive. Reading blocks; the end is told only after `pg_dump` said that all is well, and is an error otherwise. Killed when dropped.
#[derive(Debug)]
pub struct Dump {
    child: Child,
    stdout: ChildStdout,
    stderr: Option<JoinHandle<String>>,
    /// Of the finished process: its status and complaints, where it failed.
    outcome: Option<Result<(), (String, String)>>,
}

impl Dump {
    /// Whether all was read and `pg_dump` ended well.
    ///
    /// # Errors
    /// [`DumpError::Failed`]; [`DumpError::Unread`] where there is more.
    pub fn finish(mut self) -> Result<(), DumpError> {
        if self.outcome.is_none() && self.stdout.read(&mut [0; 1]).map_err(DumpError::Read)? > 0 {
            return Err(DumpError::Unread);
        }
        self.end()
    }

    /// After the last byte.
    fn end(&mut self) -> Result<(), DumpError> {
        if self.outcome.is_none() {
            let status = self.child.wait().map_err(DumpError::Read)?;
            let stderr = self.stderr.take().and_then(|it| it.join().ok()).unwrap_or_default();
            self.outcome = Some(if status.success() { Ok(()) } else { Err((status.to_string(), stderr)) });
        }
        match &self.outcome {
            Some(Err((status, stderr))) => Err(DumpError::Failed { status: status.clone(), stderr: stderr.clone() }),
            _ => Ok(()),
        }
    }
}

impl Read for Dump {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stdout.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            self.end().map_err(io::Error::other)?;
        }
        Ok(read)
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        if self.outcome.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Reads all, so that it never blocks, and keeps the end.
fn last_of(mut stderr: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..read]);
        kept.drain(..kept.len().saturating_sub(MOST_STDERR));
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::tests::program;
    use super::*;
    use crate::source::{Compression, Place};

    fn pg_dump(folder: &Path, script: &str) -> PgDump {
        let path = program(folder, script);
        PgDump {
            path,
            version: "pg_dump (PostgreSQL) 15.1".to_owned(),
            compression: Compression::Gzip,
            search: Some("/usr/bin:/bin".into()),
        }
    }

    fn settings() -> DatabaseSettings {
        DatabaseSettings::from_url("postgres://birds:hunter2@db.example:5433/nest?sslmode=require", &Place::default()).unwrap()
    }

    #[test]
    fn the_password_is_in_the_environment_alone() {
        let folder = tempfile::tempdir().unwrap();
        let dump = pg_dump(folder.path(), r#"echo "$@"; echo "$PGHOST $PGPORT $PGUSER $PGDATABASE $PGPASSWORD $PGSSLMODE""#);
        let mut started = dump.start(&settings(), "00000003-1").unwrap();
        let mut text = String::new();
        started.read_to_string(&mut text).unwrap();
        started.finish().unwrap();
        let (arguments, environment) = text.trim().split_once('\n').unwrap();
        assert_eq!(
            arguments,
            "--format=custom --compress=1 --no-owner --no-acl --schema=public --no-password --lock-wait-timeout=30000 --snapshot=00000003-1"
        );
        assert_eq!(environment, "db.example 5433 birds nest hunter2 require");
    }

    #[test]
    fn the_end_of_a_failed_dump_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let dump = pg_dump(folder.path(), "echo half; seq 100000 >&2; echo 'server closed the connection' >&2; exit 1");
        let mut started = dump.start(&settings(), "1").unwrap();
        let mut text = String::new();
        let error = started.read_to_string(&mut text).unwrap_err().to_string();
        assert!(error.contains("exit status: 1") && error.ends_with("server closed the connection") && error.len() < 9000, "{error}");
        assert_eq!(text, "half\n");
        assert!(matches!(started.finish(), Err(DumpError::Failed { .. })));
    }

    #[test]
    fn a_killed_or_half_read_dump_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let killed = pg_dump(folder.path(), "echo half; kill -9 $$").start(&settings(), "1").unwrap();
        assert!(matches!(killed.finish(), Err(DumpError::Unread)));
        let mut killed = pg_dump(folder.path(), "echo half; kill -9 $$").start(&settings(), "1").unwrap();
        assert!(killed.read_to_string(&mut String::new()).unwrap_err().to_string().contains("signal: 9"));
    }

    #[test]
    fn dropping_it_ends_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut started = pg_dump(folder.path(), "echo $$; exec sleep 1000").start(&settings(), "1").unwrap();
        let mut buffer = [0; 20];
        let length = started.read(&mut buffer).unwrap();
        let process = format!("/proc/{}", String::from_utf8_lossy(&buffer[..length]).trim());
        assert!(Path::new(&process).exists());
        drop(started);
        assert!(!Path::new(&process).exists());
    }
}
