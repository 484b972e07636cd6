//! `howdah admin` on a database of the test's own, run as an operator runs it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::SimpleAsyncConnection;
use howdah_db::Conn;
use howdah_db::models::audit_anchor::{self, Anchor};
use howdah_db::models::identity::IdentitySecret;
use howdah_db::models::second_factor::SecondFactor;
use howdah_db::seal::KeyRing;
use howdah_testkit::{TestDatabase, rows};

struct Installation {
    database: TestDatabase,
    keys: std::path::PathBuf,
}

impl Installation {
    async fn new(name: &str) -> Self {
        let keys = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keys-{name}"));
        std::fs::write(&keys, KeyRing::generate("old")).unwrap();
        let it = Self { database: TestDatabase::new().await, keys };
        it.admin(&["setup", "--support-address", "help@howdah.example"]);
        it
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_howdah"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOWDAH_")) {
            command.env_remove(name);
        }
        command.env("HOWDAH_DATABASE_URL", self.database.url()).env("HOWDAH_KEY_FILE", &self.keys);
        command.env("HOWDAH_DASHBOARD_URL", "https://howdah.example");
        command.env("HOWDAH_RELAY_SERVER", "relay.example").env("HOWDAH_RELAY_FROM_DOMAIN", "mail.example");
        command.arg("admin").args(args).output().unwrap()
    }

    #[track_caller]
    fn admin(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_shown_and_changed_one_by_one() {
    let it = Installation::new("settings").await;
    let expected = |new_servers: &str, sign_ups: &str, servers: u8| {
        format!(
            "new-servers = {new_servers}\nnew-servers-sentence = \nsign-ups = {sign_ups}\nservers-per-account = {servers}\nsupport-address = help@howdah.example\n\
             grant-every-launch = false\n"
        )
    };
    assert_eq!(it.admin(&["settings", "get"]), expected("open", "open", 1));
    assert_eq!(it.admin(&["settings", "set", "--new-servers", "by_approval"]), expected("by_approval", "open", 1));
    assert_eq!(it.admin(&["settings", "set", "--sign-ups", "closed"]), expected("by_approval", "closed", 1));
    assert_eq!(it.admin(&["settings", "set", "--servers-per-account", "3"]), expected("by_approval", "closed", 3));
    assert_eq!(it.admin(&["settings", "get"]), expected("by_approval", "closed", 3));
    assert!(!it.run(&["settings", "set", "--new-servers", "sometimes"]).status.success());
    assert_eq!(it.run(&["settings", "set"]).status.code(), Some(2), "nothing to set");
}

async fn anchor(conn: &mut Conn, at: DateTime<Utc>) -> Anchor {
    howdah_db::transaction(conn, async |conn| audit_anchor::anchor(conn, at).await).await.unwrap().0
}

#[expect(clippy::disallowed_methods, reason = "the program has the machine's time")]
fn the_programs_time() -> DateTime<Utc> {
    Utc::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_is_verified() {
    let it = Installation::new("audit").await;
    it.admin(&["add-customer", "ada@birds.example", "--servers-allowed", "2"]);
    it.admin(&["allow-servers", "ada@birds.example", "5"]);
    it.admin(&["allow-servers", "ada@birds.example"]);
    assert!(!it.run(&["allow-servers", "nobody@birds.example", "5"]).status.success());
    let told = it.admin(&["verify-audit"]);
    assert!(told.contains("chains") && !told.contains("broken"), "{told}");

    let conn = &mut it.database.conn().await;
    let now = the_programs_time();
    for (hours, sentence) in [(-3, "nothing was anchored since"), (1, "lies in the future")] {
        anchor(conn, now + TimeDelta::hours(hours)).await;
        let late = it.run(&["verify-audit"]);
        assert!(late.status.code() == Some(1) && String::from_utf8_lossy(&late.stderr).contains(sentence), "{late:?}");
    }
    let anchor = anchor(conn, now).await;
    let told = it.admin(&["verify-audit", "--anchor", &anchor.to_string()]);
    assert!(told.ends_with("3 anchors hold\n"), "{told}");
    let other = Anchor { root: vec![0; 32], ..anchor.clone() }.to_string();
    let torn = it.run(&["verify-audit", "--anchor", &anchor.to_string(), "--anchor", &other]);
    assert!(torn.status.code() == Some(1) && String::from_utf8_lossy(&torn.stdout).contains("another one of that number"), "{torn:?}");
    assert_eq!(it.run(&["verify-audit", "--anchor", "17-nonsense"]).status.code(), Some(2));

    let forgery = "ALTER TABLE audit_entries DISABLE TRIGGER USER;
         UPDATE audit_entries SET action = 'account.nothing' WHERE action = 'account.servers_allowed'";
    conn.batch_execute(forgery).await.unwrap();
    let broken = it.run(&["verify-audit"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&broken.stdout).contains("it was changed"), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_wrapped_anew_and_orphans_listed() {
    let it = Installation::new("keys").await;
    assert_eq!(it.admin(&["orphans"]), "0 orphans\n");
    let old = std::fs::read_to_string(&it.keys).unwrap();
    let conn = &mut it.database.conn().await;
    let ada = rows::person(conn, "ada@birds.example").await;
    let (account, places) = (rows::account(conn, &ada).await, rows::Places::insert(conn).await);
    let instance = rows::instance(conn, &account, &places, "birds.example").await;
    IdentitySecret::insert(conn, &KeyRing::parse(&old).unwrap(), instance.id, "identity", 1, b"secret", rows::now()).await.unwrap();
    assert_eq!(it.admin(&["rewrap-keys"]), "0 data keys wrapped anew\n", "it is wrapped by the first key");
    std::fs::write(&it.keys, format!("{}{old}", KeyRing::generate("new"))).unwrap();
    assert_eq!(it.admin(&["rewrap-keys"]), "1 data keys wrapped anew\n");
    assert_eq!(it.admin(&["rewrap-keys"]), "0 data keys wrapped anew\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_that_was_lost_is_taken_away() {
    let it = Installation::new("factor").await;
    it.admin(&["add-customer", "ada@birds.example"]);
    let without = it.run(&["remove-second-factor", "ada@birds.example"]);
    assert!(!without.status.success() && String::from_utf8_lossy(&without.stderr).contains("has no second factor"), "{without:?}");
    let conn = &mut it.database.conn().await;
    let ada = howdah_db::models::person::Person::by_email(conn, "ada@birds.example").await.unwrap().unwrap();
    let keys = KeyRing::parse(&std::fs::read_to_string(&it.keys).unwrap()).unwrap();
    SecondFactor::begin(conn, &keys, ada.id, b"twenty bytes of it !", rows::now()).await.unwrap();
    SecondFactor::confirm(conn, ada.id, 1, rows::now()).await.unwrap();
    assert!(it.admin(&["remove-second-factor", "ada@birds.example"]).contains("by password alone"));
    assert!(!SecondFactor::is_on(conn, ada.id).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_erased() {
    let it = Installation::new("erase").await;
    let erase = ["people", "erase", "ada@birds.example"];
    it.admin(&["add-customer", "ada@birds.example"]);
    assert_eq!(it.admin(&erase), "ada@birds.example is erased: out of 0 accounts that go on, and 1 of their own are closed\n");
    let again = it.run(&erase);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("person"), "{again:?}");
    assert!(it.admin(&["verify-audit"]).contains("chains"));
}
