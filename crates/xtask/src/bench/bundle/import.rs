//! A database brought in: the safe loader beside `pg_restore -j2`, both from the dump of one bundle.

use std::process::Command;

use anyhow::Result;

use super::{
    Parts, ROUNDS,
    timed::{Runs, size, table, timed},
};

const STATUSES: u32 = 1_000_000;

pub fn run(parts: &Parts) -> Result<()> {
    parts.progress.step("a million posts", || parts.postgres.make_with_rows("birds", STATUSES, 0))?;
    let environment = parts.environment("birds", "")?;
    let bundle = parts.emptied("bundle")?;
    timed(&parts.create(&environment, &bundle), &parts.folder.0)?;
    let dump = bundle.join("postgres/mastodon_production.dump");
    let mut runs = [Runs::new("`howdah bundle restore`"), Runs::new("`pg_restore -j2`")];
    for round in 1..=ROUNDS {
        // Its tables are the release's own, and there before: `pg_restore` makes its from the dump.
        parts.postgres.make_with_tables("ours")?;
        let mut restore = parts.howdah(&["restore", "--database-url", &parts.postgres.url("ours"), "--dump"]);
        restore.arg(&dump);
        runs[0].taken.push(timed(&restore, &parts.folder.0)?);
        parts.postgres.make("theirs")?;
        let mut restore = Command::new(parts.postgres.tool("pg_restore"));
        restore.args(["-j2", "-n", "public", "--no-owner", "--no-acl", "-d", &parts.postgres.url("theirs")]).arg(&dump);
        runs[1].taken.push(timed(&restore, &parts.folder.0)?);
        parts.progress.say(format!("round {round} of {ROUNDS}"));
    }
    for of in &mut runs {
        of.bytes = size(&dump)?;
    }
    println!("\n{}", table("dump", &runs));
    Ok(())
}
