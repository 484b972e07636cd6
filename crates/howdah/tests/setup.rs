//! Server and worker start only where there is somebody to write to, and say how to name them.

use std::io::Write as _;
use std::process::{Command, Output};

use howdah_db::seal::KeyRing;
use howdah_testkit::TestDatabase;

/// With everything that it needs but a platform that is set up. It is refused before it reads the cluster's address.
fn howdah(database: &TestDatabase, command: &str) -> Output {
    // A file of its own: the tests run side by side.
    let mut keys = tempfile::NamedTempFile::new().expect("a file for the keys");
    keys.write_all(KeyRing::generate("setup").as_bytes()).expect("the keys are written");
    let mut howdah = Command::new(env!("CARGO_BIN_EXE_howdah"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOWDAH_")) {
        howdah.env_remove(name);
    }
    howdah.env("HOWDAH_DATABASE_URL", database.url()).env("HOWDAH_KEY_FILE", keys.path());
    howdah.env("HOWDAH_DASHBOARD_URL", "https://howdah.example");
    howdah.env("HOWDAH_RELAY_SERVER", "relay.example").env("HOWDAH_RELAY_FROM_DOMAIN", "mail.example");
    howdah.env("HOWDAH_LISTEN", "127.0.0.1:0").env("HOWDAH_METRICS_LISTEN", "off");
    howdah.env("HOWDAH_MAIL_FROM", "howdah@howdah.example").env("HOWDAH_MAIL_FOLDER", "/nowhere/mails");
    howdah.env("HOWDAH_CLUSTERS", "main=/nowhere/main.kubeconfig");
    howdah.arg(command).output().expect("the binary runs")
}

#[track_caller]
fn is_refused(refused: &Output, with: &str) {
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains(with), "{told}");
    assert!(!told.contains("main.kubeconfig"), "nothing was begun: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_starts_before_the_platform_is_set_up() {
    let database = TestDatabase::new().await;
    for command in ["server", "worker"] {
        is_refused(&howdah(&database, command), "howdah admin setup --support-address");
    }
}

/// The settings are there, so another set-up would leave them as they are.
#[tokio::test(flavor = "multi_thread")]
async fn neither_starts_without_a_support_address() {
    let database = TestDatabase::new().await;
    let settings =
        "INSERT INTO settings (id, new_servers, new_servers_sentence, servers_per_account, grant_every_launch, revision, updated_at)
                    VALUES (true, 'open', '', 1, false, 1, now())";
    database.execute(settings).await;
    for command in ["server", "worker"] {
        is_refused(&howdah(&database, command), "there is no support address: run `howdah admin settings set --support-address");
    }
}
