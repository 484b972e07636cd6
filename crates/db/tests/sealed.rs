//! What is sealed opens for its instance, kind and version only, and lies nowhere in the clear.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use howdah_db::models::identity::{IdentitySecret, SealedError, rewrap_data_keys};
use howdah_db::models::instance::Instance;
use howdah_db::models::owner_bootstrap::{NewOwnerBootstrap, OwnerBootstrap};
use howdah_db::seal::{KeyRing, SealError};
use howdah_db::{Conn, QueryErrorExt};
use howdah_testkit::TestDatabase;
use howdah_testkit::rows::{self, Places, now};
use secrecy::ExposeSecret;

const SECRET: &[u8] = b"correct horse battery staple";
const TOKEN: &[u8] = b"sEt-pAsSwOrD-tOkEn";

fn ring() -> KeyRing {
    KeyRing::parse(&KeyRing::generate("2026")).unwrap()
}

async fn two_instances(database: &TestDatabase) -> (Instance, Instance) {
    let conn = &mut database.conn().await;
    let places = Places::insert(conn).await;
    let person = rows::person(conn, "ada@birds.example").await;
    let account = rows::account(conn, &person).await;
    let one = rows::instance(conn, &account, &places, "birds.example").await;
    (one, rows::instance(conn, &account, &places, "cats.example").await)
}

#[derive(QueryableByName)]
struct Dump {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Every row of every table, as text, with binary columns in hexadecimal.
async fn dump(conn: &mut Conn) -> String {
    let tables: Vec<Dump> =
        diesel::sql_query("SELECT table_name::text AS text FROM information_schema.tables WHERE table_schema = 'public'")
            .load(conn)
            .await
            .unwrap();
    let mut all = String::new();
    for table in tables {
        let rows: Vec<Dump> = diesel::sql_query(format!("SELECT t::text AS text FROM {} t", table.text)).load(conn).await.unwrap();
        all.extend(rows.into_iter().map(|it| it.text));
    }
    all
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

#[tokio::test]
async fn what_was_sealed_opens_and_lies_nowhere_in_the_clear() {
    let database = TestDatabase::new().await;
    let (one, _) = two_instances(&database).await;
    let (conn, ring) = (&mut database.conn().await, ring());
    IdentitySecret::insert(conn, &ring, one.id, "mastodon", 1, SECRET, now()).await.unwrap();
    let new = NewOwnerBootstrap { instance_id: one.id, username: "ada", email: "ada@birds.example", token: TOKEN, issued_at: now() };
    new.insert(conn, &ring).await.unwrap();

    let opened = IdentitySecret::open(conn, &ring, one.id, "mastodon").await.unwrap().unwrap();
    assert_eq!(opened.expose_secret(), SECRET);
    let owner = OwnerBootstrap::of(conn, one.id).await.unwrap().unwrap();
    assert_eq!(owner.token(conn, &ring).await.unwrap().expose_secret(), TOKEN);

    let dump = dump(conn).await;
    assert!(dump.contains("birds.example"), "the dump shows what is there");
    for secret in [SECRET, TOKEN] {
        assert!(!dump.contains(std::str::from_utf8(secret).unwrap()) && !dump.contains(&hex(secret)));
    }
}

#[tokio::test]
async fn an_identity_is_never_made_anew() {
    let database = TestDatabase::new().await;
    let (one, _) = two_instances(&database).await;
    let (conn, ring) = (&mut database.conn().await, ring());
    IdentitySecret::insert(conn, &ring, one.id, "mastodon", 1, SECRET, now()).await.unwrap();
    match IdentitySecret::insert(conn, &ring, one.id, "mastodon", 1, b"another", now()).await {
        Err(SealedError::Query(error)) => assert_eq!(error.unique_violation(), Some("identity_secrets_pkey")),
        other => panic!("{other:?}"),
    }
    let opened = IdentitySecret::open(conn, &ring, one.id, "mastodon").await.unwrap().unwrap();
    assert_eq!(opened.expose_secret(), SECRET);
}

#[tokio::test]
async fn moved_to_another_tenant_kind_or_version_it_does_not_open() {
    let database = TestDatabase::new().await;
    let (one, two) = two_instances(&database).await;
    let (conn, ring) = (&mut database.conn().await, ring());
    IdentitySecret::insert(conn, &ring, one.id, "mastodon", 1, SECRET, now()).await.unwrap();
    IdentitySecret::insert(conn, &ring, two.id, "mastodon", 1, SECRET, now()).await.unwrap();

    let moves = [
        (
            "mastodon",
            format!(
                "UPDATE identity_secrets SET sealed = (SELECT sealed FROM identity_secrets WHERE instance_id = '{}') WHERE instance_id = '{}'",
                one.id, two.id
            ),
        ),
        ("other", format!("UPDATE identity_secrets SET kind = 'other' WHERE instance_id = '{}'", two.id)),
        ("mastodon", format!("UPDATE identity_secrets SET version = 2 WHERE instance_id = '{}'", two.id)),
        (
            "mastodon",
            format!(
                "UPDATE identity_secrets SET sealed = set_byte(sealed, 30, 255 - get_byte(sealed, 30)) WHERE instance_id = '{}'",
                two.id
            ),
        ),
    ];
    for (kind, sql) in moves {
        diesel::sql_query("BEGIN").execute(conn).await.unwrap();
        assert_eq!(diesel::sql_query(&sql).execute(conn).await.unwrap(), 1, "{sql}");
        let refused = IdentitySecret::open(conn, &ring, two.id, kind).await;
        assert!(matches!(refused, Err(SealedError::Seal(SealError::Sealed { .. }))), "{sql}");
        diesel::sql_query("ROLLBACK").execute(conn).await.unwrap();
    }

    let swap = format!(
        "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE instance_id = '{}') WHERE instance_id = '{}'",
        one.id, two.id
    );
    diesel::sql_query(swap).execute(conn).await.unwrap();
    let refused = IdentitySecret::open(conn, &ring, two.id, "mastodon").await;
    assert!(matches!(refused, Err(SealedError::Seal(SealError::DataKey { .. }))), "another tenant's data key");
}

#[tokio::test]
async fn rotation_wraps_anew_and_touches_nothing_sealed() {
    let database = TestDatabase::new().await;
    let (one, two) = two_instances(&database).await;
    let conn = &mut database.conn().await;
    let (old, new) = (KeyRing::generate("2026"), KeyRing::generate("2027"));
    let before = KeyRing::parse(&old).unwrap();
    for instance in [one.id, two.id] {
        IdentitySecret::insert(conn, &before, instance, "mastodon", 1, SECRET, now()).await.unwrap();
    }
    let texts: Vec<Dump> =
        diesel::sql_query("SELECT sealed::text AS text FROM identity_secrets ORDER BY instance_id").load(conn).await.unwrap();

    let both = KeyRing::parse(&format!("# the newest first\n{new}{old}")).unwrap();
    assert_eq!(rewrap_data_keys(conn, &both, now(), 1).await.unwrap(), 1);
    assert_eq!(rewrap_data_keys(conn, &both, now(), 100).await.unwrap(), 1);
    assert_eq!(rewrap_data_keys(conn, &both, now(), 100).await.unwrap(), 0);

    let after = KeyRing::parse(&new).unwrap();
    for instance in [one.id, two.id] {
        let opened = IdentitySecret::open(conn, &after, instance, "mastodon").await.unwrap().unwrap();
        assert_eq!(opened.expose_secret(), SECRET);
        let refused = IdentitySecret::open(conn, &before, instance, "mastodon").await;
        assert!(matches!(refused, Err(SealedError::Seal(SealError::UnknownKek { .. }))), "the old key is of no use any more");
    }
    let still: Vec<Dump> =
        diesel::sql_query("SELECT sealed::text AS text FROM identity_secrets ORDER BY instance_id").load(conn).await.unwrap();
    assert!(texts.iter().zip(&still).all(|(a, b)| a.text == b.text) && texts.len() == 2);
}

#[tokio::test]
async fn destroyed_is_gone() {
    let database = TestDatabase::new().await;
    let (one, _) = two_instances(&database).await;
    let (conn, ring) = (&mut database.conn().await, ring());
    IdentitySecret::insert(conn, &ring, one.id, "mastodon", 1, SECRET, now()).await.unwrap();
    IdentitySecret::destroy(conn, one.id).await.unwrap();
    assert!(IdentitySecret::open(conn, &ring, one.id, "mastodon").await.unwrap().is_none());
    let keys: Count = diesel::sql_query("SELECT count(*) AS count FROM data_keys").get_result(conn).await.unwrap();
    assert_eq!(keys.count, 0);
}

#[test]
fn a_key_file_is_read_strictly() {
    let line = KeyRing::generate("a");
    for (text, wanted) in [
        ("", "the key file holds no key".to_owned()),
        ("a", "line 1 of the key file is not `<id> <base64 of 32 bytes>`".to_owned()),
        ("\na c2hvcnQ=", "line 2 of the key file is not `<id> <base64 of 32 bytes>`".to_owned()),
        (&format!("{line}{line}"), "the key file has two keys called `a`".to_owned()),
    ] {
        assert_eq!(KeyRing::parse(text).unwrap_err().to_string(), wanted);
    }
    assert_eq!(format!("{:?}", KeyRing::parse(&line).unwrap()), r#"["a"]"#, "a key is never printed");
}
