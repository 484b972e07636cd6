//! Who signed a bundle, and what is found where it was changed since.

use howdah_bundle::create::{self, CreateError, SealWith};
use howdah_bundle::format::Verify;
use howdah_bundle::load::Duplicates;
use howdah_bundle::place::PlaceError;
use howdah_bundle::progress::{Event, Stage};
use howdah_bundle::restore::{self, RestoreError};
use howdah_bundle::sign::{PublicKey, SigningKey};

use crate::server::{Server, now, place, reasons, signed_verified, verified};
use crate::support::TestDatabase;

/// Of two who sign; made for these tests by `openssl genpkey -algorithm ed25519`.
const KEYS: [&str; 2] = [
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIaHYXnt8+BkeKUtrMoTuFXcGHARP1jVotauHrLIKFOx\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIG3WH3X/VKNjbczWXn1tOkm66Fpw85i4Wm3EFI5z3ugW\n-----END PRIVATE KEY-----\n",
];

fn key(of: usize) -> (SigningKey, PublicKey) {
    let key = SigningKey::from_pem(&KEYS[of].into()).unwrap();
    let public = key.public();
    (key, public)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_is_its_signers_until_one_byte_differs() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let ((_, provider), (_, other)) = (key(0), key(1));
    for name in ["birds", "birds.tar"] {
        let at = folder.path().join(name);
        let options = create::Options { sign: Some(key(0).0), ..server.options(place(&at), SealWith::Plain) };
        create::create(options, &now, &|_| {}).await.unwrap();
        let verify = signed_verified(&at, None, &[other, provider]).await;
        assert_eq!((verify.holds(), &reasons(&verify)[..]), (true, &[("media/MISSING.ndjson", "missing_before")][..]), "{name}");
        let verify = signed_verified(&at, None, &[other]).await;
        assert!(reasons(&verify).contains(&("MANIFEST.json", "signature_differs")), "{name}: {:?}", reasons(&verify));
        let verify = verified(&at, None).await;
        assert!(verify.holds() && reasons(&verify).contains(&("SIGNATURE", "signature_not_checked")), "{name}: {:?}", reasons(&verify));
    }

    // JSON's own white space changes nothing that the manifest says, and its signature all the same.
    let at = folder.path().join("birds");
    for file in ["MANIFEST.json", "SIGNATURE"] {
        let whole = std::fs::read(at.join(file)).unwrap();
        let mut changed = whole.clone();
        let last = changed.len() - 1;
        changed[last] = if file == "SIGNATURE" { changed[last] ^ 1 } else { b' ' };
        std::fs::write(at.join(file), &changed).unwrap();
        let verify = signed_verified(&at, None, &[provider]).await;
        assert!(reasons(&verify).contains(&("MANIFEST.json", "signature_differs")), "{file}: {:?}", reasons(&verify));
        std::fs::write(at.join(file), whole).unwrap();
    }
    let target = TestDatabase::schema_only().await;
    let restore = async |signers: &[PublicKey]| {
        let database = target.settings();
        let options = restore::Options {
            from: &place(&at),
            identities: None,
            signers,
            database,
            duplicates: Duplicates::Refuse,
            mark: None,
            manifest_sha256: None,
            media_to: None,
            env_to: None,
        };
        restore::restore(options, &|_| {}).await
    };
    assert!(matches!(restore(&[other]).await, Err(RestoreError::SignatureDiffers)));
    restore(&[other, provider]).await.unwrap();

    std::fs::remove_file(at.join("SIGNATURE")).unwrap();
    assert!(matches!(restore(&[provider]).await, Err(RestoreError::NotSigned)));
    let verify = signed_verified(&at, None, &[provider]).await;
    assert!(!verify.holds() && reasons(&verify).contains(&("SIGNATURE", "not_signed")), "{:?}", reasons(&verify));
    assert!(verified(&at, None).await.holds());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_is_kept_beside_the_bundle_with_its_own_signature() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let found = verified(&at, None).await;
    let said = |verify: &Verify| serde_json::to_vec_pretty(verify).unwrap();
    let (checker, public) = key(1);
    let signature = checker.sign(&said(&found));
    place(&at).add_verify(said(&found).into(), Some(signature.into())).await.unwrap();
    let kept: Verify = serde_json::from_slice(&std::fs::read(at.join("VERIFY.json")).unwrap()).unwrap();
    assert_eq!(kept, found);
    assert!(verified(&at, None).await.holds());

    // Somebody writes that more was checked.
    let more = Verify { media_checked: 1000, ..found.clone() };
    std::fs::write(at.join("VERIFY.json"), said(&more)).unwrap();
    let verify = signed_verified(&at, None, &[public]).await;
    assert!(reasons(&verify).contains(&("VERIFY.json", "signature_differs")), "{:?}", reasons(&verify));

    // Of another bundle.
    let digest = serde_json::from_value(serde_json::json!("00".repeat(32))).unwrap();
    let another = Verify { content_digest: Some(digest), ..found.clone() };
    place(&at).add_verify(said(&another).into(), None).await.unwrap();
    assert!(!at.join("VERIFY.SIGNATURE").exists(), "the signature was of what is not there any more");
    let verify = verified(&at, None).await;
    assert!(reasons(&verify).contains(&("VERIFY.json", "of_another_bundle")), "{:?}", reasons(&verify));

    let tar = folder.path().join("birds.tar");
    create::create(server.options(place(&tar), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let refused = place(&tar).add_verify(said(&found).into(), None).await.unwrap_err();
    assert!(matches!(refused, PlaceError::InTar { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_killed_before_it_signed_signs_when_it_goes_on() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    let options = || create::Options { sign: Some(key(0).0), ..server.options(place(&at), SealWith::Plain) };
    // A folder in the signature's place is what it can't write over.
    std::fs::create_dir_all(&at).unwrap();
    let in_the_way = at.join("SIGNATURE/x");
    let told = move |event| {
        if matches!(event, Event::Stage { stage: Stage::Finishing, .. }) {
            std::fs::create_dir_all(&in_the_way).unwrap();
        }
    };
    let failed = create::create(options(), &now, &told).await.unwrap_err();
    assert!(matches!(failed, CreateError::Place(PlaceError::Io { .. })), "{failed}");
    std::fs::remove_dir_all(at.join("SIGNATURE")).unwrap();
    assert!(at.join("MANIFEST.json").exists() && at.join(".journal.ndjson").exists());
    create::create(options(), &now, &|_| {}).await.unwrap();
    assert!(signed_verified(&at, None, &[key(0).1]).await.holds());
    assert!(!at.join(".journal.ndjson").exists());
}
