//! What is read in a tenant's database, of a well-behaved tenant's and of a hostile one's.

use std::time::{Duration, Instant};

use howdah_domain::InstanceId;
use howdah_operator::provider::Usage;
use tokio_postgres::Client;

use crate::server::{TestServer, new_id, password, superuser, tenant};

/// The tables and columns of Mastodon's that count here.
const SCHEMA: &str = "
    CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
    CREATE TABLE accounts (id bigint, domain varchar, avatar_file_size int, header_file_size int);
    CREATE TABLE media_attachments (id bigint, remote_url varchar NOT NULL DEFAULT '', file_file_size int, thumbnail_file_size int);
    CREATE TABLE custom_emojis (id bigint, domain varchar, image_file_size int);
    CREATE TABLE preview_cards (id bigint, image_file_size int);
    CREATE TABLE site_uploads (id bigint, file_file_size int);
    CREATE TABLE backups (id bigint, dump_file_size bigint);
    CREATE TABLE users (id bigint, confirmed_at timestamp, approved boolean NOT NULL DEFAULT true, role_id bigint);
    CREATE TABLE user_roles (id bigint, name varchar NOT NULL);
    CREATE TABLE settings (id bigint, var varchar NOT NULL, value text);";

const ROWS: &str = "
    INSERT INTO schema_migrations VALUES ('20240101000000'), ('20251023210145'), ('0');
    INSERT INTO accounts VALUES (1, NULL, 1, 2), (2, 'remote.example', 100, NULL);
    INSERT INTO media_attachments VALUES (1, '', 10, 20), (2, 'https://remote.example/x', 1000, 2000);
    INSERT INTO custom_emojis VALUES (1, NULL, 100), (2, 'remote.example', 10000);
    INSERT INTO preview_cards VALUES (1, 100000);
    INSERT INTO site_uploads VALUES (1, 1000), (2, -5);
    INSERT INTO backups VALUES (1, 10000);
    INSERT INTO users VALUES (1, now(), true, 3), (2, NULL, true, NULL), (3, now(), true, NULL);
    INSERT INTO user_roles VALUES (1, 'Moderator'), (3, 'Owner');
    INSERT INTO settings VALUES (1, 'media_cache_retention_period', '7');";

async fn new_tenant(test: &TestServer) -> (InstanceId, String, Client) {
    let id = new_id();
    let name = id.resource_name().to_string();
    test.server.ensure(id, &password("p"), 5).await.unwrap();
    let client = tenant(test, &name, &name, "p").await.unwrap();
    (id, name, client)
}

#[tokio::test]
async fn an_empty_database_has_no_facts() {
    let test = TestServer::get().await;
    let (id, _, _client) = new_tenant(&test).await;
    let key = password("p");
    assert_eq!(test.server.schema_version(id, &key).await.unwrap(), None);
    assert!(!test.server.owner_ready(id, &key).await.unwrap());
    assert!(!test.server.configured(id, &key).await.unwrap());
    let usage = test.server.usage(id, &key).await.unwrap();
    assert!(usage.database_bytes > 1 << 20);
    assert_eq!(Usage { database_bytes: 0, ..usage }, Usage::default());
    test.server.destroy(id).await.unwrap();
}

#[tokio::test]
async fn the_facts_of_a_server() {
    let test = TestServer::get().await;
    let (id, _, client) = new_tenant(&test).await;
    let key = password("p");
    client.batch_execute(SCHEMA).await.unwrap();
    assert_eq!(test.server.schema_version(id, &key).await.unwrap(), None, "a schema without a migration");
    client.batch_execute(ROWS).await.unwrap();
    assert_eq!(test.server.schema_version(id, &key).await.unwrap().as_deref(), Some("20251023210145"));
    assert!(test.server.configured(id, &key).await.unwrap());
    let usage = test.server.usage(id, &key).await.unwrap();
    let expected =
        Usage { own_media_bytes: 3 + 30 + 100 + 1000 + 10000, cached_media_bytes: 100 + 3000 + 10000 + 100_000, users: 2, ..usage };
    assert_eq!(usage, expected);

    assert!(test.server.owner_ready(id, &key).await.unwrap());
    for undo in ["UPDATE users SET approved = false WHERE id = 1", "UPDATE users SET approved = true, confirmed_at = NULL WHERE id = 1"] {
        client.batch_execute(undo).await.unwrap();
        assert!(!test.server.owner_ready(id, &key).await.unwrap(), "{undo}");
    }
    test.server.destroy(id).await.unwrap();
}

#[tokio::test]
async fn the_mark_is_the_one_on_its_table() {
    let test = TestServer::get().await;
    let (id, _, client) = new_tenant(&test).await;
    let key = password("p");
    let mark = async || test.server.mark(id, &key).await.unwrap();
    assert_eq!(mark().await, None);
    client.batch_execute(SCHEMA).await.unwrap();
    assert_eq!(mark().await, None);
    client.batch_execute("COMMENT ON TABLE users IS 'another table'; COMMENT ON COLUMN accounts.id IS 'a column'").await.unwrap();
    assert_eq!(mark().await, None);
    client.batch_execute("COMMENT ON TABLE accounts IS 'a/1'").await.unwrap();
    assert_eq!(mark().await.as_deref(), Some("a/1"));
    client.batch_execute(&format!("COMMENT ON TABLE accounts IS '{}'", "x".repeat(100_000))).await.unwrap();
    assert_eq!(mark().await, Some("x".repeat(64)), "bounded");
    let hidden = "ALTER TABLE accounts RENAME TO real; CREATE VIEW accounts AS SELECT * FROM real; COMMENT ON VIEW accounts IS 'a/1';
        CREATE SCHEMA trap; CREATE TABLE trap.accounts (id bigint); COMMENT ON TABLE trap.accounts IS 'a/1'";
    client.batch_execute(hidden).await.unwrap();
    assert_eq!(mark().await, None, "neither a view nor another schema's table");
    test.server.destroy(id).await.unwrap();
}

#[tokio::test]
async fn a_hostile_tenant_learns_nothing_and_stops_nothing() {
    let test = TestServer::get().await;
    let superuser = superuser().await;
    let (id, name, client) = new_tenant(&test).await;
    let key = password("p");
    let traps = [
        SCHEMA.to_owned(),
        ROWS.to_owned(),
        "CREATE TABLE seen (who text)".to_owned(),
        "CREATE SCHEMA trap".to_owned(),
        "CREATE FUNCTION trap.max(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user); RETURN 'trapped'; END $$".to_owned(),
        "CREATE FUNCTION trap.current_database() RETURNS name LANGUAGE sql AS $$ SELECT 'trapped'::name $$".to_owned(),
        "CREATE TABLE trap.schema_migrations AS SELECT 'trapped' AS version".to_owned(),
        format!("ALTER ROLE \"{name}\" SET search_path = trap, pg_catalog"),
        format!("ALTER ROLE \"{name}\" SET default_transaction_read_only = off"),
        format!("ALTER ROLE \"{name}\" SET statement_timeout = 0"),
        format!("ALTER DATABASE \"{name}\" SET search_path = trap, pg_catalog"),
        "ALTER TABLE schema_migrations DROP CONSTRAINT schema_migrations_pkey".to_owned(),
        "INSERT INTO schema_migrations VALUES (repeat('9', 100000000))".to_owned(),
        "DROP TABLE user_roles; CREATE VIEW user_roles AS SELECT 3::bigint AS id, 'Owner'::varchar AS name FROM pg_sleep(60)".to_owned(),
    ];
    for sql in traps {
        client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    let begun = Instant::now();
    assert_eq!(test.server.schema_version(id, &key).await.unwrap(), Some("9".repeat(32)), "bounded");
    assert!(!test.server.owner_ready(id, &key).await.unwrap(), "a view is no table");
    assert!(test.server.usage(id, &key).await.unwrap().own_media_bytes > 0);
    assert!(begun.elapsed() < Duration::from_secs(10));
    let seen: i64 = client.query_one("SELECT count(*) FROM public.seen", &[]).await.unwrap().get(0);
    assert_eq!(seen, 0, "no trap was sprung");

    // A row-level policy runs the owner's code in a plain table: no further than the statement's time.
    client.batch_execute("ALTER TABLE settings ENABLE ROW LEVEL SECURITY; ALTER TABLE settings FORCE ROW LEVEL SECURITY; CREATE POLICY p ON settings USING (pg_sleep(60) IS NULL)").await.unwrap();
    let begun = Instant::now();
    let error = test.server.configured(id, &key).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    let left: i64 = superuser
        .query_one(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'howdah-operator' AND state = 'active'",
            &[&name],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0);
    test.server.destroy(id).await.unwrap();
}
