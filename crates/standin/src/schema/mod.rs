//! `db:prepare`, `db:schema:load` and `db:migrate`: the schema is loaded into an empty database, seeded, and taken from release to release.
//!
//! Everything here works as the database's owner, who is no superuser. What a killed run left behind is cleared by the next one, as
//! Rails' `create_table force: :cascade` does; a migration runs in a transaction of its own.

mod migrations;

use anyhow::{Context, bail};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient};

use self::migrations::{BASE_VERSIONS, Kind, Migration, Step, known_to};
use crate::config::Config;
use crate::crypto::random_hex;
use crate::crypto::record_encryption::RecordCipher;
use crate::database;
use crate::faults::Fault;
use crate::people;
use crate::version::Line;

const BASE: &str = include_str!("sql/4_3.sql");
/// What is created after it.
const FURTHER: [&str; 3] =
    [include_str!("sql/4_3_belongings.sql"), include_str!("sql/4_3_moderation.sql"), include_str!("sql/4_3_views.sql")];
const SEEDS: &str = include_str!("sql/seeds.sql");

/// The oldest PostgreSQL that a release migrates on (lib/tasks/db.rake).
fn oldest_postgres(line: Line) -> i32 {
    match line {
        (4, ..=3) => 12,
        (4, 4) => 13,
        _ => 14,
    }
}

/// `rake db:prepare`: creates what is missing, loads or migrates, seeds.
pub async fn prepare(config: Config) -> anyhow::Result<()> {
    config.faults.fail_at(Fault::DbPrepare)?;
    let mut client = connect_or_create(&config).await?;
    refuse_old_postgres(&client, &config).await?;
    alone(&mut client, async |client| {
        if migrated(client).await?.is_empty() {
            load(client, &config).await?;
        }
        run_pending(client, &config, false).await?;
        seed(client, &config).await
    })
    .await?;
    println!("The database is ready for Mastodon {}.", config.version);
    Ok(())
}

/// `rake db:schema:load`: the release's tables and nothing in them. It clears what was there, and so refuses a database that has already
/// been put to use (ActiveRecord's `check_protected_environments!`).
pub async fn load_schema(config: Config) -> anyhow::Result<()> {
    let mut client = database::connect(&config.database).await.context("PG::ConnectionBad")?;
    refuse_old_postgres(&client, &config).await?;
    alone(&mut client, async |client| {
        if !config.skip_environment_check && !migrated(client).await?.is_empty() {
            bail!(
                "ActiveRecord::ProtectedEnvironmentError: You are attempting to run a destructive action against your 'production' database.\n\
                 If you are sure you want to continue, run the same command with the environment variable:\n\
                 DISABLE_DATABASE_ENVIRONMENT_CHECK=1"
            );
        }
        load(client, &config).await?;
        run_pending(client, &config, false).await
    })
    .await
}

/// `rake db:migrate`: with `SKIP_POST_DEPLOYMENT_MIGRATIONS` only what the release before can live with.
pub async fn migrate(config: Config) -> anyhow::Result<()> {
    let fault = if config.skip_post_migrations { Fault::PreMigrate } else { Fault::PostMigrate };
    config.faults.fail_at(fault)?;
    let mut client = database::connect(&config.database).await.context("PG::ConnectionBad")?;
    refuse_old_postgres(&client, &config).await?;
    alone(&mut client, async |client| {
        if migrated(client).await?.is_empty() {
            load(client, &config).await?;
        }
        run_pending(client, &config, config.skip_post_migrations).await
    })
    .await
}

/// Versions in `schema_migrations`; none where the table is not there.
pub async fn migrated(client: &Client) -> Result<Vec<String>, tokio_postgres::Error> {
    let exists: bool = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await?.get(0);
    if !exists {
        return Ok(Vec::new());
    }
    let rows = client.query("SELECT version FROM schema_migrations ORDER BY version", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn connect_or_create(config: &Config) -> anyhow::Result<Client> {
    match database::connect(&config.database).await {
        Err(error) if error.code() == Some(&SqlState::INVALID_CATALOG_NAME) => {
            let maintenance = database::connect_to(&config.database, "postgres").await.context("PG::ConnectionBad")?;
            let name = config.database.name.replace('"', "\"\"");
            let created = maintenance.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await;
            created.with_context(|| format!("Couldn't create '{}' database. Please check your configuration.", config.database.name))?;
            println!("Created database '{}'", config.database.name);
            database::connect(&config.database).await.context("PG::ConnectionBad")
        }
        other => other.context("PG::ConnectionBad"),
    }
}

async fn refuse_old_postgres(client: &Client, config: &Config) -> anyhow::Result<()> {
    let number: String = client.query_one("SELECT current_setting('server_version_num')", &[]).await?.get(0);
    refuse_version(number.parse().context("server_version_num is no number")?, config.version.line())
}

fn refuse_version(server_version_num: i32, line: Line) -> anyhow::Result<()> {
    let oldest = oldest_postgres(line);
    if server_version_num < oldest * 10_000 {
        bail!("This version of Mastodon requires PostgreSQL {oldest}.0 or newer. Please update PostgreSQL before updating Mastodon.");
    }
    Ok(())
}

/// Rails' own lock is an advisory one too; two runs at once fail rather than wait. It is given back at the end, well or not: the server
/// may take a while to see that the process is gone, and the next one would be refused.
async fn alone(client: &mut Client, work: impl AsyncFnOnce(&mut Client) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let taken: bool = client.query_one("SELECT pg_try_advisory_lock(2053462845, hashtext(current_database()))", &[]).await?.get(0);
    if !taken {
        bail!("ActiveRecord::ConcurrentMigrationError: Cannot run migrations because another migration process is currently running.");
    }
    let done = work(client).await;
    let freed = client.execute("SELECT pg_advisory_unlock(2053462845, hashtext(current_database()))", &[]).await;
    done?;
    freed?;
    Ok(())
}

/// The schema of 4.3, in two commits: a run that dies between them leaves half of the tables, and the next one clears them.
async fn load(client: &mut Client, config: &Config) -> anyhow::Result<()> {
    clear_leftovers(client).await?;
    let base = BASE.replace("{salt}", &random_hex(16));
    let half = base.find("CREATE TABLE invites").context("the schema has a middle")?;
    let (first, second) = base.split_at(half);
    client.batch_execute(first).await?;
    config.faults.fail_at(Fault::DbPrepareHalfway)?;
    let transaction = client.transaction().await?;
    for tables in [second].into_iter().chain(FURTHER) {
        transaction.batch_execute(tables).await?;
    }
    transaction
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version varchar NOT NULL PRIMARY KEY);
             CREATE TABLE IF NOT EXISTS ar_internal_metadata (
               key varchar NOT NULL PRIMARY KEY, value varchar, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL
             );
             INSERT INTO ar_internal_metadata VALUES ('environment', 'production', now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc')
               ON CONFLICT DO NOTHING;",
        )
        .await?;
    for version in BASE_VERSIONS {
        transaction.execute("INSERT INTO schema_migrations (version) VALUES ($1)", &[&version]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Drops what this role owns in `public`: only ever called where no migration is recorded, or where a person insists.
async fn clear_leftovers(client: &Client) -> Result<(), tokio_postgres::Error> {
    client
        .batch_execute(
            "DO $$
             DECLARE leftover record;
             BEGIN
               FOR leftover IN
                 SELECT format('DROP %s IF EXISTS %s CASCADE', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, oid::regclass) AS command
                 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S') AND pg_has_role(relowner, 'USAGE')
                 ORDER BY relkind DESC
               LOOP
                 EXECUTE leftover.command;
               END LOOP;
               SET LOCAL client_min_messages = warning;
               DROP FUNCTION IF EXISTS timestamp_id(text);
             END
             $$",
        )
        .await
}

async fn run_pending(client: &mut Client, config: &Config, skip_post: bool) -> anyhow::Result<()> {
    let done = migrated(client).await?;
    let skipped = |migration: &Migration| skip_post && migration.kind == Kind::Post;
    let wanted = |migration: &&Migration| !skipped(migration) && !done.iter().any(|version| version == migration.version);
    for (position, migration) in known_to(config.version.line()).filter(wanted).enumerate() {
        if position > 0 && skip_post {
            config.faults.fail_at(Fault::PreMigrateHalfway)?;
        }
        println!("== {} {}: migrating", migration.version, migration.name);
        let transaction = client.transaction().await?;
        match migration.step {
            Step::Sql(sql) => transaction.batch_execute(sql).await.with_context(|| format!("{} failed", migration.name))?,
            Step::MoveLocalKeys => move_local_keys(&transaction, config).await?,
        }
        transaction.execute("INSERT INTO schema_migrations (version) VALUES ($1)", &[&migration.version]).await?;
        transaction.commit().await?;
        println!("== {} {}: migrated", migration.version, migration.name);
    }
    Ok(())
}

async fn move_local_keys(client: &impl GenericClient, config: &Config) -> anyhow::Result<()> {
    let cipher = RecordCipher::new(&config.identity);
    let accounts =
        client.query("SELECT id, public_key, private_key FROM accounts WHERE domain IS NULL AND private_key IS NOT NULL", &[]).await?;
    for account in accounts {
        let (id, public_key, private_key): (i64, String, String) = (account.get(0), account.get(1), account.get(2));
        people::store_keypair(client, id, &public_key, &cipher.encrypt(&private_key)).await?;
    }
    client.execute("UPDATE accounts SET public_key = '', private_key = NULL WHERE domain IS NULL", &[]).await?;
    Ok(())
}

async fn seed(client: &Client, config: &Config) -> anyhow::Result<()> {
    client.batch_execute(SEEDS).await.context("seeding failed")?;
    people::ensure_instance_actor(client, config).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_refuses_a_postgresql_that_is_too_old() {
        assert!(refuse_version(130_011, (4, 5)).is_err());
        assert!(refuse_version(140_000, (4, 5)).is_ok());
        assert!(refuse_version(120_000, (4, 4)).is_err());
        assert!(refuse_version(120_000, (4, 3)).is_ok());
        assert!(refuse_version(170_000, (4, 7)).is_ok());
    }
}
