use std::process::{Command, Stdio};

use super::*;
use crate::format::{
    Collation, Consistency, Counts, Expected, Mastodon, MediaStore, MediaStoreKind, Postgresql, Schema, Sha256Hex, VERSION,
};

fn preflight(local: &str, web: &str) -> Preflight {
    Preflight {
        format: VERSION,
        made_by: "howdah 0.1.0".into(),
        created_at: chrono::DateTime::from_timestamp(1_790_000_000, 0).expect("a time"),
        consistency: Consistency::Stopped,
        domains: Domains { local: local.into(), web: web.into(), alternate: Vec::new() },
        mastodon: Mastodon { version: Some("4.5.11".into()), source: None, commit: None, fork: None },
        schema: Schema { newest_migration: "20251007100627".into(), migrations: 500, post_deployment_complete: Some(true) },
        postgresql: Postgresql {
            version: "17.12".into(),
            version_num: 170_012,
            encoding: "UTF8".into(),
            collation: Collation {
                provider: "libc".into(),
                collate: "C.UTF-8".into(),
                ctype: "C.UTF-8".into(),
                version: None,
                library_version: None,
            },
            extensions: Vec::new(),
        },
        media: MediaStore { kind: MediaStoreKind::S3, public_base_url: Some("https://media.example.org".into()) },
        counts: Counts { local_users: 3, local_statuses: 40, local_media: 5, tables: BTreeMap::new() },
        expected: Expected { database_bytes: 1, media_bytes: 1 },
        ciphertexts: Vec::new(),
    }
}

fn all(preflight: &Preflight, seal: &Seal) -> Result<[String; 4], UnfitValue> {
    let path = BundlePath::parse("env/.env.production").expect("a bundle's path");
    let files = BTreeMap::from([(path, FileFacts { bytes: 3, sha256: Sha256Hex::of(b"abc") })]);
    let guide = Guide { preflight, seal, files: &files, blanked: &["DB_PASS".to_owned()] };
    Ok([guide.restore_sh()?, guide.restore_md()?, guide.nginx()?, guide.media_redirects()?])
}

#[test]
fn nothing_is_left_to_fill_in_and_the_script_is_one() {
    let seals = [Seal::Plain, Seal::Passphrase, Seal::Recipients { recipients: vec!["age1example".into()] }];
    for seal in &seals {
        for texts in [all(&preflight("example.org", "example.org"), seal), all(&preflight("example.org", "social.example.org"), seal)] {
            let texts = texts.expect("legal values fit");
            for text in &texts {
                let left = text.split('@').skip(1).find(|it| it.len() > 2 && it.chars().all(|it| it.is_ascii_uppercase() || it == '_'));
                assert_eq!(left, None, "a placeholder is left in\n{text}");
            }
            let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().expect("sh is on every such machine");
            std::io::Write::write_all(&mut shell.stdin.take().expect("piped"), texts[0].as_bytes()).expect("sh reads");
            assert!(shell.wait().expect("sh ends").success(), "no script:\n{}", texts[0]);
        }
    }
}

/// It opens the bundle by a phrase, and asks for no file.
#[test]
fn a_recovery_key_is_used_by_the_guide() {
    let preflight = preflight("example.org", "example.org");
    let seal = Seal::Recipients { recipients: vec!["age1example".into()] };
    let facts = FileFacts { bytes: 3, sha256: Sha256Hex::of(b"abc") };
    let files = BTreeMap::from([(BundlePath::parse(RECOVERY_KEY).expect("a bundle's path"), facts)]);
    let guide = Guide { preflight: &preflight, seal: &seal, files: &files, blanked: &[] };
    let text = guide.restore_md().expect("legal values fit");
    assert!(
        text.contains("age -d -i env/recovery-key.age env/secrets.env.age > env/secrets.env") && text.contains("`one-two-three`"),
        "{text}"
    );
    assert!(text.contains("`sh restore.sh`") && !text.contains("--identity KEY_FILE"), "{text}");
    let [_, without, ..] = all(&preflight, &seal).expect("legal values fit");
    assert!(without.contains("`sh restore.sh --identity KEY_FILE`") && !without.contains("recovery"), "{without}");
}

#[test]
fn a_value_that_a_shell_would_read_is_refused_by_name() {
    let mut hostile = preflight("example.org", "example.org");
    hostile.domains.web = "x$(touch /tmp/canary)".into();
    let error = all(&hostile, &Seal::Plain).expect_err("refused");
    assert!(error.to_string().starts_with("WEB_DOMAIN is `x$(touch /tmp/canary)`"), "{error}");
    let mut hostile = preflight("example.org", "example.org");
    hostile.media.public_base_url = Some("https://a;}\nserver{".into());
    assert!(all(&hostile, &Seal::Plain).is_err());
}

#[test]
fn a_value_is_not_filled_in_again() {
    let values = BTreeMap::from([("A", "@B@".to_owned()), ("B", "twice".to_owned())]);
    assert_eq!(filled("@A@ b@example.org @B@ @", &values), "@B@ b@example.org twice @");
}
