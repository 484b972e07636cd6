//! A Mastodon server to take along: rows, media on disk, its environment; and the program that does it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::database::Database;

/// Made by `age-keygen` for these tests.
const IDENTITY: &str = "AGE-SECRET-KEY-1RTAQ05QS58WUULLTF9HTG2ZHHGEHXPP6GUNTPUACM3KVZYR0CF0S3U0F05\n";
const RECIPIENT: &str = "age13qpmgghat8ql840su5tq5fe5ngmf930664dqcgnlynqhugj0u9jsn3hh4y";
/// Accounts with a picture, and attachments with two.
const ACCOUNTS: usize = 100;
const ATTACHMENTS: usize = 60;

pub struct Server {
    pub database: Database,
    /// Mastodon's, with a key beside it, and room for what a test makes.
    pub folder: TempDir,
}

impl Server {
    pub fn new() -> Self {
        let database = Database::seeded();
        database.sql(&format!(
            "INSERT INTO accounts (id, username, note, avatar_file_name, avatar_file_size, created_at, updated_at)
               SELECT i, 'person' || i, E'tab\\tand line\\n' || i, 'a.png', 1000, now(), now() FROM generate_series(1, {ACCOUNTS}) i;
             INSERT INTO users (id, email, account_id, created_at, updated_at)
               SELECT i, 'person' || i || '@a.example', i, now(), now() FROM generate_series(1, {ACCOUNTS}) i;
             INSERT INTO statuses (account_id, local, text, created_at, updated_at)
               SELECT 1 + i % {ACCOUNTS}, true, md5(i::text) || md5('and' || i), now(), now() FROM generate_series(1, 5000) i;
             INSERT INTO media_attachments (id, account_id, file_file_name, file_content_type, file_file_size, created_at, updated_at)
               SELECT i, 1 + i % {ACCOUNTS}, 'x.png', 'image/png', 9000, now(), now() FROM generate_series(1, {ATTACHMENTS}) i;"
        ));
        let folder = tempfile::tempdir().unwrap();
        let system = folder.path().join("live/public/system");
        let write = |key: String, bytes: usize| {
            let path = system.join(&key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, noise(&key, bytes)).unwrap();
        };
        for id in 1..=ACCOUNTS {
            write(format!("accounts/avatars/000/000/{id:03}/original/a.png"), 1000 + 700 * id);
        }
        for id in 1..=ATTACHMENTS {
            write(format!("media_attachments/files/000/000/{id:03}/original/x.png"), if id % 20 == 0 { 1_500_000 } else { 90_000 });
            write(format!("media_attachments/files/000/000/{id:03}/small/x.png"), 9000);
        }
        let secrets = ["PRIMARY_KEY", "DETERMINISTIC_KEY", "KEY_DERIVATION_SALT"];
        let secrets: String =
            secrets.iter().map(|name| format!("ACTIVE_RECORD_ENCRYPTION_{name}=abcdefghijklmnopqrstuvwxyz012345\n")).collect();
        let environment = format!(
            "LOCAL_DOMAIN=a.example\nDATABASE_URL={}\nSECRET_KEY_BASE={}\n{secrets}VAPID_PRIVATE_KEY=private\nVAPID_PUBLIC_KEY=public\nOTP_SECRET=otp\n",
            database.url,
            "0123456789abcdef".repeat(8)
        );
        fs::write(folder.path().join("live/.env.production"), environment).unwrap();
        fs::write(folder.path().join("key.txt"), IDENTITY).unwrap();
        Self { database, folder }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn create(&self, to: &Path) -> Command {
        let mut create = howdah();
        create.args(["bundle", "create", "--recipient", RECIPIENT, "--env-file"]).arg(self.at("live/.env.production")).arg("--to").arg(to);
        create
    }

    pub fn verify(&self, from: &Path) -> Command {
        let mut verify = howdah();
        verify.args(["bundle", "verify", "--json", "--identity"]).arg(self.at("key.txt")).arg(from);
        verify
    }

    pub fn restore(&self, from: &Path, to: &Database, below: &Path) -> Command {
        let mut restore = howdah();
        restore.args(["bundle", "restore", "--identity"]).arg(self.at("key.txt")).arg(from).arg("--media-to").arg(below.join("system"));
        restore.arg("--env-to").arg(below.join(".env.production")).env("HOWDAH_BUNDLE_DATABASE_URL", to.url.as_str());
        restore
    }

    /// Whether all of the server's media, and nothing else, lies there.
    pub fn media_is_in(&self, system: &Path) -> bool {
        let files = |of: &Path| {
            let mut files = Vec::new();
            walk(of, of, &mut files);
            files.sort();
            files
        };
        files(&self.at("live/public/system")) == files(system)
    }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, files);
        } else {
            files.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
}

/// Bytes that no compression makes fewer; others for each name.
fn noise(name: &str, bytes: usize) -> Vec<u8> {
    let mut state =
        name.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(bytes).collect()
}

/// The program, with nothing of this process' own settings.
pub fn howdah() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_howdah"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOWDAH_") || name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
}

pub fn ran(command: &mut Command) -> Output {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}\n{}{}", done.status, text(&done.stdout), text(&done.stderr));
    done
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What `verify --json` says of a bundle that holds.
pub fn content_digest(verify: &mut Command) -> String {
    let said: serde_json::Value = serde_json::from_slice(&ran(verify).stdout).unwrap();
    said["content_digest"].as_str().unwrap().to_owned()
}
