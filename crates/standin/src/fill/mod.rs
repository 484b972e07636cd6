//! `howdah-standin fill`: makes of a new server one that has been in use for years, for tests of what moves servers.
//!
//! The same seed and amounts give the same people, posts and files anywhere (but for the signing keys and the passwords' salt). Rows that
//! are there stay as they are, and so do their files: a second call changes nothing, and one after a kill goes on, since all rows are
//! committed at the end.

mod attachments;
mod belongings;
mod copy;
mod dice;
mod files;
mod moderation;
mod people;
mod plan;
mod posts;
mod site;
mod words;

use anyhow::{Context, bail};
use serde_json::json;
use tokio_postgres::Transaction;

pub use self::plan::Amounts;

use self::copy::Catalogue;
use self::files::Files;
use crate::config::Config;
use crate::{database, net, schema};

/// Rows of these tables have ids that were chosen here, and their sequences have to follow: the tables whose ids count up, and those
/// whose sequences only tell two rows of one millisecond apart.
const COUNTED: [&str; 15] = [
    "users",
    "conversations",
    "tags",
    "polls",
    "custom_emojis",
    "site_uploads",
    "backups",
    "imports",
    "preview_cards",
    "preview_card_providers",
    "lists",
    "custom_filters",
    "oauth_access_tokens",
    "bulk_imports",
    "rules",
];
const TIMED: [&str; 4] = ["accounts", "statuses", "media_attachments", "notification_requests"];

/// What every part needs.
struct Filling<'a> {
    amounts: Amounts,
    config: &'a Config,
    catalogue: &'a Catalogue,
    files: Files<'a>,
    /// Written.
    rows: u64,
}

pub async fn run(config: Config, amounts: Amounts) -> anyhow::Result<()> {
    let mut client = database::connect(&config.database).await.context("PG::ConnectionBad")?;
    if schema::migrated(&client).await?.is_empty() {
        bail!("There is no schema to fill: run `bundle exec rake db:prepare` first.");
    }
    let catalogue = Catalogue::read(&client).await?;
    let http = net::client(config.version, &config.identity.web_domain)?;
    let files = Files::new(&http, &config.storage, amounts.seed);
    let mut filling = Filling { amounts, config: &config, catalogue: &catalogue, files, rows: 0 };
    let transaction = client.transaction().await?;
    let newcomers = people::fill(&mut filling, &transaction).await?;
    posts::fill(&mut filling, &transaction).await?;
    attachments::fill(&mut filling, &transaction).await?;
    moderation::fill(&mut filling, &transaction).await?;
    belongings::fill(&mut filling, &transaction, &newcomers).await?;
    site::fill(&mut filling, &transaction).await?;
    if filling.rows > 0 {
        set_sequences(&transaction, &catalogue).await?;
        refresh_views(&transaction).await?;
    }
    transaction.commit().await?;
    println!("{}", report(&filling));
    Ok(())
}

/// One line of JSON: what the filled server has, and what of it this call wrote.
fn report(filling: &Filling<'_>) -> serde_json::Value {
    let amounts = &filling.amounts;
    json!({
        "seed": amounts.seed,
        "local_accounts": amounts.accounts,
        "remote_accounts": amounts.remote_accounts(),
        "statuses": amounts.statuses,
        "local_statuses": (0..amounts.statuses).filter(|number| amounts.post(*number).author.is_local()).count(),
        "media_attachments": amounts.media,
        "files": filling.files.tally,
        "written": {"rows": filling.rows, "files": filling.files.written.files, "bytes": filling.files.written.bytes},
    })
}

/// Never backwards.
async fn set_sequences(transaction: &Transaction<'_>, catalogue: &Catalogue) -> anyhow::Result<()> {
    let counted = COUNTED.iter().map(|table| (table, "max(id)")).chain(TIMED.iter().map(|table| (table, "count(*)")));
    for (table, wanted) in counted.filter(|(table, _)| catalogue.has(table)) {
        let sequence = format!("{table}_id_seq");
        let sql = format!("SELECT setval('{sequence}', greatest((SELECT last_value FROM {sequence}), (SELECT {wanted} FROM {table}), 1))");
        transaction.query(&sql, &[]).await.with_context(|| format!("the sequence {sequence}"))?;
    }
    Ok(())
}

/// As the scheduler does from time to time.
async fn refresh_views(transaction: &Transaction<'_>) -> anyhow::Result<()> {
    // In the order that they were made in: the second reads the first.
    let views = transaction
        .query("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace ORDER BY oid", &[])
        .await?;
    for view in views {
        transaction.batch_execute(&format!("REFRESH MATERIALIZED VIEW {}", view.get::<_, String>(0))).await?;
    }
    Ok(())
}
