//! A tenant who left traps wherever a reader with more rights might step.

use howdah_bundle::format::AmcheckResult;

use crate::support::{TestDatabase, dumped, rows};

/// What every trap does: it writes, and where that is forbidden it takes a lock that can be seen from outside.
const TRAP: &str = "
    CREATE TABLE canary (at timestamptz DEFAULT now(), who text);
    CREATE FUNCTION trap(who text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
      PERFORM pg_catalog.pg_advisory_lock(4711);
      INSERT INTO public.canary (who) VALUES (who);
      RETURN 1;
    EXCEPTION WHEN OTHERS THEN
      RETURN 1;
    END $$;";

/// In place of what PostgreSQL has: nearer to everything that doesn't say `pg_catalog`.
const SHADOWS: &str = r#"
    CREATE FUNCTION "left"(text, int) RETURNS text LANGUAGE sql AS $$ SELECT 'x' || public.trap('left') $$;
    CREATE FUNCTION octet_length(text) RETURNS int LANGUAGE sql AS $$ SELECT public.trap('octet_length') $$;
    CREATE FUNCTION "lower"(text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' || public.trap('lower') $$;
    CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' || public.trap('current_setting') $$;
    CREATE FUNCTION set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'x' || public.trap('set_config') $$;
    CREATE FUNCTION pg_export_snapshot() RETURNS text LANGUAGE sql AS $$ SELECT 'x' || public.trap('pg_export_snapshot') $$;
    CREATE FUNCTION pg_get_indexdef(oid, int, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'x' || public.trap('pg_get_indexdef') $$;
    CREATE FUNCTION bt_index_check(regclass) RETURNS void LANGUAGE sql AS $$ SELECT public.trap('bt_index_check') $$;
    CREATE FUNCTION step(bigint, bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT public.trap('sum')::bigint $$;
    CREATE AGGREGATE sum(bigint) (SFUNC = public.step, STYPE = bigint);
    CREATE AGGREGATE min(bigint) (SFUNC = public.step, STYPE = bigint);
    CREATE FUNCTION equal(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT public.trap('=') = 1 $$;
    CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = public.equal);
    CREATE OPERATOR <> (LEFTARG = text, RIGHTARG = text, FUNCTION = public.equal);
    CREATE OPERATOR ->> (LEFTARG = text, RIGHTARG = text, FUNCTION = public.equal);
    CREATE VIEW pg_class AS SELECT public.trap('pg_class'), * FROM pg_catalog.pg_class;
    CREATE VIEW pg_settings AS SELECT public.trap('pg_settings'), * FROM pg_catalog.pg_settings;
    CREATE VIEW pg_roles AS SELECT public.trap('pg_roles'), * FROM pg_catalog.pg_roles;"#;

/// On Mastodon's own tables.
const TABLES: &str = r#"
    CREATE DOMAIN odd AS text CHECK (public.trap('domain') = 1);
    CREATE TYPE evil AS (value text);
    CREATE FUNCTION to_text(evil) RETURNS text LANGUAGE sql AS $$ SELECT 'x' || public.trap('cast') $$;
    CREATE CAST (evil AS text) WITH FUNCTION public.to_text(evil) AS IMPLICIT;
    ALTER TABLE users ALTER otp_secret TYPE odd, ADD trapped evil, ADD computed int GENERATED ALWAYS AS (public.trap('generated')) STORED;
    ALTER TABLE statuses ADD local_only evil, ALTER text SET DEFAULT 'x' || public.trap('default');
    CREATE INDEX trap_in_index ON accounts ((id + public.trap('index')));
    CREATE INDEX trap_in_predicate ON media_attachments (id) WHERE id > public.trap('predicate');
    CREATE STATISTICS trap_in_statistics ON (id + public.trap('statistics')), shortcode FROM custom_emojis;
    ALTER TABLE backups ENABLE ROW LEVEL SECURITY;
    CREATE POLICY trap ON backups USING (public.trap('policy') = 1);
    CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.trap('trigger'); RETURN NEW; END $$;
    CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON statuses FOR EACH STATEMENT EXECUTE FUNCTION on_change();
    CREATE RULE trap AS ON UPDATE TO statuses DO ALSO SELECT public.trap('rule');
    DROP TABLE site_uploads;
    CREATE VIEW site_uploads AS SELECT public.trap('view') AS id, ''::varchar AS file_file_name;
    CREATE MATERIALIZED VIEW kept AS SELECT public.trap('materialized view');
    CREATE TABLE by_part (id int) PARTITION BY LIST ((id + public.trap('partition key')));
    CREATE TABLE by_part_1 PARTITION OF by_part DEFAULT;"#;

const PEOPLE: &str = "
    INSERT INTO accounts (id, username, created_at, updated_at) VALUES (1, 'alice', now(), now()), (2, 'bob', now(), now());
    INSERT INTO statuses (id, account_id, text, created_at, updated_at) VALUES (1, 1, 'x', now(), now());
    INSERT INTO users (email, account_id, created_at, updated_at) VALUES ('a@a.example', 1, now(), now());
    INSERT INTO custom_emojis (shortcode, created_at, updated_at) VALUES ('a', now(), now());
    INSERT INTO backups (created_at, updated_at) VALUES (now(), now());";

/// Nothing has been written, and nobody holds the lock.
async fn untouched(database: &TestDatabase) -> bool {
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let held: i64 = database.admin.query_one(held, &[]).await.unwrap().get(0);
    let written: i64 = database.admin.query_one("SELECT pg_catalog.count(*) FROM public.canary", &[]).await.unwrap().get(0);
    held == 0 && written == 0
}

async fn trapped() -> TestDatabase {
    let database = TestDatabase::mastodon().await;
    // In the order in which making one trap doesn't step into another.
    for sql in [TRAP, PEOPLE, TABLES, SHADOWS] {
        database.owner(sql).await;
    }
    database
        .admin(&format!(
            "ALTER ROLE {0} SET search_path = public, pg_catalog; ALTER DATABASE {0} SET search_path = public, pg_catalog",
            database.name
        ))
        .await;
    // Making them stepped into some.
    database.admin("SET session_replication_role = replica; DELETE FROM canary").await;
    database.owner("SELECT pg_catalog.pg_advisory_unlock_all()").await;
    assert!(untouched(&database).await);
    database
}

#[tokio::test]
async fn no_trap_is_stepped_into() {
    let database = trapped().await;
    let snapshot = database.snapshot().await;
    let facts = snapshot.facts().await.unwrap();
    let checks = snapshot.checks().await.unwrap();
    let script = dumped(&database, &snapshot).await;
    assert!(untouched(&database).await, "something was called");

    assert_eq!((facts.counts.tables["accounts"], facts.counts.tables["statuses"], facts.counts.tables["backups"]), (2, 1, 1));
    for (table, count) in &facts.counts.tables {
        assert_eq!(rows(&script, table).len() as u64, *count, "{table}");
    }
    assert!(!facts.counts.tables.contains_key("site_uploads"));
    assert!(matches!(checks.amcheck, AmcheckResult::NotRun { .. }));
    let reasons: Vec<_> = snapshot.findings().iter().map(|it| (it.object.as_str(), it.reason.as_str())).collect();
    let calling = ["accounts", "custom_emojis", "media_attachments"].map(|it| (it, "calls_in_index"));
    assert_eq!(reasons[1..], calling);
    assert!(reasons[0].0.contains("trap") && reasons[0].1 == "foreign_functions");
    assert!(!snapshot.plannable("accounts") && snapshot.plannable("statuses") && !snapshot.plannable("nothing"));
}

/// The traps are armed: a reader who takes no care steps into them.
#[tokio::test]
async fn a_careless_reader_steps_into_them() {
    for careless in [
        "SELECT pg_catalog.count(*) FROM public.accounts",
        "SELECT pg_catalog.count(*) FROM public.custom_emojis WHERE shortcode = 'a'::text",
        "SELECT * FROM public.site_uploads",
        "SELECT current_setting('server_version')",
        "SELECT pg_catalog.count(*) FROM public.users WHERE email::text = 'a'::text",
    ] {
        let database = trapped().await;
        database.owner("SET search_path = public, pg_catalog; BEGIN READ ONLY").await;
        let _ = database.owner.simple_query(careless).await;
        assert!(!untouched(&database).await, "`{careless}` calls nothing");
    }
}

#[tokio::test]
async fn what_would_be_hidden_by_a_policy_is_an_error_and_not_left_out() {
    let database = TestDatabase::mastodon().await;
    database.owner(PEOPLE).await;
    database
        .owner("ALTER TABLE backups ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY none ON backups USING (false)")
        .await;
    let error = database.snapshot().await.facts().await.unwrap_err().to_string();
    assert!(error.contains("backups") && error.contains("row-level security"), "{error}");
}
