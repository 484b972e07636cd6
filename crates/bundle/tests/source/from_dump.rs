//! A bundle of a dump that somebody made, with no database at hand: it is what a bundle of the server itself would be.

use std::path::{Path, PathBuf};

use howdah_bundle::create::{self, CreateError, Created, Options, SealWith};
use howdah_bundle::format::{AmcheckResult, Checks, Fork, MediaStoreKind, Preflight};
use howdah_bundle::progress::{Event, Stage};
use howdah_bundle::source::{self, Environment};

use crate::server::{OWN, Server, all_rows, now, passphrase, place, restore_into, sequences, verified};
use crate::support::{TestDatabase, pg_dump};

fn dumps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps")
}

async fn dump_of(database: &TestDatabase, to: &Path) {
    let (snapshot, settings, to) = (database.snapshot().await, database.settings(), to.to_owned());
    let (pg_dump, id) = (pg_dump(&snapshot), snapshot.id().to_owned());
    let written = tokio::task::spawn_blocking(move || {
        let mut running = pg_dump.start(&settings, &id).unwrap();
        std::io::copy(&mut running, &mut std::fs::File::create(to).unwrap()).unwrap();
        running.finish().unwrap();
    });
    written.await.unwrap();
}

/// Whoever connected to the database that it names would not get far.
fn environment(more: &str) -> Environment {
    let keys = ["PRIMARY_KEY", "DETERMINISTIC_KEY", "KEY_DERIVATION_SALT"];
    let keys: String = keys.iter().map(|name| format!("ACTIVE_RECORD_ENCRYPTION_{name}=abcdefghijklmnopqrstuvwxyz012345\n")).collect();
    let text = format!(
        "LOCAL_DOMAIN=a.example\nDATABASE_URL=postgres://nobody@127.0.0.1:1/none\nSECRET_KEY_BASE={}\n{keys}VAPID_PRIVATE_KEY=private\n\
         VAPID_PUBLIC_KEY=public\nOTP_SECRET=otp\n{more}",
        "0123456789abcdef".repeat(8)
    );
    Environment::from_dotenv(&text, &|_| None)
}

fn from_dump(server: &Server, dump: &Path, to: &Path, seal: SealWith) -> Options {
    let options = server.options(place(to), seal);
    let place = source::Place { version: Some("4.3.0".to_owned()), ..options.place };
    Options { environment: environment(""), place, from_dump: Some(dump.to_owned()), ..options }
}

async fn made(options: Options) -> Result<Created, CreateError> {
    create::create(options, &now, &|_| {}).await
}

fn held<T: serde::de::DeserializeOwned>(at: &Path, name: &str) -> T {
    serde_json::from_slice(&std::fs::read(at.join(name)).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_becomes_the_bundle_that_its_server_would() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let direct = made(server.options(place(&at("direct")), SealWith::Plain)).await.unwrap();
    dump_of(&server.database, &at("backup.dump")).await;
    let (seal, identities) = passphrase();
    let made = made(from_dump(&server, &at("backup.dump"), &at("birds.tar"), seal)).await.unwrap();

    assert_eq!(made.manifest.content_digest, direct.manifest.content_digest, "rows and media are the same");
    let counted = |it: &Created| (it.manifest.inventory.files, it.manifest.inventory.missing, it.manifest.inventory.orphans);
    assert_eq!((counted(&made), &made.manifest.tables), (counted(&direct), &direct.manifest.tables));
    let reasons = |it: &Created| it.findings.iter().map(|it| it.reason.clone()).collect::<Vec<_>>();
    assert!(!reasons(&made).contains(&"unknown_version".to_owned()), "{:?}", made.findings);
    assert!(reasons(&direct).contains(&"unknown_version".to_owned()), "{:?}", direct.findings);
    assert!(verified(&at("birds.tar"), Some(&identities)).await.holds());

    let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
    let restored = restore_into(&target, &at("birds.tar"), Some(identities), to.path()).await.unwrap();
    assert_eq!((restored.media, &restored.loaded.findings[..]), (OWN as u64, &[][..]));
    assert_eq!(all_rows(&target).await, all_rows(&server.database).await);
    assert_eq!(sequences(&target).await, sequences(&server.database).await);

    let (said, asked) = (restored.preflight, held::<Preflight>(&at("direct"), "PREFLIGHT.json"));
    assert_eq!((said.counts, said.schema, said.ciphertexts), (asked.counts, asked.schema, asked.ciphertexts));
    assert_eq!((said.mastodon.fork, said.expected.media_bytes, said.media), (None, asked.expected.media_bytes, asked.media));
    assert_eq!((said.postgresql.major(), said.postgresql.encoding.as_str()), (asked.postgresql.major(), "UTF8"));
    assert_eq!(said.postgresql.collation.provider, "unknown");
}

/// Of PostgreSQL 15 to 18, with owners, rights and triggers of a server that is no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dumps_of_every_version_are_taken_and_none_of_their_sql_runs() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    for version in [15, 16, 17, 18] {
        let (dump, at) = (dumps().join(format!("mastodon/{version}.dump")), folder.path().join(version.to_string()));
        let created = made(from_dump(&server, &dump, &at, SealWith::Plain)).await.unwrap();
        let told = std::fs::read(at.join("postgres/mastodon_production.dump")).unwrap();
        assert!(told == std::fs::read(&dump).unwrap(), "{version}: it is the dump that was given");
        let preflight: Preflight = held(&at, "PREFLIGHT.json");
        let counts = &preflight.counts;
        assert_eq!((counts.local_users, counts.local_statuses, counts.local_media), (2, 2, 5), "{version}");
        assert_eq!(preflight.expected.media_bytes, 1000 + 200 + 50_000 + 30 + 4, "{version}");
        assert_eq!((preflight.postgresql.major(), preflight.schema.newest_migration.as_str()), (version, "20241007071624"));
        assert!(created.manifest.dump.pg_dump.starts_with(&format!("pg_dump (PostgreSQL) {version}.")), "{:?}", created.manifest.dump);
        let checks: Checks = held(&at, "postgres/checks.json");
        assert!(matches!(checks.amcheck, AmcheckResult::NotRun { why } if why.contains("made of a dump")), "{version}");

        let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
        restore_into(&target, &at, None, to.path()).await.unwrap();
        let rows = all_rows(&target).await;
        assert_eq!((rows["accounts"].len(), rows["statuses"].len(), rows["media_attachments"].len()), (3, 3, 3), "{version}");
        assert!(rows["accounts"].iter().any(|it| it.contains("112233445566778899") && it.contains("größe")), "{:?}", rows["accounts"]);
        assert!(sequences(&target).await.contains(&("statuses_id_seq".to_owned(), Some(3))), "{version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_media_all_of_it_is_missing() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    let mut options = from_dump(&server, &dumps().join("mastodon/17.dump"), &at, SealWith::Plain);
    // In a bucket whose keys nobody has any more.
    options.environment = environment("S3_ENABLED=true\nS3_BUCKET=birds\nS3_HOSTNAME=s3.a.example\n");
    options.place = source::Place { without_media: true, version: Some("4.3.0".to_owned()), ..source::Place::default() };
    let created = made(options).await.unwrap();
    let preflight: Preflight = held(&at, "PREFLIGHT.json");
    assert_eq!(
        (preflight.media.kind, preflight.media.public_base_url.as_deref()),
        (MediaStoreKind::S3, Some("https://s3.a.example/birds"))
    );
    // Of the five, the picture that moves, the film and the emoji have a still one, too.
    assert_eq!((created.manifest.inventory.files, created.manifest.inventory.missing), (0, 8));
    let missing = std::fs::read_to_string(at.join("media/MISSING.ndjson")).unwrap();
    for key in [
        "accounts/avatars/000/000/001/static/a.png",
        "accounts/headers/112/233/445/566/778/899/original/h.png",
        "media_attachments/files/000/000/001/small/x.png",
        "media_attachments/thumbnails/000/000/001/original/x.png",
        "custom_emojis/images/000/000/001/original/hi.png",
    ] {
        assert!(missing.contains(key), "{key} is not among {missing}");
    }
    assert!(!missing.contains("odd.png"), "it is a row of another server's account: {missing}");
}

/// What can't become a bundle is told so before anything is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_whole_dump_of_a_mastodon_is_refused_in_words() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(dumps().join("mastodon/16.dump")).unwrap();
    let cut = folder.path().join("cut.dump");
    std::fs::write(&cut, &whole[..whole.len() - 100]).unwrap();
    let page = folder.path().join("page.dump");
    std::fs::write(&page, "<!DOCTYPE html><title>502</title>").unwrap();
    for (dump, words) in [
        (dumps().join("17/plain.sql"), "custom format"),
        (dumps().join("15/plain.sql.gz"), "gunzip"),
        (dumps().join("18/directory-gzip"), "pg_restore for a folder"),
        (dumps().join("15/custom-gzip.dump"), "no rows of a table `statuses`"),
        (dumps().join("15/custom-inserts.dump"), "--inserts"),
        (folder.path().join("none.dump"), "can't be read"),
        (cut, "ends early"),
        (page, "a web page"),
    ] {
        let at = folder.path().join("birds");
        let refused = made(from_dump(&server, &dump, &at, SealWith::Plain)).await.unwrap_err();
        assert!(matches!(refused, CreateError::RawDump(_)) && refused.to_string().contains(words), "{}: {refused}", dump.display());
        assert!(!at.exists(), "{}", dump.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_is_told_by_its_columns() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    server.database.owner("ALTER TABLE statuses ADD COLUMN local_only boolean; UPDATE statuses SET local_only = true WHERE id = 1").await;
    let (dump, at) = (folder.path().join("backup.dump"), folder.path().join("birds"));
    dump_of(&server.database, &dump).await;
    let created = made(from_dump(&server, &dump, &at, SealWith::Plain)).await.unwrap();
    assert_eq!(held::<Preflight>(&at, "PREFLIGHT.json").mastodon.fork, Some(Fork::GlitchSoc));
    let told = created.findings.iter().find(|it| it.reason == "local_only").unwrap();
    assert!(told.sentence.starts_with("1 posts"), "{}", told.sentence);
}

/// A nightly job puts the next one in its place, with as many rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_that_is_replaced_while_it_is_read_makes_no_bundle() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (dump, next) = (at("backup.dump"), at("next.dump"));
    dump_of(&server.database, &dump).await;
    std::fs::copy(&dump, &next).unwrap();
    let options = from_dump(&server, &dump, &at("birds"), SealWith::Plain);
    let replaced = move |event| {
        if matches!(event, Event::Stage { stage: Stage::Dumping, .. }) {
            std::fs::rename(&next, &dump).unwrap();
        }
    };
    assert!(matches!(create::create(options, &now, &replaced).await, Err(CreateError::DumpChanged)));
}
