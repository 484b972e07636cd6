//! Signing and checking on the command line, and what a program reads of it.

use std::fs;

use serde_json::Value;

use crate::database::Database;
use crate::server::{Server, howdah, ran, text};

/// Made for these tests by `openssl genpkey -algorithm ed25519`.
const KEY: &str =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIaHYXnt8+BkeKUtrMoTuFXcGHARP1jVotauHrLIKFOx\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAWCWr0BVFC6BVugRvkOOWcuja5NU5imH+tqB9QYOaZaQ=\n-----END PUBLIC KEY-----\n";

#[test]
fn a_signed_bundle_is_checked_by_a_restore_and_says_so_itself() {
    let server = Server::new();
    let (at, key, public) = (server.at("birds"), server.at("key.pem"), server.at("public.pem"));
    fs::write(&key, KEY).unwrap();
    fs::write(&public, PUBLIC).unwrap();
    ran(server.create(&at).arg("--sign-key").arg(&key));
    let shown = ran(howdah().args(["bundle", "inspect"]).arg(&at));
    assert!(text(&shown.stdout).contains("signed "), "{}", text(&shown.stdout));

    let scratch = Database::schema_only();
    let verify = || {
        let mut verify = server.verify(&at);
        verify.arg("--signer").arg(&public);
        verify
    };
    let done = ran(verify().args(["--restore", scratch.url.as_str(), "--sign-key"]).arg(&key));
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    let kept: Value = serde_json::from_slice(&fs::read(at.join("VERIFY.json")).unwrap()).unwrap();
    assert_eq!(said, kept);
    assert_eq!((kept["restored"]["statuses"].as_u64(), kept["findings"].as_array().map(Vec::len)), (Some(5000), Some(0)), "{kept}");
    assert_eq!(fs::read(at.join("VERIFY.SIGNATURE")).unwrap().len(), 64);
    ran(&mut verify());

    let manifest = fs::read_to_string(at.join("MANIFEST.json")).unwrap();
    fs::write(at.join("MANIFEST.json"), manifest.replacen("howdah", "Howdah", 1)).unwrap();
    let refused = verify().output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&refused.stdout).unwrap();
    let reasons: Vec<_> = said["findings"].as_array().unwrap().iter().map(|it| (&it["object"], &it["reason"])).collect();
    assert_eq!(reasons, [(&Value::from("MANIFEST.json"), &Value::from("signature_differs"))]);
}

#[test]
fn what_could_not_be_done_is_told_to_a_program_as_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let commands = [
        vec!["create", "--plain", "--to", "x", "--env-file", nowhere.to_str().unwrap()],
        vec!["inspect", nowhere.to_str().unwrap()],
        vec!["verify", nowhere.to_str().unwrap()],
        vec!["restore", "--database-url", "postgres://127.0.0.1:1/x", nowhere.to_str().unwrap()],
    ];
    for args in commands {
        let failed = howdah().current_dir(&folder).arg("bundle").args(&args).arg("--json").output().unwrap();
        assert_eq!((failed.status.code(), failed.stdout.len()), (Some(2), 0), "{args:?}");
        let told = text(&failed.stderr);
        let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
        assert_eq!(last["event"], "failed", "{told}");
        assert!(last["sentence"].as_str().unwrap().contains("nowhere"), "{told}");
        assert!(told.lines().all(|it| serde_json::from_str::<Value>(it).is_ok()), "{told}");
    }
}
