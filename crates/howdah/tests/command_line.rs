//! The binary, run as a newcomer runs it.

use std::process::{Command, Output};

fn howdah(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_howdah"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOWDAH_") || name == "KUBECONFIG") {
        command.env_remove(name);
    }
    command.args(args).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn crds_prints_what_is_checked_in() {
    let printed = howdah(&["crds"]);
    assert!(printed.status.success());
    let checked_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/crds/mastodoninstances.howdah.dev.yaml");
    let checked_in = std::fs::read_to_string(checked_in).expect("the definition is checked in");
    assert_eq!(text(&printed.stdout), format!("---\n{checked_in}"));
}

#[test]
fn what_is_missing_is_named() {
    for (args, named) in [
        (&["server"][..], "--key-file"),
        (&["worker"], "--cluster"),
        (&["operator"], "--config"),
        (&["media"], "--object-store"),
        (&["migrate"], "--database-url"),
        (&["admin", "setup"], "--support-address"),
    ] {
        let refused = howdah(args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        assert!(text(&refused.stderr).contains(named), "{args:?}: {}", text(&refused.stderr));
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let refused = howdah(&["operator", "--config", "/nowhere/operator.yaml"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("/nowhere/operator.yaml"), "{}", text(&refused.stderr));
}

#[test]
fn a_new_key_can_be_used() {
    let printed = howdah(&["admin", "new-key", "key-7"]);
    assert!(printed.status.success());
    let line = text(&printed.stdout);
    assert!(howdah_db::seal::KeyRing::parse(&line).is_ok_and(|ring| ring.current() == "key-7"), "{line}");
}
