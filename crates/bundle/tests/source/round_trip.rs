//! There and back: a server is taken along, checked, and brought back into an empty one; every row and every byte is the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use howdah_bundle::create::{self, CreateError, Options, SealWith};
use howdah_bundle::format::{BundlePath, Consistency, FileFacts, Finding, Manifest, Sha256Hex, Verify};
use howdah_bundle::load::LoadError;
use howdah_bundle::media::{Store, StoreSettings};
use howdah_bundle::place::{Location, Place, PlaceError};
use howdah_bundle::restore::{self, RestoreError};
use howdah_bundle::seal::{Identities, Recipients, WorkFactor};
use howdah_bundle::source::{self, Environment};
use howdah_bundle::verify::verify;
use secrecy::SecretString;
use tempfile::TempDir;

use crate::facts::people;
use crate::support::TestDatabase;

const PASSPHRASE: &str = "correct horse battery staple";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// A server with its folder: `.env.production`, `public/system`.
struct Server {
    database: TestDatabase,
    folder: TempDir,
}

/// Files of the rows of [`people`], of another server's row, and of none.
const FILES: [(&str, usize); 11] = [
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
const OWN: usize = 8;

impl Server {
    async fn new() -> Self {
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

    fn options(&self, to: Place, seal: SealWith) -> Options {
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
            to,
            incremental_from: None,
            spool: None,
            pg_dump: None,
            search: std::env::var_os("PATH"),
            made_by: "a test".to_owned(),
        }
    }
}

/// Never the same in two files.
fn content(key: &str, bytes: usize) -> Vec<u8> {
    key.bytes().cycle().enumerate().map(|(at, byte)| byte ^ (at / 251) as u8).take(bytes).collect()
}

fn place(path: &Path) -> Place {
    Place::at(&path.display().to_string().parse::<Location>().unwrap(), None).unwrap()
}

fn passphrase() -> (SealWith, Arc<Identities>) {
    let secret = || SecretString::from(PASSPHRASE);
    let recipients = Recipients::passphrase(secret(), WorkFactor::new(4).unwrap()).unwrap();
    (SealWith::Recipients(recipients), Arc::new(Identities::passphrase(secret()).unwrap()))
}

async fn verified(from: &Path, identities: Option<&Identities>) -> Verify {
    verify(&place(from), identities, "a test", &now, &|_| {}).await.unwrap().verify
}

fn reasons(verify: &Verify) -> Vec<(&str, &str)> {
    verify.findings.iter().map(|Finding { object, reason, .. }| (object.as_str(), reason.as_str())).collect()
}

/// Each table's rows as COPY writes them, sorted.
async fn all_rows(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    let mut all = BTreeMap::new();
    for table in database.owner.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let rows = database.owner.query(&format!(r#"SELECT t::text FROM public."{table}" t ORDER BY 1"#), &[]).await.unwrap();
        all.insert(table, rows.iter().map(|it| it.get(0)).collect());
    }
    all
}

async fn sequences(database: &TestDatabase) -> Vec<(String, Option<i64>)> {
    let all = "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1";
    database.owner.query(all, &[]).await.unwrap().iter().map(|it| (it.get(0), it.get(1))).collect()
}

async fn restore_into(
    target: &TestDatabase,
    from: &Path,
    identities: Option<Arc<Identities>>,
    to: &Path,
) -> Result<restore::Restored, RestoreError> {
    let media = to.join("system");
    std::fs::create_dir_all(&media).unwrap();
    let options = restore::Options {
        from: &place(from),
        identities,
        database: target.settings(),
        media_to: Some(Store::open_up(StoreSettings::Disk { root: media }).unwrap()),
        env_to: Some(to.join(".env.production")),
    };
    restore::restore(options, &|_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_and_every_byte_comes_back_from_a_folder_and_from_a_tar() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut digests = Vec::new();
    for name in ["birds", "birds.tar"] {
        let at = folder.path().join(name);
        let (seal, identities) = passphrase();
        let created = create::create(server.options(place(&at), seal), &now, &|_| {}).await.unwrap();
        assert_eq!(created.manifest.inventory.files, OWN as u64, "{name}");
        assert_eq!(created.manifest.inventory.orphans, 2);
        // The emoji's, original and still.
        assert_eq!(created.manifest.inventory.missing, 2);
        let verify = verified(&at, Some(&identities)).await;
        assert!(verify.holds(), "{name}: {:?}", verify.findings);
        assert_eq!(verify.content_digest, Some(created.manifest.content_digest));
        digests.push(created.manifest.content_digest);

        let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
        let restored = restore_into(&target, &at, Some(identities), to.path()).await.unwrap();
        assert_eq!((restored.media, &restored.loaded.findings[..]), (OWN as u64, &[][..]));
        assert_eq!(all_rows(&target).await, all_rows(&server.database).await);
        assert_eq!(sequences(&target).await, sequences(&server.database).await);
        for (key, bytes) in &FILES[..OWN] {
            assert!(std::fs::read(to.path().join("system").join(key)).unwrap() == content(key, *bytes), "{key}");
        }
        let environment = std::fs::read_to_string(to.path().join(".env.production")).unwrap();
        let environment = Environment::from_dotenv(&environment, &|_| None);
        assert_eq!(environment.get("LOCAL_DOMAIN"), Some("a.example"));
        assert_eq!(environment.get("DEFAULT_LOCALE"), Some("pt-BR"));
        assert_eq!(environment.get("VAPID_PUBLIC_KEY"), Some("public"));
        assert_eq!(environment.get("SMTP_PASSWORD").unwrap_or_default(), "");
    }
    assert_eq!(digests[0], digests[1], "the same content, whatever its form");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_is_found_by_its_file_and_nothing_is_restored() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let mut files = Vec::new();
    walk(&at, &mut files);
    assert!(files.len() > 15, "{files:?}");
    for file in files {
        let name = file.strip_prefix(&at).unwrap().display().to_string();
        let whole = std::fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        std::fs::write(&file, &flipped).unwrap();
        let verify = verified(&at, None).await;
        assert!(!verify.holds(), "{name} was changed, and nothing was found");
        if name != "MANIFEST.json" {
            assert!(verify.findings.iter().any(|it| it.object == name), "{name} is not named: {:?}", reasons(&verify));
        }
        if name == "postgres/mastodon_production.dump" {
            let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
            let before = all_rows(&target).await;
            restore_into(&target, &at, None, to.path()).await.unwrap_err();
            assert_eq!(all_rows(&target).await, before);
            assert!(!to.path().join(".env.production").exists());
        }
        std::fs::write(&file, &whole).unwrap();
    }
    assert!(verified(&at, None).await.holds());
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_or_added_is_found() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let key = FILES[0].0;
    std::fs::remove_file(at.join("media").join(key)).unwrap();
    std::fs::write(at.join("media/accounts/avatars/000/000/001/original/evil.png"), "x").unwrap();
    std::fs::write(at.join("env/more"), "x").unwrap();
    let verify = verified(&at, None).await;
    let reasons = reasons(&verify);
    for expected in [(&*format!("media/{key}"), "missing"), ("media", "not_in_inventory"), ("env/more", "not_in_manifest")] {
        assert!(reasons.contains(&expected), "{expected:?} is not among {reasons:?}");
    }
}

/// Changes a file, and what the manifest says of it, as somebody would who has the bundle in hand.
fn rewrite(at: &Path, name: &str, change: impl FnOnce(String) -> String) {
    let changed = change(std::fs::read_to_string(at.join(name)).unwrap());
    let mut manifest: Manifest = serde_json::from_slice(&std::fs::read(at.join("MANIFEST.json")).unwrap()).unwrap();
    let facts = FileFacts { bytes: changed.len() as u64, sha256: Sha256Hex::of(changed.as_bytes()) };
    manifest.files.insert(BundlePath::parse(name).unwrap(), facts);
    std::fs::write(at.join(name), changed).unwrap();
    std::fs::write(at.join("MANIFEST.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_of_somebody_elses_runs_nothing() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let hostile = "SITE=$(touch canary)\nLD_PRELOAD=/evil.so\nRUBYOPT=-revil\nSECRET_KEY_BASE=known\nDEFAULT_LOCALE=\"$(id)\"\n";
    rewrite(&at, "env/.env.production", |text| text + hostile);
    let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
    restore_into(&target, &at, None, to.path()).await.unwrap();
    let text = std::fs::read_to_string(to.path().join(".env.production")).unwrap();
    for evil in ["LD_PRELOAD", "RUBYOPT", "touch canary", "=known"] {
        assert!(!text.contains(evil), "{evil} came along:\n{text}");
    }
    assert!(!text.lines().any(|it| it.starts_with("DEFAULT_LOCALE=\"$(") || it.starts_with("DEFAULT_LOCALE=$(")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_that_lacks_a_part_is_neither_verified_nor_restored() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();

    // The manifest leaves the dump out, too.
    let dump = at.join("postgres/mastodon_production.dump");
    let (kept, said) = (std::fs::read(&dump).unwrap(), std::fs::read(at.join("MANIFEST.json")).unwrap());
    let mut manifest: Manifest = serde_json::from_slice(&said).unwrap();
    manifest.files.retain(|path, _| !path.as_str().ends_with(".dump"));
    std::fs::remove_file(&dump).unwrap();
    std::fs::write(at.join("MANIFEST.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    let verify = verified(&at, None).await;
    assert!(reasons(&verify).contains(&("postgres/mastodon_production.dump", "missing")), "{:?}", reasons(&verify));
    std::fs::write(&dump, kept).unwrap();
    std::fs::write(at.join("MANIFEST.json"), said).unwrap();

    // An inventory that was cut at a line's end would be a smaller server.
    let inventory = std::fs::read_to_string(at.join("media/INVENTORY.ndjson")).unwrap();
    let (first, _) = inventory.trim_end().rsplit_once('\n').unwrap();
    std::fs::write(at.join("media/INVENTORY.ndjson"), format!("{first}\n")).unwrap();
    let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
    let refused = restore_into(&target, &at, None, to.path()).await.unwrap_err();
    assert!(matches!(refused, RestoreError::InventoryDiffers), "{refused}");
    assert!(all_rows(&target).await["accounts"].is_empty());
    std::fs::write(at.join("media/INVENTORY.ndjson"), inventory).unwrap();

    rewrite(&at, "env/secrets.env", |_| "SECRET_KEY_BASE=x\n".to_owned());
    let verify = verified(&at, None).await;
    assert!(reasons(&verify).contains(&("env/secrets.env", "secrets_missing")), "{:?}", reasons(&verify));
    let refused = restore_into(&target, &at, None, to.path()).await.unwrap_err();
    assert!(matches!(refused, RestoreError::Secrets { .. }), "{refused}");
    assert!(!to.path().join(".env.production").exists() && !to.path().join(".env.production.part").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_media_that_can_not_be_followed_is_no_small_loss() {
    let server = Server::new().await;
    let system = server.folder.path().join("public/system");
    std::fs::rename(system.join("media_attachments"), server.folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(server.folder.path().join("elsewhere"), system.join("media_attachments")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    let refused = create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap_err();
    assert!(format!("{refused:#} {refused:?}").contains("media_attachments"), "{refused}");
    assert!(!at.join("MANIFEST.json").exists());

    // What it had come to is gone on with.
    std::fs::remove_file(system.join("media_attachments")).unwrap();
    std::fs::rename(server.folder.path().join("elsewhere"), system.join("media_attachments")).unwrap();
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    assert!(verified(&at, None).await.holds());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_key_a_sealed_bundle_is_compared_and_not_restored() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    let (seal, _) = passphrase();
    create::create(server.options(place(&at), seal), &now, &|_| {}).await.unwrap();
    let verify = verified(&at, None).await;
    assert!(verify.holds() && verify.content_digest.is_none(), "{:?}", verify.findings);
    let other = Identities::passphrase(SecretString::from("another")).unwrap();
    let verify = verified(&at, Some(&other)).await;
    assert!(!verify.holds(), "another passphrase must not open it");
    let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
    let before = all_rows(&target).await;
    let refused = restore_into(&target, &at, None, to.path()).await.unwrap_err();
    assert!(matches!(refused, RestoreError::NoKey), "{refused}");
    restore_into(&target, &at, Some(Arc::new(other)), to.path()).await.unwrap_err();
    assert_eq!(all_rows(&target).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_with_rows_of_another_schema_or_a_superuser_is_refused() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let to = tempfile::tempdir().unwrap();

    let full = TestDatabase::mastodon().await;
    let refused = restore_into(&full, &at, None, to.path()).await.unwrap_err();
    assert!(matches!(refused, RestoreError::Load(LoadError::NotEmpty { .. })), "{refused}");

    let newer = TestDatabase::schema_only().await;
    newer.owner("INSERT INTO schema_migrations VALUES ('20990101000000')").await;
    let refused = restore_into(&newer, &at, None, to.path()).await.unwrap_err();
    assert!(refused.to_string().contains("20990101000000"), "{refused}");
    assert_eq!(all_rows(&newer).await["accounts"], Vec::<String>::new());

    let target = TestDatabase::schema_only().await;
    let options =
        restore::Options { from: &place(&at), identities: None, database: target.superusers_settings(), media_to: None, env_to: None };
    let refused = restore::restore(options, &|_| {}).await.unwrap_err();
    assert!(matches!(refused, RestoreError::Load(LoadError::Superuser { .. })), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_a_corrupt_index_let_in_are_named() {
    let server = Server::new().await;
    server.database.owner("DROP INDEX index_users_on_email; INSERT INTO users (id, email, account_id, created_at, updated_at) VALUES (9, 'alice@a.example', 2, now(), now())").await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
    match restore_into(&target, &at, None, to.path()).await.unwrap_err() {
        RestoreError::Load(LoadError::Duplicates { rows }) => {
            assert_eq!((rows.len(), rows[0].table.as_str(), &rows[0].ids[..], rows[0].groups), (1, "users", &[1, 9][..], 1));
        }
        other => panic!("{other}"),
    }
    assert_eq!(all_rows(&target).await["users"], Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_is_not_written_over_and_not_made_without_secrets() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let refused = create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap_err();
    assert!(matches!(refused, CreateError::Place(PlaceError::Whole { .. })), "{refused}");
    let mut options = server.options(place(&folder.path().join("more")), SealWith::Plain);
    let url = server.database.url();
    options.environment = Environment::from_dotenv(&format!("LOCAL_DOMAIN=a.example\nDATABASE_URL={url}\nSECRET_KEY_BASE=x\n"), &|_| None);
    let refused = create::create(options, &now, &|_| {}).await.unwrap_err();
    assert!(matches!(&refused, CreateError::Secrets { names } if names.contains(&"VAPID_PRIVATE_KEY")), "{refused}");
}
