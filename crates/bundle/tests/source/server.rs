//! A server to be taken along: filled, with its folder; and what is done with a bundle of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use howdah_bundle::create::{Options, SealWith};
use howdah_bundle::format::{Consistency, Finding, Verify};
use howdah_bundle::load::Duplicates;
use howdah_bundle::media::{Store, StoreSettings};
use howdah_bundle::place::{Location, Place};
use howdah_bundle::restore::{self, RestoreError};
use howdah_bundle::seal::{Identities, Recipients, WorkFactor};
use howdah_bundle::sign::PublicKey;
use howdah_bundle::source::{self, Environment};
use howdah_bundle::verify::{self, verify};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::facts::people;
use crate::support::TestDatabase;

const PASSPHRASE: &str = "correct horse battery staple";

pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// A server with its folder: `.env.production`, `public/system`.
pub struct Server {
    pub database: TestDatabase,
    pub folder: TempDir,
}

/// Files of the rows of [`people`], of another server's row, and of none.
pub const FILES: [(&str, usize); 11] = [
    ("accounts/avatars/000/000/001/original/a.png", 1000),
    ("accounts/headers/000/000/002/original/h.png", 200),
    ("media_attachments/files/000/000/001/original/x.mp4", 2_500_000),
    ("media_attachments/files/000/000/001/small/x.png", 4000),
    ("media_attachments/thumbnails/000/000/001/original/x.png", 30),
    ("site_uploads/files/000/000/001/original/t.png", 5),
    ("site_uploads/files/000/000/001/@1x/t.png", 3),
    ("site_uploads/files/000/000/001/@2x/t.png", 4),
    ("media_attachments/files/000/000/002/original/y.png", 9),
    ("media_attachments/files/000/000/777/original/nobody.png", 12),
    ("cache/accounts/avatars/000/000/003/original/c.png", 77),
];
/// Of those, the server's own.
pub const OWN: usize = 8;

impl Server {
    pub async fn new() -> Self {
        let database = TestDatabase::mastodon().await;
        database.owner(&people()).await;
        // Its value was encrypted with keys that this server doesn't have.
        database.owner("UPDATE users SET otp_secret = NULL").await;
        let folder = tempfile::tempdir().unwrap();
        for (key, bytes) in FILES {
            let path = folder.path().join("public/system").join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content(key, bytes)).unwrap();
        }
        Self { database, folder }
    }

    pub fn options(&self, to: Place, seal: SealWith) -> Options {
        let url = self.database.url();
        let secrets = ["PRIMARY_KEY", "DETERMINISTIC_KEY", "KEY_DERIVATION_SALT"];
        let secrets: String =
            secrets.iter().map(|name| format!("ACTIVE_RECORD_ENCRYPTION_{name}=abcdefghijklmnopqrstuvwxyz012345\n")).collect();
        let text = format!(
            "# hosts\nLOCAL_DOMAIN=a.example\nDATABASE_URL={url}\nSECRET_KEY_BASE={}\n{secrets}VAPID_PRIVATE_KEY=private\n\
             VAPID_PUBLIC_KEY=public\nOTP_SECRET=otp\nDEFAULT_LOCALE='pt-BR'\nSMTP_PASSWORD=hunter3\n",
            "0123456789abcdef".repeat(8)
        );
        Options {
            environment: Environment::from_dotenv(&text, &|_| None),
            place: source::Place { root: Some(self.folder.path().to_owned()), ..source::Place::default() },
            mode: Consistency::Live,
            seal,
            recovery_key: None,
            sign: None,
            to,
            incremental_from: None,
            spool: None,
            pg_dump: None,
            from_dump: None,
            search: std::env::var_os("PATH"),
            made_by: "a test".to_owned(),
        }
    }
}

/// Never the same in two files.
pub fn content(key: &str, bytes: usize) -> Vec<u8> {
    key.bytes().cycle().enumerate().map(|(at, byte)| byte ^ (at / 251) as u8).take(bytes).collect()
}

pub fn place(path: &Path) -> Place {
    Place::at(&path.display().to_string().parse::<Location>().unwrap(), None).unwrap()
}

pub fn passphrase() -> (SealWith, Arc<Identities>) {
    let secret = || SecretString::from(PASSPHRASE);
    let recipients = Recipients::passphrase(secret(), WorkFactor::new(4).unwrap()).unwrap();
    (SealWith::Recipients(recipients), Arc::new(Identities::passphrase(secret()).unwrap()))
}

pub async fn verified(from: &Path, identities: Option<&Identities>) -> Verify {
    signed_verified(from, identities, &[]).await
}

pub async fn signed_verified(from: &Path, identities: Option<&Identities>, signers: &[PublicKey]) -> Verify {
    let options = verify::Options { identities, signers, verified_by: "a test" };
    verify(&place(from), options, &now, &|_| {}).await.unwrap().verify
}

pub fn reasons(verify: &Verify) -> Vec<(&str, &str)> {
    verify.findings.iter().map(|Finding { object, reason, .. }| (object.as_str(), reason.as_str())).collect()
}

/// Each table's rows as COPY writes them, sorted.
pub async fn all_rows(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    let mut all = BTreeMap::new();
    for table in database.owner.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let rows = database.owner.query(&format!(r#"SELECT t::text FROM public."{table}" t ORDER BY 1"#), &[]).await.unwrap();
        all.insert(table, rows.iter().map(|it| it.get(0)).collect());
    }
    all
}

pub async fn sequences(database: &TestDatabase) -> Vec<(String, Option<i64>)> {
    let all = "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1";
    database.owner.query(all, &[]).await.unwrap().iter().map(|it| (it.get(0), it.get(1))).collect()
}

pub async fn restore_into(
    target: &TestDatabase,
    from: &Path,
    identities: Option<Arc<Identities>>,
    to: &Path,
) -> Result<restore::Restored, RestoreError> {
    restore_with(target, Duplicates::Refuse, from, identities, to).await
}

pub async fn restore_with(
    target: &TestDatabase,
    duplicates: Duplicates,
    from: &Path,
    identities: Option<Arc<Identities>>,
    to: &Path,
) -> Result<restore::Restored, RestoreError> {
    let media = to.join("system");
    std::fs::create_dir_all(&media).unwrap();
    let options = restore::Options {
        from: &place(from),
        identities,
        signers: &[],
        database: target.settings(),
        duplicates,
        mark: None,
        manifest_sha256: None,
        media_to: Some(Store::open_up(StoreSettings::Disk { root: media }).unwrap()),
        env_to: Some(to.join(".env.production")),
    };
    restore::restore(options, &|_| {}).await
}
