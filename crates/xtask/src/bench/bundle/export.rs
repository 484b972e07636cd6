//! A database taken along: our bundle beside `pg_dump -Fd -j2`, each into a folder.

use anyhow::Result;

use super::{
    Parts, ROUNDS,
    timed::{Runs, size, table, timed},
};

/// Some 0.5 GB of rows.
const STATUSES: u32 = 1_000_000;

pub fn run(parts: &Parts) -> Result<()> {
    parts.progress.step("a million posts", || parts.postgres.make_with_rows("birds", STATUSES, 0))?;
    let environment = parts.environment("birds", "")?;
    let mut runs = [Runs::new("`howdah bundle create`"), Runs::new("`pg_dump -Fd -j2`")];
    for round in 1..=ROUNDS {
        let to = parts.emptied("bundle")?;
        runs[0].taken.push(timed(&parts.create(&environment, &to), &parts.folder.0)?);
        runs[0].bytes = size(&to.join("postgres"))?;
        let to = parts.emptied("dump")?;
        let mut dump = std::process::Command::new(parts.postgres.tool("pg_dump"));
        std::fs::remove_dir(&to)?;
        dump.args(["-Fd", "-j2", "--no-owner", "--no-acl", "-n", "public", "-f"]).arg(&to).arg(parts.postgres.url("birds"));
        runs[1].taken.push(timed(&dump, &parts.folder.0)?);
        runs[1].bytes = size(&to)?;
        parts.progress.say(format!("round {round} of {ROUNDS}"));
    }
    println!("\n{}", table("output", &runs));
    Ok(())
}
