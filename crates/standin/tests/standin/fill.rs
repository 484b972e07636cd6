//! `howdah-standin fill`: a server that looks as if it had been used for years.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::support::{ObjectStore, Server};

const FILL: &str = "howdah-standin fill --accounts 12 --statuses 600 --media 300 --seed 3";

fn report(printed: &str) -> Value {
    serde_json::from_str(printed).expect("a line of JSON")
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

/// Every file below a folder, by its path there, with its size.
fn files_below(root: &Path) -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_dir() {
                folders.push(entry.path());
            } else {
                let key = entry.path().strip_prefix(root).expect("below").to_str().expect("a name in UTF-8").to_owned();
                files.insert(key, entry.metadata().expect("a size").len());
            }
        }
    }
    files
}

/// A digest of every table's rows.
async fn digests(server: &Server) -> BTreeMap<String, Option<String>> {
    let database = server.database().await;
    let tables = database.query("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace", &[]);
    let mut digests = BTreeMap::new();
    for table in tables.await.expect("tables") {
        let table: String = table.get(0);
        let sql = format!("SELECT md5(string_agg(row::text, chr(10) ORDER BY row::text)) FROM \"{table}\" row");
        digests.insert(table, database.query_one(&sql, &[]).await.expect("a digest").get(0));
    }
    digests
}

#[tokio::test]
async fn rows_and_files_are_as_many_as_told_and_a_second_call_changes_nothing() {
    let server = Server::prepared("4.5.11").await;
    let told = report(&server.runs(FILL));
    for (sql, expected) in [
        ("SELECT count(*) FROM users", &told["local_accounts"]),
        ("SELECT count(*) FROM accounts WHERE domain IS NULL AND id > 0", &told["local_accounts"]),
        ("SELECT count(*) FROM accounts WHERE domain IS NOT NULL", &told["remote_accounts"]),
        ("SELECT count(*) FROM statuses", &told["statuses"]),
        ("SELECT count(*) FROM statuses WHERE local", &told["local_statuses"]),
        ("SELECT count(*) FROM media_attachments", &told["media_attachments"]),
    ] {
        assert_eq!(server.number(sql).await, number(expected), "{sql}");
    }
    let files = files_below(&server.folder().join("public/system"));
    let sums: Vec<&Value> =
        ["own", "on_request", "cached", "remote_outside_cache", "orphan"].iter().map(|whose| &told["files"][whose]).collect();
    let total = |what: &str| sums.iter().map(|sum| number(&sum[what])).sum::<i64>();
    assert_eq!(i64::try_from(files.len()).expect("few"), total("files"));
    assert_eq!(i64::try_from(files.values().sum::<u64>()).expect("few"), total("bytes"));
    assert_eq!((number(&told["written"]["files"]), number(&told["written"]["bytes"])), (total("files"), total("bytes")));

    let before = (digests(&server).await, files);
    let again = report(&server.runs(FILL));
    assert_eq!((digests(&server).await, files_below(&server.folder().join("public/system"))), before);
    assert_eq!(again["files"], told["files"]);
    assert_eq!(again["written"], serde_json::json!({"rows": 0, "files": 0, "bytes": 0}));
}

#[tokio::test]
async fn every_class_and_style_has_files_and_some_are_missing_or_nobodys() {
    let server = Server::prepared("4.6.5").await;
    let told = report(&server.runs(FILL));
    let files = files_below(&server.folder().join("public/system"));
    for folder in [
        "accounts/avatars",
        "accounts/headers",
        "media_attachments/files",
        "media_attachments/thumbnails",
        "custom_emojis/images",
        "site_uploads/files",
        "backups/dumps",
        "preview_cards/images",
        "preview_card_providers/icons",
        "cache/accounts/avatars",
        "cache/accounts/headers",
        "cache/media_attachments/files",
        "cache/media_attachments/thumbnails",
        "cache/custom_emojis/images",
        "cache/preview_cards/images",
    ] {
        assert!(files.keys().any(|key| key.starts_with(&format!("{folder}/"))), "{folder}");
    }
    for style in ["original", "small", "static", "@1x", "@2x", "16", "1024"] {
        assert!(files.keys().any(|key| key.contains(&format!("/{style}/"))), "{style}");
    }
    assert!(files.keys().any(|key| key.contains("/000/001/")) && files.keys().any(|key| key.contains("/100/000/")));
    let types = "SELECT count(DISTINCT type) FROM media_attachments WHERE remote_url = ''";
    assert_eq!(server.number(types).await, 5);

    // What the rows name, against what is there.
    let own = "SELECT id, file_file_name FROM media_attachments WHERE remote_url = '' AND file_file_name IS NOT NULL";
    let rows = server.database().await.query(own, &[]).await.expect("rows");
    let is_there = |id: i64, file: &str| {
        let digits = format!("{id:09}");
        let threes: Vec<String> = digits.as_bytes().chunks(3).map(|three| String::from_utf8_lossy(three).into_owned()).collect();
        files.contains_key(&format!("media_attachments/files/{}/original/{file}", threes.join("/")))
    };
    let gone = rows.iter().filter(|row| !is_there(row.get(0), row.get(1))).count();
    assert!(gone > 0 && gone < 30, "{gone} of {}", rows.len());
    for what in ["missing_originals", "missing_styles"] {
        assert!(number(&told["files"][what]) > 0, "{what}");
    }
    assert!(number(&told["files"]["orphan"]["files"]) > 9);
}

#[tokio::test]
async fn texts_come_through_as_they_were_written() {
    let server = Server::prepared("4.4.8").await;
    server.runs("howdah-standin fill --accounts 5 --statuses 3000 --media 0");
    for text in ["\\.", "\\N", "a return\ralone", "COPY public.statuses (id, text) FROM stdin;\n1\thello\n\\.\n"] {
        let found = server.database().await.query("SELECT FROM statuses WHERE text = $1", &[&text]).await.expect("rows");
        assert!(!found.is_empty(), "{text:?}");
    }
    assert!(server.number("SELECT count(*) FROM statuses WHERE length(text) > 10000").await > 0);
    for (what, kinds) in [("visibility", 4), ("reply", 2), ("local", 2), ("reblog_of_id IS NULL", 2), ("deleted_at IS NULL", 2)] {
        assert_eq!(server.number(&format!("SELECT count(DISTINCT {what}) FROM statuses")).await, kinds, "{what}");
    }
    let lengths = "SELECT count(DISTINCT length(id::text)) FROM statuses";
    assert_eq!(server.number(lengths).await, 3, "ids are old and small, of 17 and of 18 digits");
}

#[tokio::test]
async fn new_rows_get_ids_that_are_free() {
    let server = Server::prepared("4.5.11").await;
    server.runs("bin/tootctl accounts create owner --email owner@example.com --role Owner --confirmed --approve");
    server.runs(FILL);
    server.runs("bin/tootctl accounts create later --email later@example.com --confirmed --approve");
    assert_eq!(server.number("SELECT max(id) FROM users").await, 1_012);
    let sequences = "SELECT count(*) FROM pg_sequences WHERE schemaname = 'public'
                     AND sequencename IN ('statuses_id_seq', 'media_attachments_id_seq', 'accounts_id_seq') AND last_value > 10";
    assert_eq!(server.number(sequences).await, 3);
}

#[tokio::test]
async fn a_filled_server_goes_through_all_releases() {
    let mut server = Server::prepared("4.3.23").await;
    let told = report(&server.runs(FILL));
    assert!(server.number("SELECT count(*) FROM imports").await > 0);
    assert!(number(&told["files"]["on_request"]["files"]) > 3);
    for version in ["4.4.8", "4.5.11", "4.6.5", "4.7.2"] {
        server.set("STANDIN_VERSION", version);
        server.runs("bundle exec rake db:migrate");
    }
    let secrets = "SELECT count(*) FROM keypairs k JOIN accounts a ON a.id = k.account_id WHERE k.private_key LIKE '{\"p\":%\"c\":true}}'";
    assert_eq!(server.number(secrets).await, 13, "one for each local account, and the server's own");
    assert_eq!(server.number("SELECT count(*) FROM users WHERE otp_secret LIKE '{\"p\":%' AND otp_required_for_login").await, 3);
    assert!(server.number("SELECT count(*) FROM account_summaries").await > 0);
    let web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    assert!(web.json("/users/ada_0").await["publicKey"]["publicKeyPem"].as_str().is_some_and(|pem| pem.contains("BEGIN PUBLIC KEY")));
}

#[tokio::test]
async fn the_newest_release_is_filled_too_and_its_keys_are_sealed() {
    let server = Server::prepared("4.7.2").await;
    server.runs(FILL);
    assert_eq!(server.number("SELECT count(*) FROM keypairs WHERE private_key LIKE '{\"p\":%\"c\":true}}'").await, 13);
    assert_eq!(server.number("SELECT count(*) FROM accounts WHERE private_key IS NOT NULL").await, 0);
    assert_eq!(server.number("SELECT count(*) FROM terms_of_services").await, 1);
}

// The bucket answers while the command runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_gets_the_same_files_with_what_mastodon_sends_along() {
    let mut server = Server::prepared("4.5.11").await;
    let store = ObjectStore::start().await;
    server.keep_media_in(&store);
    server.set("S3_KEY_PREFIX", "here");
    let told = report(&server.runs("howdah-standin fill --accounts 4 --statuses 40 --media 40"));
    let objects = store.objects();
    assert_eq!(i64::try_from(objects.len()).expect("few"), number(&told["written"]["files"]));
    assert!(objects.keys().all(|key| key.starts_with("/mi-a/here/")));
    let head_of = |part: &str| &objects.iter().find(|(key, _)| key.contains(part)).unwrap_or_else(|| panic!("{part}")).1.head;
    for (part, lines) in [
        ("/site_uploads/files/000/001/000/%401x/", ["content-type: image/png", "x-amz-acl: public-read"]),
        ("/backups/dumps/", ["content-type: application/zip", "x-amz-acl: private"]),
        ("/cache/preview_cards/images/", ["content-type: image/jpeg", "x-amz-acl: public-read"]),
    ] {
        let head = head_of(part);
        assert!(lines.iter().all(|line| head.contains(line)), "{head}");
        assert!(head.contains("cache-control: public, max-age=315576000, immutable"));
    }
}

#[tokio::test]
async fn a_database_without_a_schema_is_not_filled() {
    let server = Server::new("4.5.11").await;
    assert!(server.fails(FILL).contains("db:prepare"));
}
