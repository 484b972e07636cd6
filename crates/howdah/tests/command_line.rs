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
    let checked_in = ["mastodoninstances", "mastodonexports"].map(|name| {
        let file = format!("{}/../../deploy/crds/{name}.howdah.dev.yaml", env!("CARGO_MANIFEST_DIR"));
        let definition = std::fs::read_to_string(file).expect("the definition is checked in");
        format!("---\n{definition}")
    });
    assert_eq!(text(&printed.stdout), checked_in.concat());
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

/// An export to a customer's bucket, whose name may lead elsewhere by now.
#[test]
fn a_bundle_goes_outside_alone_where_it_is_told_to() {
    let create = |endpoint: &str, to: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_howdah"));
        command.args(["bundle", "create", "--plain", "--outside", "--to", to]);
        command.env_clear().env("HOWDAH_BUNDLE_AWS_ENDPOINT_URL", endpoint);
        command.env("HOWDAH_BUNDLE_AWS_ACCESS_KEY_ID", "id").env("HOWDAH_BUNDLE_AWS_SECRET_ACCESS_KEY", "secret");
        let refused = command.output().expect("the binary runs");
        assert_eq!(refused.status.code(), Some(2));
        text(&refused.stderr)
    };
    let inside = create("https://10.0.0.7", "s3://mine/birds");
    assert!(inside.contains("10.0.0.7 is not asked: 10.0.0.7 is no address of the public internet"), "{inside}");
    let plain = create("http://s3.example.com", "s3://mine/birds");
    assert!(plain.contains("only https:// is fetched"), "{plain}");
    let folder = create("https://s3.example.com", "/tmp/birds");
    assert!(folder.contains("--outside is for a bundle in s3://"), "{folder}");
}

/// A worker as it is started on a host, with what it is told of metrics.
fn worker(key_file: &str, metrics: &str) -> Output {
    let of_relay = ["--relay-server", "127.0.0.1", "--relay-from-domain", "mail.example"];
    let of_mail = ["--mail-from", "howdah@howdah.example", "--mail-folder", "/nowhere/mails"];
    let of_record = ["--database-url", "postgres://nobody@127.0.0.1:1/howdah", "--key-file", key_file];
    let rest = ["--dashboard-url", "https://howdah.example", "--cluster", "main=/nowhere/main.kubeconfig", "--metrics-listen", metrics];
    howdah(&[&["worker"][..], &of_relay, &of_mail, &of_record, &rest].concat())
}

#[test]
fn a_metrics_address_that_is_taken_is_told_with_the_flag_that_gives_another() {
    let key = concat!(env!("CARGO_TARGET_TMPDIR"), "/keys-of-a-worker");
    std::fs::write(key, howdah(&["admin", "new-key", "key-7"]).stdout).expect("the key is written");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("its address").to_string();
    let refused = worker(key, &taken);
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    for named in [taken.as_str(), "--metrics-listen", "HOWDAH_METRICS_LISTEN", "off", "in use"] {
        assert!(told.contains(named), "{named}: {told}");
    }
    // It goes on to the next thing that is missing.
    for fits in ["off", "127.0.0.1:0"] {
        let told = text(&worker(key, fits).stderr);
        assert!(told.contains("/nowhere/main.kubeconfig") && !told.contains("cannot listen"), "{fits}: {told}");
    }
    let none = worker(key, "somewhere");
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("off"), "{}", text(&none.stderr));
}

#[test]
fn a_new_key_can_be_used() {
    let printed = howdah(&["admin", "new-key", "key-7"]);
    assert!(printed.status.success());
    let line = text(&printed.stdout);
    assert!(howdah_db::seal::KeyRing::parse(&line).is_ok_and(|ring| ring.current() == "key-7"), "{line}");
}
