//! What the people who run the server have: rules, blocks, reports, announcements, settings, and the terms from 4.4 on.

use tokio_postgres::Transaction;

use super::copy::{self, Cell, Table};
use super::plan::{FIRST_ID, signed};
use super::{Filling, words};

const ROWS: u64 = 6;

type Times = [(&'static str, Cell); 2];

/// All of them at once: the rules tell whether they are there.
pub async fn fill(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    if copy::ids(transaction, "rules").await?.contains(&FIRST_ID) {
        return Ok(());
    }
    let at = filling.amounts.local(0).since;
    let times = || [("created_at", Cell::from(at)), ("updated_at", Cell::from(at))];
    for table in [rules(filling, times()), ip_blocks(filling, times()), domain_blocks(filling, times())] {
        filling.rows += table.copy(transaction).await?;
    }
    for table in [reports(filling, times()), announcements(filling, times()), webhooks(filling, times()), terms(filling, times())] {
        filling.rows += table.copy(transaction).await?;
    }
    filling.rows += settings(filling, transaction, times()).await?.copy(transaction).await?;
    Ok(())
}

fn rules<'a>(filling: &Filling<'a>, times: Times) -> Table<'a> {
    let mut rows = Table::new(filling.catalogue, "rules");
    for number in 0..ROWS {
        let [created, updated] = times.clone();
        rows.row([
            ("id", (FIRST_ID + signed(number)).into()),
            ("priority", signed(number).into()),
            ("text", words::awkward(number).into()),
            ("hint", words::awkward(number + 9).into()),
            created,
            updated,
        ]);
    }
    rows
}

fn ip_blocks<'a>(filling: &Filling<'a>, times: Times) -> Table<'a> {
    let mut rows = Table::new(filling.catalogue, "ip_blocks");
    for ip in ["192.0.2.1", "203.0.113.0/24", "2001:db8:bad::/48", "::1"] {
        let [created, updated] = times.clone();
        rows.row([("ip", ip.into()), ("severity", 9_999.into()), ("comment", "spam\t\\ ".into()), created, updated]);
    }
    rows
}

fn domain_blocks<'a>(filling: &Filling<'a>, times: Times) -> Table<'a> {
    let mut rows = Table::new(filling.catalogue, "domain_blocks");
    for number in 0..ROWS {
        let [created, updated] = times.clone();
        rows.row([
            ("domain", format!("blocked{number}.example").into()),
            ("severity", if number == 0 { Cell::Null } else { 1.into() }),
            ("private_comment", words::awkward(number).into()),
            created,
            updated,
        ]);
    }
    rows
}

fn reports<'a>(filling: &Filling<'a>, times: Times) -> Table<'a> {
    let mut rows = Table::new(filling.catalogue, "reports");
    let posts = [filling.amounts.post(0).id, filling.amounts.post(1).id];
    for number in 0..ROWS {
        let [created, updated] = times.clone();
        rows.row([
            ("status_ids", if number % 2 == 0 { Cell::numbers(&posts) } else { Cell::numbers(&[]) }),
            ("comment", words::awkward(number).into()),
            ("account_id", filling.amounts.local(number % filling.amounts.accounts).id.into()),
            ("target_account_id", filling.amounts.remote(number % filling.amounts.remote_accounts()).id.into()),
            ("forwarded", Some(true).filter(|_| number % 3 == 0).into()),
            ("rule_ids", if number % 2 == 0 { Cell::numbers(&[FIRST_ID]) } else { Cell::Null }),
            created,
            updated,
        ]);
    }
    rows
}

fn announcements<'a>(filling: &Filling<'a>, times: Times) -> Table<'a> {
    let mut rows = Table::new(filling.catalogue, "announcements");
    let [created, updated] = times;
    rows.row([("text", words::awkward(0).into()), ("published", true.into()), ("status_ids", Cell::Null), created, updated]);
    rows
}

fn webhooks<'a>(filling: &Filling<'a>, times: Times) -> Table<'a> {
    let mut rows = Table::new(filling.catalogue, "webhooks");
    let [created, updated] = times;
    rows.row([
        ("url", "https://hooks.example/mastodon".into()),
        ("events", Cell::texts(&[Some("account.approved"), Some("report.created")])),
        ("secret", "0123456789abcdef0123".into()),
        ("template", "{ \"text\": \"{{object.account.username}}\\n\" }".into()),
        created,
        updated,
    ]);
    rows
}

fn terms<'a>(filling: &Filling<'a>, times: Times) -> Table<'a> {
    let mut rows = Table::new(filling.catalogue, "terms_of_services");
    let [created, updated] = times;
    rows.row([("text", "# Terms\n\nBe kind.\n".into()), ("effective_date", "2025-07-31".into()), created, updated]);
    rows
}

/// Values as Rails writes them, in YAML; what was set before stays.
async fn settings<'a>(filling: &Filling<'a>, transaction: &Transaction<'_>, times: Times) -> anyhow::Result<Table<'a>> {
    let set = transaction.query("SELECT var FROM settings", &[]).await?;
    let set: Vec<String> = set.iter().map(|row| row.get(0)).collect();
    let mut rows = Table::new(filling.catalogue, "settings");
    for (var, value) in [
        ("site_title", "--- A filled server\n"),
        ("site_short_description", "--- 'It''s: ours'\n"),
        ("custom_css", "--- |\n  .status::before { content: \"\\201c\";\t}\n  /* \\. */\n"),
        ("media_cache_retention_period", "--- 7\n"),
        ("show_domain_blocks", "---\n...\n"),
    ] {
        let [created, updated] = times.clone();
        if !set.iter().any(|known| known == var) {
            rows.row([("var", var.into()), ("value", value.into()), created, updated]);
        }
    }
    Ok(rows)
}
