//! There and back: a server is taken along, checked, and brought back into an empty one; every row and every byte is the same.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use howdah_bundle::create::{self, CreateError, SealWith};
use howdah_bundle::format::{BundlePath, FileFacts, Manifest, Sha256Hex};
use howdah_bundle::load::{Duplicates, LoadError};
use howdah_bundle::place::PlaceError;
use howdah_bundle::restore::{self, RestoreError};
use howdah_bundle::seal::{Identities, Phrase, Recipients, RecoveryKey, WorkFactor};
use howdah_bundle::source::Environment;
use secrecy::SecretString;

use crate::server::{FILES, OWN, Server, all_rows, content, now, passphrase, place, reasons, restore_into, sequences, verified};
use crate::support::TestDatabase;

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

/// Sealed to a key that lies in the bundle, itself sealed with the phrase: whoever made the bundle knew neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_phrase_opens_a_folder_and_a_tar() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let phrase = Phrase::of([9; 24]).passphrase();
    let (key, public) = RecoveryKey::make(&phrase, WorkFactor::new(2).unwrap()).unwrap();
    let knows = |text: SecretString| Arc::new(Identities::passphrase(text).unwrap());
    for name in ["birds", "birds.tar"] {
        let at = folder.path().join(name);
        let seal = SealWith::Recipients(Recipients::keys([&public]).unwrap());
        let options = create::Options { recovery_key: Some(key.clone()), ..server.options(place(&at), seal) };
        create::create(options, &now, &|_| {}).await.unwrap();
        let verify = verified(&at, Some(&knows(phrase.clone()))).await;
        assert!(verify.holds() && reasons(&verify).iter().all(|it| it.1 != "not_opened"), "{name}: {:?}", verify.findings);
        let wrong = verified(&at, Some(&knows("another".into()))).await;
        assert!(reasons(&wrong).contains(&("env/recovery-key.age", "not_opened")), "{name}: {:?}", reasons(&wrong));
        let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
        restore_into(&target, &at, Some(knows("another".into())), to.path()).await.unwrap_err();
        restore_into(&target, &at, Some(knows(phrase.clone())), to.path()).await.unwrap();
        assert_eq!(all_rows(&target).await, all_rows(&server.database).await);
    }
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
    let options = restore::Options {
        from: &place(&at),
        identities: None,
        signers: &[],
        database: target.superusers_settings(),
        duplicates: Duplicates::Refuse,
        mark: None,
        manifest_sha256: None,
        media_to: None,
        env_to: None,
    };
    let refused = restore::restore(options, &|_| {}).await.unwrap_err();
    assert!(matches!(refused, RestoreError::Load(LoadError::Superuser { .. })), "{refused}");
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
