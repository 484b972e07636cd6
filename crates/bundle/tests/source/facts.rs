//! What is said of a database, in the very snapshot that is dumped.

use howdah_bundle::format::{Ciphertext, Fork};
use howdah_bundle::source::{DatabaseError, DatabaseSettings, Limits, Needs, Place, Snapshot};

use crate::support::{TestDatabase, dumped, rows};

const MESSAGE: &str = r#"{"p":"ppEjcOdJGQWazmPCIAcl7Q==","h":{"iv":"9U1miQbw9nunxKES","at":"j0dC8Z0eCxkv8ApIt73ZWw=="}}"#;

/// Two local accounts and one remote, three statuses of which two are local, files of each kind.
pub fn people() -> String {
    format!(
        r#"INSERT INTO accounts (id, username, domain, created_at, updated_at, avatar_file_name, avatar_file_size, header_file_name, header_file_size) VALUES
             (1, 'alice', NULL, now(), now(), 'a.png', 1000, NULL, NULL), (2, 'bob', NULL, now(), now(), NULL, NULL, 'h.png', 200),
             (3, 'carol', 'b.example', now(), now(), 'c.png', 7777, NULL, NULL);
           INSERT INTO users (id, email, account_id, created_at, updated_at, otp_secret) VALUES
             (1, 'alice@a.example', 1, now(), now(), '{{"p":"older"}}'), (2, 'bob@a.example', 2, now(), now(), '{MESSAGE}');
           INSERT INTO statuses (id, uri, local, account_id, text, created_at, updated_at) VALUES
             (1, 'https://a.example/1', true, 1, E'a\tb\nc\\.', now(), now()), (2, NULL, NULL, 2, '', now(), now()),
             (3, 'https://b.example/3', false, 3, '', now(), now());
           INSERT INTO media_attachments (id, account_id, remote_url, file_file_name, file_file_size, thumbnail_file_name, thumbnail_file_size, created_at, updated_at)
             VALUES (1, 1, '', 'x.mp4', 50000, 'x.png', 30, now(), now()), (2, 3, 'https://b.example/y.png', 'y.png', 9, NULL, NULL, now(), now());
           INSERT INTO custom_emojis (shortcode, domain, image_file_name, image_file_size, created_at, updated_at)
             VALUES ('hi', NULL, 'hi.png', 4, now(), now()), ('ho', 'b.example', 'ho.png', 8, now(), now());
           INSERT INTO site_uploads (var, file_file_name, file_file_size, created_at, updated_at) VALUES ('thumbnail', 't.png', 5, now(), now());"#
    )
}

#[tokio::test]
async fn facts_and_dump_are_of_one_moment() {
    let database = TestDatabase::mastodon().await;
    database.owner(&people()).await;
    let snapshot = database.snapshot().await;
    // What comes later is in neither.
    database
        .owner("INSERT INTO statuses (id, account_id, created_at, updated_at) VALUES (99, 1, now(), now()); DELETE FROM site_uploads")
        .await;

    let facts = snapshot.facts().await.unwrap();
    assert_eq!((facts.counts.local_users, facts.counts.local_statuses, facts.counts.local_media), (2, 2, 6));
    assert_eq!(facts.expected.media_bytes, 1000 + 200 + 50_000 + 30 + 4 + 5);
    assert!(facts.expected.database_bytes > 1_000_000);
    assert_eq!(facts.migrations, ["20160220174730", "20241007071624"]);
    assert_eq!((facts.schema.newest_migration.as_str(), facts.schema.migrations), ("20241007071624", 2));
    assert_eq!(facts.fork, None);
    assert_eq!(facts.ciphertexts, [Ciphertext { table: "users".to_owned(), column: "otp_secret".to_owned(), value: MESSAGE.to_owned() }]);
    assert_eq!(facts.needs, Needs { record_encryption: true, otp_secret: false });
    assert_eq!(facts.postgresql.major(), snapshot.major());
    assert_eq!((facts.postgresql.encoding.as_str(), facts.postgresql.collation.provider.as_str()), ("UTF8", "libc"));
    assert_eq!(facts.postgresql.extensions.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["plpgsql"]);
    assert_eq!(facts.findings, []);
    assert_eq!(snapshot.findings(), []);

    let script = dumped(&database, &snapshot).await;
    assert_eq!(facts.counts.tables["statuses"], 3);
    for (table, count) in &facts.counts.tables {
        assert_eq!(rows(&script, table).len() as u64, *count, "{table}");
    }
    // A materialized view is no table, and a partition of nothing neither.
    assert!(!facts.counts.tables.contains_key("instances") && facts.counts.tables.len() > 25);
    snapshot.close().await;
}

#[tokio::test]
async fn a_fork_and_an_older_schema_are_seen_by_their_columns() {
    let database = TestDatabase::mastodon().await;
    database.owner(&people()).await;
    database
        .owner(
            "ALTER TABLE statuses ADD local_only boolean, ADD content_type varchar;
             UPDATE statuses SET local_only = true WHERE id = 1;
             ALTER TABLE users DROP otp_secret;
             UPDATE users SET encrypted_otp_secret = 'x' WHERE id = 1;
             ALTER TABLE accounts DROP header_file_name;
             ALTER TABLE custom_emojis ALTER image_file_name TYPE bytea USING NULL;
             DROP TABLE site_uploads;",
        )
        .await;
    let facts = database.snapshot().await.facts().await.unwrap();
    assert_eq!(facts.fork, Some(Fork::GlitchSoc));
    assert_eq!(facts.needs, Needs { record_encryption: false, otp_secret: true });
    assert_eq!((facts.counts.local_media, facts.expected.media_bytes), (3, 51_030));
    assert_eq!(facts.ciphertexts, []);
    let found: Vec<_> = facts.findings.iter().map(|it| (it.object.as_str(), it.reason.as_str())).collect();
    assert_eq!(found, [("accounts", "column_not_there"), ("custom_emojis", "column_not_there"), ("statuses.local_only", "local_only")]);
    assert!(facts.findings[2].sentence.starts_with("1 posts"));
}

#[tokio::test]
async fn partitions_are_counted_and_an_extensions_tables_are_not() {
    let database = TestDatabase::mastodon().await;
    database
        .owner(
            "CREATE TABLE parted (id bigint, at date) PARTITION BY RANGE (at);
             CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
             INSERT INTO parted VALUES (1, '2020-05-05'), (2, '2020-06-06');
             CREATE TABLE parent (id bigint); CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (1); INSERT INTO parent VALUES (2);
             CREATE TABLE \"O'Brien \"\"x\"\"\" (\"a\"\"b\" bigint); INSERT INTO \"O'Brien \"\"x\"\"\" VALUES (1);
             CREATE UNLOGGED TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;",
        )
        .await;
    let facts = database.snapshot().await.facts().await.unwrap();
    let count = |name: &str| facts.counts.tables.get(name).copied();
    assert_eq!((count("parted"), count("parted_1")), (None, Some(2)));
    assert_eq!((count("parent"), count("child")), (Some(1), Some(1)));
    assert_eq!((count("O'Brien \"x\""), count("nothing")), (Some(1), Some(2)));
}

#[tokio::test]
async fn another_database_is_refused_in_words() {
    let database = TestDatabase::empty().await;
    let error = database.snapshot().await.facts().await.unwrap_err();
    assert!(matches!(error, DatabaseError::NotMastodon { .. }), "{error}");
    let said = async |change: fn(&mut DatabaseSettings)| {
        let mut settings = database.settings();
        change(&mut settings);
        match Snapshot::open(&settings, &Limits::default()).await {
            Ok(_) => panic!("it can't be reached"),
            Err(error) => error.to_string(),
        }
    };
    let error = said(|it| it.name = "howdah_nobodys".to_owned()).await;
    assert!(error.contains("howdah_nobodys") && error.contains("3D000") && error.contains("check DB_NAME"), "{error}");
    let error = said(|it| it.port = 1).await;
    assert!(error.contains("refused") && error.contains("DB_PORT"), "{error}");
    assert!(!error.contains("hunter2"));
}

#[tokio::test]
async fn a_collation_whose_library_changed_is_told() {
    let database = TestDatabase::made("ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de'").await.with_schema().await;
    let facts = database.snapshot().await.facts().await.unwrap();
    let collation = &facts.postgresql.collation;
    assert_eq!((collation.provider.as_str(), collation.collate.as_str()), ("icu", "de"));
    assert!(collation.version.is_some() && collation.version == collation.library_version && facts.findings.is_empty());
    database.admin("UPDATE pg_database SET datcollversion = '1.2' WHERE datname = current_database()").await;
    let facts = database.snapshot().await.facts().await.unwrap();
    assert_eq!(facts.findings.iter().map(|it| it.reason.as_str()).collect::<Vec<_>>(), ["collation_drift"]);
}

#[tokio::test]
async fn text_of_no_encoding_is_refused() {
    let database = TestDatabase::made("ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'").await;
    database.admin("SET client_encoding = 'SQL_ASCII'; DO $$ BEGIN EXECUTE format('CREATE FUNCTION public.%I() RETURNS int LANGUAGE sql AS $f$ SELECT 1 $f$', convert_from('\\xff'::bytea, 'SQL_ASCII')); END $$").await;
    let error = Snapshot::open(&database.settings(), &Limits::default()).await.err().expect("it is refused");
    assert!(matches!(error, DatabaseError::Encoding { .. }), "{error}");
}

#[tokio::test]
async fn a_table_that_may_not_be_read_is_named() {
    let database = TestDatabase::mastodon().await;
    database.admin("CREATE TABLE public.somebodys (id bigint)").await;
    let error = Snapshot::open(&database.settings(), &Limits::default()).await.err().expect("it may not be read");
    assert!(matches!(&error, DatabaseError::Forbidden { object, .. } if object == "the table somebodys"), "{error}");
}

#[tokio::test]
async fn a_superuser_is_told() {
    let database = TestDatabase::mastodon().await;
    let snapshot = Snapshot::open(&database.superusers_settings(), &Limits::default()).await.unwrap();
    assert_eq!(snapshot.findings().iter().map(|it| it.reason.as_str()).collect::<Vec<_>>(), ["superuser"]);
}

#[tokio::test]
async fn a_running_migration_is_waited_for_and_then_named() {
    let database = TestDatabase::mastodon().await;
    database.owner("BEGIN; LOCK TABLE statuses").await;
    let limits = Limits { lock: std::time::Duration::from_millis(50), ..Limits::default() };
    let error = Snapshot::open(&database.settings(), &limits).await.err().expect("the table is locked");
    assert!(matches!(&error, DatabaseError::Locked { object, .. } if object == "the table statuses"), "{error}");
}

#[tokio::test]
async fn a_dump_of_a_lost_snapshot_is_not_whole() {
    use std::io::Read as _;

    let database = TestDatabase::mastodon().await;
    let snapshot = database.snapshot().await;
    let (pg_dump, id) = (crate::support::pg_dump(&snapshot), snapshot.id().to_owned());
    snapshot.close().await;
    let settings = database.settings();
    let result = tokio::task::spawn_blocking(move || pg_dump.start(&settings, &id).unwrap().read_to_end(&mut Vec::new())).await.unwrap();
    let error = result.unwrap_err().to_string();
    assert!(error.contains("the dump is not whole") && error.contains("snapshot"), "{error}");
}

#[tokio::test]
async fn a_socket_is_reached_by_its_folder() {
    let database = TestDatabase::mastodon().await;
    let folder: String =
        database.admin.query_one("SELECT split_part(current_setting('unix_socket_directories'), ',', 1)", &[]).await.unwrap().get(0);
    let url = format!("postgresql://{0}:hunter2@/{0}?host={folder}&port={1}", database.name, database.settings().port);
    let settings = DatabaseSettings::from_url(&url, &Place::default()).unwrap();
    let snapshot = Snapshot::open(&settings, &Limits::default()).await.unwrap();
    assert!(snapshot.facts().await.unwrap().counts.tables.contains_key("accounts"));
}
