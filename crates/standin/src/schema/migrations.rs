//! The steps from release to release, with Mastodon's version numbers where the step is one of Mastodon's.
//!
//! A *post-deployment* step is left out with `SKIP_POST_DEPLOYMENT_MIGRATIONS` set: until it runs, the release before still works on the
//! schema. Each step does something real, so that a forgotten one shows.

use crate::version::Line;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Before the new release's processes start.
    Pre,
    /// After the old release's processes are gone.
    Post,
}

#[derive(Clone, Copy)]
pub enum Step {
    Sql(&'static str),
    /// Local accounts' key pairs go to `keypairs`, the private half encrypted: SQL alone can't.
    MoveLocalKeys,
}

#[derive(Clone, Copy)]
pub struct Migration {
    pub version: &'static str,
    pub name: &'static str,
    pub since: Line,
    pub kind: Kind,
    pub step: Step,
}

/// What `db/schema.rb` of 4.3 says was migrated before it: a selection, both kinds.
pub const BASE_VERSIONS: [&str; 12] = [
    "20160220174730",
    "20160316103650",
    "20170901141119",
    "20180813113448",
    "20190511152737",
    "20200917193528",
    "20220310060706",
    "20230803082451",
    "20240307180905",
    "20240720140205",
    "20240808125420",
    "20241007071624",
];

const fn pre(since: Line, version: &'static str, name: &'static str, sql: &'static str) -> Migration {
    Migration { version, name, since, kind: Kind::Pre, step: Step::Sql(sql) }
}

const fn post(since: Line, version: &'static str, name: &'static str, sql: &'static str) -> Migration {
    Migration { version, name, since, kind: Kind::Post, step: Step::Sql(sql) }
}

/// In the order of their versions.
pub const MIGRATIONS: [Migration; 22] = [
    post(
        (4, 4),
        "20240918170954",
        "RemoveSettingsThing",
        "DELETE FROM settings WHERE thing_type IS NOT NULL AND thing_id IS NOT NULL;
         CREATE UNIQUE INDEX index_settings_on_var ON settings (var);
         ALTER TABLE settings DROP COLUMN thing_type, DROP COLUMN thing_id;",
    ),
    pre(
        (4, 4),
        "20241111141355",
        "CreateTagTrends",
        "CREATE TABLE tag_trends (
           id bigserial PRIMARY KEY,
           tag_id bigint NOT NULL REFERENCES tags ON DELETE CASCADE,
           score double precision DEFAULT 0.0 NOT NULL,
           rank integer DEFAULT 0 NOT NULL,
           allowed boolean DEFAULT false NOT NULL,
           language varchar DEFAULT '' NOT NULL
         );
         CREATE UNIQUE INDEX index_tag_trends_on_tag_id_and_language ON tag_trends (tag_id, language);",
    ),
    post(
        (4, 4),
        "20241123160722",
        "MoveTagTrendsToTable",
        "INSERT INTO tag_trends (tag_id, score, allowed)
           SELECT id, max_score, COALESCE(trendable, false) FROM tags WHERE max_score IS NOT NULL
           ON CONFLICT DO NOTHING;",
    ),
    pre(
        (4, 4),
        "20241123224956",
        "CreateTermsOfServices",
        "CREATE TABLE terms_of_services (
           id bigserial PRIMARY KEY,
           text text DEFAULT '' NOT NULL,
           changelog text DEFAULT '' NOT NULL,
           published_at timestamp(6),
           notification_sent_at timestamp(6),
           created_at timestamp(6) NOT NULL,
           updated_at timestamp(6) NOT NULL
         );",
    ),
    pre(
        (4, 4),
        "20241205103523",
        "CreateFaspProviders",
        "CREATE TABLE fasp_providers (
           id bigserial PRIMARY KEY,
           confirmed boolean DEFAULT false NOT NULL,
           name varchar NOT NULL,
           base_url varchar NOT NULL,
           sign_in_url varchar,
           remote_identifier varchar NOT NULL,
           provider_public_key_pem varchar NOT NULL,
           server_private_key_pem varchar NOT NULL,
           capabilities jsonb DEFAULT '[]' NOT NULL,
           privacy_policy jsonb,
           contact_email varchar,
           fediverse_account varchar,
           created_at timestamp(6) NOT NULL,
           updated_at timestamp(6) NOT NULL
         );
         CREATE UNIQUE INDEX index_fasp_providers_on_base_url ON fasp_providers (base_url);",
    ),
    post(
        (4, 4),
        "20250129144440",
        "AddNewPublicIndexToStatuses",
        "CREATE INDEX index_statuses_public_20250129 ON statuses (id DESC, language, account_id)
           WHERE deleted_at IS NULL AND visibility = 0 AND reblog_of_id IS NULL AND (NOT reply OR in_reply_to_account_id = account_id);",
    ),
    post((4, 4), "20250129144813", "RemoveOldPublicIndexToStatuses", "DROP INDEX index_statuses_public_20200119;"),
    pre(
        (4, 4),
        "20250224144617",
        "AddEffectiveDateToTermsOfServices",
        "ALTER TABLE terms_of_services ADD COLUMN effective_date date;
         CREATE UNIQUE INDEX index_terms_of_services_on_effective_date ON terms_of_services (effective_date)
           WHERE effective_date IS NOT NULL;",
    ),
    pre((4, 4), "20250410144908", "DropImports", "DROP TABLE imports;"),
    pre(
        (4, 4),
        "20250411094808",
        "CreateQuotes",
        "CREATE SEQUENCE quotes_id_seq;
         CREATE TABLE quotes (
           id bigint DEFAULT timestamp_id('quotes'::text) NOT NULL PRIMARY KEY,
           account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
           status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
           quoted_status_id bigint REFERENCES statuses ON DELETE SET NULL,
           quoted_account_id bigint REFERENCES accounts ON DELETE SET NULL,
           state integer DEFAULT 0 NOT NULL,
           approval_uri varchar,
           activity_uri varchar,
           created_at timestamp(6) NOT NULL,
           updated_at timestamp(6) NOT NULL,
           legacy boolean DEFAULT false NOT NULL
         );
         CREATE UNIQUE INDEX index_quotes_on_status_id ON quotes (status_id);",
    ),
    post(
        (4, 4),
        "20250520192024",
        "RemoveLegacyDeviseTwoFactorSecretsFromUsers",
        "ALTER TABLE users DROP COLUMN encrypted_otp_secret, DROP COLUMN encrypted_otp_secret_iv, DROP COLUMN encrypted_otp_secret_salt;",
    ),
    pre(
        (4, 5),
        "20250717003848",
        "CreateUsernameBlocks",
        "CREATE TABLE username_blocks (
           id bigserial PRIMARY KEY,
           username varchar NOT NULL,
           normalized_username varchar NOT NULL,
           exact boolean DEFAULT false NOT NULL,
           allow_with_approval boolean DEFAULT false NOT NULL,
           created_at timestamp(6) NOT NULL,
           updated_at timestamp(6) NOT NULL
         );
         CREATE UNIQUE INDEX index_username_blocks_on_username_lower_btree ON username_blocks (lower(username));",
    ),
    pre(
        (4, 5),
        "20250805075010",
        "AddQuotePolicies",
        "ALTER TABLE statuses ADD COLUMN quote_approval_policy integer DEFAULT 0 NOT NULL, ADD COLUMN fetched_replies_at timestamp(6);
         ALTER TABLE status_stats ADD COLUMN quotes_count bigint DEFAULT 0 NOT NULL;",
    ),
    post(
        (4, 5),
        "20250911163952",
        "FillDefaultQuotePolicySetting",
        r#"UPDATE users SET settings = jsonb_set(settings::jsonb, '{default_quote_policy}', '"nobody"')::text
           WHERE COALESCE(settings, '') <> '' AND settings::jsonb ->> 'default_privacy' = 'private'
             AND NOT settings::jsonb ? 'default_quote_policy';"#,
    ),
    pre(
        (4, 6),
        "20251023210145",
        "AddIdSchemeToAccounts",
        "ALTER TABLE accounts ADD COLUMN id_scheme integer, ADD COLUMN following_url varchar DEFAULT '' NOT NULL,
           ADD COLUMN feature_approval_policy integer DEFAULT 0 NOT NULL;
         ALTER TABLE accounts ALTER COLUMN id_scheme SET DEFAULT 1;",
    ),
    // Until here thumbnails of other servers' media lie outside `cache/` (m#36910).
    pre(
        (4, 6),
        "20251117023614",
        "AddThumbnailStorageSchemaVersion",
        "ALTER TABLE media_attachments ADD COLUMN thumbnail_storage_schema_version integer;",
    ),
    pre(
        (4, 6),
        "20251118115657",
        "CreateCollections",
        "CREATE TABLE collections (
           id bigserial PRIMARY KEY,
           account_id bigint NOT NULL REFERENCES accounts,
           name varchar NOT NULL,
           description text NOT NULL,
           uri varchar,
           local boolean NOT NULL,
           sensitive boolean NOT NULL,
           discoverable boolean NOT NULL,
           tag_id bigint REFERENCES tags,
           original_number_of_items integer,
           created_at timestamp(6) NOT NULL,
           updated_at timestamp(6) NOT NULL,
           item_count integer DEFAULT 0 NOT NULL
         );
         CREATE INDEX index_collections_on_account_id ON collections (account_id);",
    ),
    post((4, 6), "20251209093813", "BackfillAccountIdScheme", "UPDATE accounts SET id_scheme = 0 WHERE id_scheme IS NULL;"),
    pre(
        (4, 7),
        "20260630101504",
        "CreateKeypairs",
        "CREATE TABLE keypairs (
           id bigserial PRIMARY KEY,
           account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
           type integer NOT NULL,
           uri varchar,
           local_fragment varchar,
           public_key varchar NOT NULL,
           private_key varchar,
           expires_at timestamp(6),
           revoked boolean DEFAULT false NOT NULL,
           created_at timestamp(6) DEFAULT now() NOT NULL,
           updated_at timestamp(6) DEFAULT now() NOT NULL
         );
         CREATE UNIQUE INDEX index_keypairs_on_account_id_and_local_fragment ON keypairs (account_id, local_fragment);
         CREATE UNIQUE INDEX index_keypairs_on_uri ON keypairs (uri);",
    ),
    Migration {
        version: "20260702144128",
        name: "MigrateLocalAccountKeypairs",
        since: (4, 7),
        kind: Kind::Post,
        step: Step::MoveLocalKeys,
    },
    // A database whose collation went wrong holds accounts twice: there this step fails, as the real one does.
    post(
        (4, 7),
        "20260720104058",
        "AddUniqueIndexOnAccountsUri",
        "ALTER TABLE accounts ALTER COLUMN uri DROP NOT NULL, ALTER COLUMN uri DROP DEFAULT;
         UPDATE accounts SET uri = NULL WHERE uri = '';
         DROP INDEX index_accounts_on_uri;
         CREATE UNIQUE INDEX index_accounts_on_uri ON accounts (uri);",
    ),
    post(
        (4, 7),
        "20260804081821",
        "ConvertMaterializedViewsToTables",
        "CREATE TEMPORARY TABLE summaries ON COMMIT DROP AS SELECT seen.* FROM account_summaries seen JOIN accounts ON accounts.id = account_id;
         CREATE TEMPORARY TABLE recommendations ON COMMIT DROP AS
           SELECT seen.* FROM global_follow_recommendations seen JOIN accounts ON accounts.id = account_id;
         DROP MATERIALIZED VIEW global_follow_recommendations;
         DROP MATERIALIZED VIEW account_summaries;
         CREATE TABLE account_summaries (
           account_id bigserial PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
           language varchar,
           sensitive boolean DEFAULT false NOT NULL
         );
         CREATE INDEX idx_on_account_id_language_sensitive_250461e1eb ON account_summaries (account_id, language, sensitive);
         CREATE TABLE global_follow_recommendations (
           account_id bigserial PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
           rank numeric NOT NULL,
           reason varchar[] NOT NULL,
           stale boolean DEFAULT false NOT NULL
         );
         CREATE INDEX index_global_follow_recommendations_on_rank ON global_follow_recommendations (rank);
         INSERT INTO account_summaries SELECT * FROM summaries;
         INSERT INTO global_follow_recommendations SELECT * FROM recommendations;",
    ),
];

/// The steps that a release knows.
pub fn known_to(line: Line) -> impl Iterator<Item = &'static Migration> {
    MIGRATIONS.iter().filter(move |migration| migration.since <= line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_timestamps_in_order_and_none_comes_twice() {
        let all: Vec<&str> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert!(all.is_sorted() && all.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(all.iter().chain(&BASE_VERSIONS).all(|version| version.len() == 14 && version.bytes().all(|byte| byte.is_ascii_digit())));
        assert!(!BASE_VERSIONS.iter().any(|version| all.contains(version)));
    }

    #[test]
    fn every_release_since_4_4_brings_both_kinds() {
        for line in [(4, 4), (4, 5), (4, 6), (4, 7)] {
            for kind in [Kind::Pre, Kind::Post] {
                assert!(MIGRATIONS.iter().any(|migration| migration.since == line && migration.kind == kind), "{line:?} {kind:?}");
            }
        }
        assert_eq!(known_to((4, 3)).count(), 0);
    }
}
