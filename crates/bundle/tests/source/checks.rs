//! Damage that a changed collation does, and what else the checks say.

use howdah_bundle::format::AmcheckResult;

use crate::support::TestDatabase;

/// Accounts and users that unique indexes should have kept apart. The flag is taken away and set again, as a corrupt index lets them in.
const DUPLICATES: &str = "
    UPDATE pg_index SET indisunique = false WHERE indexrelid IN ('index_accounts_on_username_and_domain_lower'::regclass, 'index_users_on_email'::regclass);
    INSERT INTO accounts (id, username, domain, uri, created_at, updated_at)
      SELECT id, name, domain, uri, now(), now() FROM (VALUES
        (1, 'alice', NULL, ''), (2, 'Alice', NULL, ''), (3, 'ALICE', NULL, ''), (4, 'carol', 'b.example', 'https://b.example/carol'),
        (5, 'carol', 'B.example', 'https://b.example/carol'), (6, 'carol', 'c.example', 'https://c.example/carol')) AS made (id, name, domain, uri);
    INSERT INTO users (id, email, account_id, created_at, updated_at) VALUES (1, 'a@a.example', 1, now(), now()), (2, 'b@a.example', 2, now(), now());
    UPDATE pg_index SET indisunique = true WHERE indexrelid IN ('index_accounts_on_username_and_domain_lower'::regclass, 'index_users_on_email'::regclass);";

#[tokio::test]
async fn duplicates_are_found_by_reading_without_the_index() {
    let database = TestDatabase::mastodon().await;
    database.admin(DUPLICATES).await;
    let checks = database.snapshot().await.checks().await.unwrap();
    let found: Vec<_> = checks.duplicates.iter().map(|it| (it.table.as_str(), it.index.as_str(), it.ids.clone(), it.groups)).collect();
    let expected = [
        // The next release's unique index.
        ("accounts", "index_accounts_on_uri", vec![4, 5], 1),
        ("accounts", "index_accounts_on_username_and_domain_lower", vec![1, 3, 4, 5], 2),
    ];
    assert_eq!(found, expected);
    assert_eq!(checks.extensions.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["plpgsql"]);
}

#[tokio::test]
async fn duplicates_are_named_up_to_a_number() {
    let database = TestDatabase::mastodon().await;
    database
        .admin(
            "UPDATE pg_index SET indisunique = false WHERE indexrelid = 'index_custom_emojis_on_shortcode_and_domain'::regclass;
             INSERT INTO custom_emojis (shortcode, domain, created_at, updated_at)
               SELECT 'emoji' || number % 300, CASE WHEN number < 900 THEN 'b.example' END, now(), now() FROM generate_series(1, 1800) AS number;
             UPDATE pg_index SET indisunique = true WHERE indexrelid = 'index_custom_emojis_on_shortcode_and_domain'::regclass;",
        )
        .await;
    let checks = database.snapshot().await.checks().await.unwrap();
    let found: Vec<_> = checks.duplicates.iter().map(|it| (it.index.as_str(), it.ids.len(), it.groups)).collect();
    // An absent domain is equal to none.
    assert_eq!(found, [("index_custom_emojis_on_shortcode_and_domain", 100, 300)]);
}

#[tokio::test]
async fn without_amcheck_the_checks_say_why() {
    let database = TestDatabase::mastodon().await;
    // Somebody's own is not the extension's.
    database
        .owner("CREATE FUNCTION public.bt_index_check(regclass) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$")
        .await;
    let why = async || match database.snapshot().await.checks().await.unwrap().amcheck {
        AmcheckResult::NotRun { why } => why,
        AmcheckResult::Run { indexes } => panic!("amcheck isn't to be had: {indexes:?}"),
    };
    let said = why().await;
    assert!(said.contains("not installed") && said.contains(&format!("TO \"{}\"", database.name)), "{said}");
    database.admin("CREATE SCHEMA odd; CREATE EXTENSION amcheck SCHEMA odd").await;
    let said = why().await;
    assert!(said.contains("may not execute"), "{said}");
}

#[tokio::test]
async fn an_index_that_a_collation_no_longer_sorts_is_named() {
    let database = TestDatabase::mastodon().await;
    database
        .admin(&format!(
            "CREATE SCHEMA odd; CREATE EXTENSION amcheck SCHEMA odd;
             GRANT USAGE ON SCHEMA odd TO {0}; GRANT EXECUTE ON FUNCTION odd.bt_index_check(regclass) TO {0};
             DROP INDEX index_domain_blocks_on_domain;
             CREATE INDEX index_domain_blocks_on_domain ON domain_blocks (domain COLLATE \"C\");
             INSERT INTO domain_blocks (domain, created_at, updated_at) VALUES ('a', now(), now()), ('B', now(), now()), ('c', now(), now());
             UPDATE pg_index SET indcollation = (SELECT oid::text FROM pg_collation WHERE collname = 'und-x-icu')::oidvector
               WHERE indexrelid = 'index_domain_blocks_on_domain'::regclass;",
            database.name
        ))
        .await;
    let snapshot = database.snapshot().await;
    let AmcheckResult::Run { indexes } = snapshot.checks().await.unwrap().amcheck else { panic!("amcheck can be run") };
    let damaged: Vec<_> = indexes.iter().filter(|it| it.error.is_some()).collect();
    assert_eq!(
        damaged.iter().map(|it| (it.table.as_str(), it.index.as_str())).collect::<Vec<_>>(),
        [("domain_blocks", "index_domain_blocks_on_domain")]
    );
    assert!(damaged[0].error.as_ref().is_some_and(|it| it.contains("XX002")), "{damaged:?}");
    let checked = |name: &str| indexes.iter().any(|it| it.index == name);
    assert!(checked("index_users_on_email") && checked("index_accounts_on_username_and_domain_lower"));
    // Sorted by bytes, whatever the collation.
    assert!(!checked("index_statuses_on_uri") && !checked("users_pkey"));
    // What failed there left the snapshot whole.
    snapshot.facts().await.unwrap();
}
