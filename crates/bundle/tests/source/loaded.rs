//! What the loader leaves: each value as it was, and the schema as it was, however the load ended.

use bytes::Bytes;
use howdah_bundle::archive::CopyTarget;
use howdah_bundle::create::{self, SealWith};
use howdah_bundle::load::{self, Duplicates, Fed, Limits, LoadError};
use tokio::sync::mpsc;

use crate::server::{Server, all_rows, now, place, restore_into};
use crate::support::{TestDatabase, connect};

/// Of the types that are loaded as binary, and of others.
const ODD: &str = "
    CREATE TABLE plain (id bigint PRIMARY KEY, yes boolean, small smallint, middle integer, note text, short varchar(5), at timestamp,
      at3 timestamp(3), meta json, fields jsonb, ids bigint[], numbers integer[], names varchar[], texts text[]);
    CREATE TABLE mixed (id bigint PRIMARY KEY, at timestamptz, amount numeric, rate float8, ip inet, code char(4), key uuid, day date);";

const VALUES: &str = r#"
    INSERT INTO plain VALUES
      (1, true, -32768, 2147483647, E'tab\t, line\nreturn\r, back\\slash, \\N and größe 🐘', 'fünf5', '2024-02-29 13:37:00.123456', '2024-02-29 13:37:00.1239',
       '{"a" : [1,  2], "b": "\\n\u0041"}', '{"b": "\\n\u0041", "a": 1.50}', '{1,NULL,-9223372036854775808}', '{}', ARRAY['a b', 'NULL', NULL, '', '"', '\', '{,}', E'\n'], '{x}'),
      (-9223372036854775808, false, 0, -1, '', '', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999', 'null', '"x"', '{}', '{7}', '{}', NULL),
      (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO mixed VALUES (1, '2024-02-29 13:37:00.5+02', 12345678901234567890.0100, 'NaN', '2001:db8::/32', 'ab', '0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d', '0044-03-15 BC');"#;

/// What only the server judges, far behind what is loaded as binary.
const LATE: &str = "
    INSERT INTO plain (id, note) SELECT i, repeat('x', 100) FROM generate_series(10, 10000) i;
    INSERT INTO plain (id, at, ids, names) VALUES (20001, 'infinity', '{{1,2},{3,4}}', '[2:3]={a,b}'), (20002, '0044-03-15 12:00:00 BC', '{}', '{}');
    INSERT INTO plain (id, note) SELECT i, 'after' FROM generate_series(30000, 40000) i;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_value_is_as_it_was() {
    let server = Server::new().await;
    server.database.owner(&format!("{ODD}{VALUES}{LATE}")).await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("birds");
    create::create(server.options(place(&at), SealWith::Plain), &now, &|_| {}).await.unwrap();
    let (target, to) = (TestDatabase::schema_only().await, tempfile::tempdir().unwrap());
    target.owner(ODD).await;
    // It needs the primary key for what it does not group by.
    target.owner("CREATE VIEW grouped AS SELECT id, note, count(*) FROM plain GROUP BY id").await;
    let before = schema(&target).await;
    restore_into(&target, &at, None, to.path()).await.unwrap();
    assert_eq!(all_rows(&target).await, all_rows(&server.database).await);
    assert_eq!(schema(&target).await, before);
}

/// Keys and indexes, each by its definition.
async fn schema(database: &TestDatabase) -> Vec<String> {
    let all = "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
               UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1";
    database.owner.query(all, &[]).await.unwrap().iter().map(|it| it.get(0)).collect()
}

fn accounts() -> Fed {
    let columns = ["id", "username", "created_at", "updated_at"].map(str::to_owned).to_vec();
    Fed::Table(CopyTarget { schema: "public".to_owned(), table: "accounts".to_owned(), columns })
}

fn rows(text: &'static str) -> Fed {
    Fed::Rows(Bytes::from_static(text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_fails_leaves_every_key_and_index() {
    let target = TestDatabase::schema_only().await;
    let before = schema(&target).await;
    for (lines, said) in [
        ("1\tana\t2024-01-01 00:00:00\t2024-01-01 00:00:00\n1\tbob\t2024-01-01 00:00:00\t2024-01-01 00:00:00\n", "accounts_pkey"),
        ("1\tana\t2024-02-30 00:00:00\t2024-01-01 00:00:00\n", "2024-02-30"),
        ("1\tana\t2024-01-01 00:00:00\t\\N\n", "updated_at"),
        // Whole, but no dump of this release.
        ("1\tana\t2024-01-01 00:00:00\t2024-01-01 00:00:00\n", "migrations"),
    ] {
        let (sender, fed) = mpsc::channel(8);
        let migrations =
            CopyTarget { schema: "public".to_owned(), table: "schema_migrations".to_owned(), columns: vec!["version".to_owned()] };
        let mut all = vec![accounts(), rows(lines)];
        if said != "migrations" {
            all.extend([Fed::Table(migrations), rows("20241007071624\n20160220174730\n")]);
        }
        all.push(Fed::End { sequences: Vec::new(), encoding: None });
        for it in all {
            sender.try_send(it).map_err(drop).unwrap();
        }
        let mut client = connect(&target.url()).await;
        let refused = load::load(&mut client, Limits::default(), Duplicates::Refuse, None, fed, &|_| {}, |_| Ok(())).await.unwrap_err();
        assert!(refused.to_string().contains(said), "{said}: {refused}");
        assert!(all_rows(&target).await["accounts"].is_empty(), "{said}");
        assert_eq!(schema(&target).await, before, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_is_killed_leaves_every_key_and_index() {
    let target = TestDatabase::schema_only().await;
    let before = schema(&target).await;
    let (sender, fed) = mpsc::channel(1);
    let mut client = connect(&target.url()).await;
    let loading =
        tokio::spawn(async move { load::load(&mut client, Limits::default(), Duplicates::Refuse, None, fed, &|_| {}, |_| Ok(())).await });
    for it in
        [accounts(), rows("1\tana\t2024-01-01 00:00:00\t2024-01-01 00:00:00\n"), rows("2\tbob\t2024-01-01 00:00:00\t2024-01-01 00:00:00\n")]
    {
        sender.send(it).await.map_err(drop).unwrap();
    }
    // The last was taken: it is among its rows.
    drop(sender.reserve().await.unwrap());
    loading.abort();
    assert!(loading.await.unwrap_err().is_cancelled());
    // Waits until the server has given it up.
    assert!(all_rows(&target).await["accounts"].is_empty());
    assert_eq!(schema(&target).await, before);
}

/// Rows that come in between the first look and the lock would be thrown away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_somebody_elses_is_not_lost() {
    let target = TestDatabase::schema_only().await;
    target.owner("BEGIN; INSERT INTO accounts (id, username, created_at, updated_at) VALUES (7, 'eve', now(), now())").await;
    let (sender, fed) = mpsc::channel(8);
    for it in [accounts(), rows("1\tana\t2024-01-01 00:00:00\t2024-01-01 00:00:00\n"), Fed::End { sequences: Vec::new(), encoding: None }] {
        sender.try_send(it).map_err(drop).unwrap();
    }
    let mut client = connect(&target.url()).await;
    let loading =
        tokio::spawn(async move { load::load(&mut client, Limits::default(), Duplicates::Refuse, None, fed, &|_| {}, |_| Ok(())).await });
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'public.accounts'::regclass)";
    while !target.admin.query_one(waits, &[]).await.unwrap().get::<_, bool>(0) {
        tokio::task::yield_now().await;
    }
    target.owner("COMMIT").await;
    assert!(matches!(loading.await.unwrap().unwrap_err(), LoadError::NotEmpty { table } if table == "accounts"));
    let left = target.owner.query_one("SELECT count(*) FROM accounts WHERE id = 7", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 1);
}
