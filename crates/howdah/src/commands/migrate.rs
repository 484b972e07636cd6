//! `howdah migrate`: brings the database up to date, ours and the queue's. Servers and workers never do it when they start.

use crate::args::DatabaseArgs;

pub async fn run(args: DatabaseArgs) -> anyhow::Result<()> {
    let ran = howdah_db::migrate(&args.url()?).await?;
    if ran.is_empty() {
        println!("the database is up to date");
    }
    for name in ran {
        println!("ran {name}");
    }
    Ok(())
}
