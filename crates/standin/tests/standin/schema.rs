//! `db:prepare` and `db:migrate` on a real PostgreSQL, as a role that is no superuser.

use super::support::Server;

const RECORDED: &str = "SELECT count(*) FROM schema_migrations WHERE version = ";
const COLUMNS: &str = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'";
const LEGACY: &str = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'encrypted_otp_secret'";

#[tokio::test]
async fn an_empty_database_is_prepared_and_a_second_run_changes_nothing() {
    let server = Server::prepared("4.5.11").await;
    let counts = async || {
        let rows = "SELECT (SELECT count(*) FROM user_roles) * 1000 + (SELECT count(*) FROM oauth_applications) * 100 + (SELECT count(*) FROM accounts)";
        (server.number(COLUMNS).await, server.number("SELECT count(*) FROM schema_migrations").await, server.number(rows).await)
    };
    let before = counts().await;
    assert_eq!(before.2, 4101, "four roles, one application, the server's own actor");
    server.runs("bundle exec rake db:prepare");
    assert_eq!(counts().await, before);
}

#[tokio::test]
async fn a_schema_is_loaded_without_seeds_and_is_the_one_that_prepare_makes() {
    for version in ["4.3.23", "4.7.2"] {
        let (mut loaded, prepared) = (Server::new(version).await, Server::prepared(version).await);
        loaded.runs("bundle exec rake db:schema:load");
        let seeds =
            "SELECT (SELECT count(*) FROM user_roles) + (SELECT count(*) FROM oauth_applications) + (SELECT count(*) FROM accounts)";
        assert_eq!(loaded.number(seeds).await, 0);
        for shape in [
            "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || COALESCE(column_default, '') FROM information_schema.columns
             WHERE table_schema = 'public' ORDER BY 1",
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
            "SELECT version FROM schema_migrations ORDER BY 1",
        ] {
            let of = async |server: &Server| {
                let rows = server.database().await.query(shape, &[]).await.expect("rows");
                rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>()
            };
            assert_eq!(of(&loaded).await, of(&prepared).await);
        }
        assert!(loaded.fails("bundle exec rake db:schema:load").contains("DISABLE_DATABASE_ENVIRONMENT_CHECK=1"));
        loaded.runs("bundle exec rake db:prepare");
        assert_eq!(loaded.number(seeds).await, 6);
        loaded.runs("howdah-standin fill --accounts 3 --statuses 20 --media 5");
        loaded.set("DISABLE_DATABASE_ENVIRONMENT_CHECK", "1");
        loaded.runs("bundle exec rake db:schema:load");
        assert_eq!(loaded.number(&format!("{seeds} + (SELECT count(*) FROM statuses)")).await, 0, "a person insisted");
    }
}

/// What a bundle has to carry, by the types and kinds of relations that Mastodon has.
#[tokio::test]
async fn the_schema_has_every_type_that_mastodons_has() {
    let server = Server::prepared("4.6.5").await;
    for name in ["json", "jsonb", "inet", "_varchar", "_int8", "_text", "float8", "date", "numeric", "timestamp", "bool", "int4", "int8"] {
        let columns = format!(
            "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_type t ON t.oid = atttypid
             WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') AND attnum > 0 AND t.typname = '{name}'"
        );
        assert!(server.number(&columns).await > 0, "{name}");
    }
    let views = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('m', 'v')";
    assert_eq!(server.number(views).await, 4);
    let later = Server::prepared("4.7.2").await;
    assert_eq!(later.number(views).await, 2, "two became tables");
}

#[tokio::test]
async fn ids_are_timestamps_and_their_salt_is_the_databases_own() {
    let server = Server::prepared("4.5.11").await;
    let other = Server::prepared("4.5.11").await;
    let milliseconds = "SELECT (timestamp_id('statuses') >> 16) - (date_part('epoch', now()) * 1000)::bigint";
    assert_eq!(server.number(milliseconds).await, 0);
    let body = "SELECT ('x' || substr(md5(prosrc), 1, 15))::bit(60)::bigint FROM pg_proc WHERE proname = 'timestamp_id'";
    assert_ne!(server.number(body).await, other.number(body).await);
}

#[tokio::test]
async fn an_upgrade_is_two_migrations_and_both_kinds_are_recorded() {
    let mut server = Server::prepared("4.3.23").await;
    assert_eq!(server.number(LEGACY).await, 1);
    server.set("STANDIN_VERSION", "4.4.8");
    server.set("SKIP_POST_DEPLOYMENT_MIGRATIONS", "true");
    server.runs("bundle exec rake db:migrate");
    assert_eq!(server.number(&format!("{RECORDED} '20250411094808'")).await, 1, "quotes came");
    assert_eq!(server.number(&format!("{RECORDED} '20250520192024'")).await, 0, "a post-deployment migration was left out");
    assert_eq!(server.number(LEGACY).await, 1, "the release before still finds its columns");
    server.unset("SKIP_POST_DEPLOYMENT_MIGRATIONS");
    server.runs("bundle exec rake db:migrate");
    assert_eq!(server.number(&format!("{RECORDED} '20250520192024'")).await, 1);
    assert_eq!(server.number(LEGACY).await, 0);
}

#[tokio::test]
async fn a_server_goes_through_all_releases_with_its_people_and_keys() {
    let mut server = Server::prepared("4.3.23").await;
    server.runs("bin/tootctl accounts create alice --email alice@example.com --confirmed --role Owner --approve");
    let clear = "SELECT count(*) FROM accounts WHERE domain IS NULL AND private_key LIKE '-----BEGIN%'";
    assert_eq!(server.number(clear).await, 2);
    for version in ["4.4.8", "4.5.11", "4.6.5", "4.7.2"] {
        server.set("STANDIN_VERSION", version);
        server.runs("bundle exec rake db:migrate");
        assert_eq!(server.runs("bin/tootctl version").trim(), version);
    }
    assert_eq!(server.number(clear).await, 0, "from 4.7 no signing key lies open");
    assert_eq!(server.number("SELECT count(*) FROM keypairs WHERE private_key LIKE '{\"%' AND local_fragment = '#main-key'").await, 2);
    let web = server.start("bundle exec puma -C config/puma.rb").ready("/health").await;
    let key = web.json("/users/alice").await["publicKey"]["publicKeyPem"].to_string();
    assert!(key.contains("BEGIN PUBLIC KEY"), "{key}");
    server.runs("bin/tootctl accounts create bob --email bob@example.com --confirmed --approve");
    assert_eq!(server.number("SELECT count(*) FROM keypairs").await, 3);
}

#[tokio::test]
async fn a_run_that_died_halfway_can_be_tried_again() {
    let mut server = Server::new("4.5.11").await;
    server.set("STANDIN_FAIL", "db_prepare_halfway");
    assert!(server.fails("bundle exec rake db:prepare").contains("db_prepare_halfway"));
    assert!(server.number(COLUMNS).await > 0, "it left something behind");
    assert!(server.fails("bundle exec rake db:prepare").contains("db_prepare_halfway"));
    server.unset("STANDIN_FAIL");
    server.runs("bundle exec rake db:prepare");
    assert_eq!(server.number("SELECT count(*) FROM user_roles").await, 4);
}

#[tokio::test]
async fn a_pre_deployment_migration_that_dies_leaves_a_schema_the_old_release_serves_on() {
    let mut server = Server::prepared("4.3.23").await;
    server.set("STANDIN_VERSION", "4.4.8");
    server.set("SKIP_POST_DEPLOYMENT_MIGRATIONS", "true");
    server.set("STANDIN_FAIL", "pre_migrate_halfway");
    server.fails("bundle exec rake db:migrate");
    assert_eq!(server.number("SELECT count(*) FROM schema_migrations WHERE version > '20241007071624'").await, 1);
    server.set("STANDIN_VERSION", "4.3.23");
    server.unset("STANDIN_FAIL");
    server.runs("bin/tootctl accounts create alice --email alice@example.com");
    server.set("STANDIN_VERSION", "4.4.8");
    server.runs("bundle exec rake db:migrate");
}

#[tokio::test]
async fn two_migrations_at_once_are_refused() {
    let server = Server::prepared("4.5.11").await;
    let other = server.database().await;
    other.execute("SELECT pg_advisory_lock(2053462845, hashtext(current_database()))", &[]).await.expect("the lock is free");
    assert!(server.fails("bundle exec rake db:migrate").contains("ConcurrentMigrationError"));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_not_made_by_a_role_that_may_not() {
    let mut server = Server::new("4.5.11").await;
    server.set("DB_NAME", "standin_never_made");
    let said = server.fails("bundle exec rake db:prepare");
    assert!(said.contains("Couldn't create 'standin_never_made' database"), "{said}");
}
