//! A server moved to another host while people write to it: how long nobody can, by two passes of ours and by the guide's stop, dump, copy
//! and restore.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use super::{
    Parts, media,
    store::{Store, as_bench},
};
use crate::shell;

/// Some 0.5 GB of database.
const STATUSES: u32 = 1_000_000;
/// Each with two files.
const ATTACHMENTS: u32 = 50_000;
const FILE: usize = 20_000;
/// A second.
const WRITES: u32 = 50;
const WRITE: &str =
    "INSERT INTO statuses (text, created_at, updated_at, account_id, local) VALUES ('written meanwhile', now(), now(), 1, true);";

pub fn run(parts: &Parts) -> Result<()> {
    let store = parts.store()?;
    parts.progress.step("a million posts", || parts.postgres.make_with_rows("birds", STATUSES, ATTACHMENTS))?;
    let environment = parts.environment("birds", "")?;
    let system = parts.at("live-birds/public/system");
    parts.progress.step("100,000 files", || {
        (1..=ATTACHMENTS).try_for_each(|id| ["original", "small"].iter().try_for_each(|style| media::write(&system, id, style, FILE)))
    })?;
    store.make("transfer")?;
    store.make("ours")?;
    store.make("theirs")?;

    let writing = Writing::begin(parts)?;
    let first = Instant::now();
    parts.progress.step("first pass, while people write", || ours(parts, &environment, false))?;
    let first = first.elapsed();
    writing.end()?;
    let frozen = Instant::now();
    parts.progress.step("second pass, stopped", || ours(parts, &environment, true))?;
    let frozen = frozen.elapsed();
    same(parts, "ours")?;
    let wanted = files(&store, "ours")?;

    let whole = Instant::now();
    parts.progress.step("stop, dump, copy, restore", || guide(parts, &store, &system))?;
    let whole = whole.elapsed();
    same(parts, "theirs")?;
    ensure!(wanted == 2 * u64::from(ATTACHMENTS) && files(&store, "theirs")? == wanted, "files are missing: {wanted} came by ours");
    println!("\n| way | before, while people write | nobody can write |\n|---|--:|--:|");
    println!("| two passes of `howdah bundle` | {:.1} s | {:.1} s |", first.as_secs_f64(), frozen.as_secs_f64());
    println!("| stop, `pg_dump -Fc`, `rclone copy`, `pg_restore -j2` | | {:.1} s |", whole.as_secs_f64());
    println!("| ours of theirs | | {:.0} % |", frozen.as_secs_f64() / whole.as_secs_f64() * 100.0);
    Ok(())
}

/// Into the bucket between, and from there to the new host.
fn ours(parts: &Parts, environment: &Path, again: bool) -> Result<()> {
    const BETWEEN: &str = "s3://transfer/birds";
    let mut create = parts.create(environment, Path::new(BETWEEN));
    if again {
        create.args(["--mode", "stopped", "--incremental-from", BETWEEN]);
    }
    as_bench(&mut create);
    shell::output(&mut create)?;
    parts.postgres.make_with_tables("ours")?;
    let mut restore = parts.howdah(&["restore", BETWEEN, "--database-url", &parts.postgres.url("ours"), "--media-to", "s3://ours"]);
    as_bench(&mut restore);
    shell::output(&mut restore).map(drop)
}

fn guide(parts: &Parts, store: &Store, system: &Path) -> Result<()> {
    let dump = parts.at("guide.dump");
    let mut pg_dump = Command::new(parts.postgres.tool("pg_dump"));
    shell::output(pg_dump.args(["-Fc", "--no-owner", "-n", "public", "-f"]).arg(&dump).arg(parts.postgres.url("birds")))?;
    shell::output(store.rclone().arg("copy").arg(system).arg("store:theirs"))?;
    parts.postgres.make("theirs")?;
    let mut pg_restore = Command::new(parts.postgres.tool("pg_restore"));
    shell::output(pg_restore.args(["-j2", "-n", "public", "--no-owner", "-d", &parts.postgres.url("theirs")]).arg(&dump)).map(drop)
}

/// Every post once.
fn same(parts: &Parts, database: &str) -> Result<()> {
    let count = "SELECT count(*), count(DISTINCT id), sum(hashtext(text)) FROM statuses";
    let there = parts.postgres.sql(database, database, count)?;
    let here = parts.postgres.sql("birds", "birds", count)?;
    ensure!(here == there, "{database} has {there} of {here} posts");
    Ok(())
}

fn files(store: &Store, bucket: &str) -> Result<u64> {
    let said = shell::output(store.rclone().args(["size", "--json", &format!("store:{bucket}")]))?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    said["count"].as_u64().with_context(|| format!("rclone said {said}"))
}

/// People who post, so many times a second.
struct Writing(Child);

impl Writing {
    fn begin(parts: &Parts) -> Result<Self> {
        let script = parts.at("write.sql");
        std::fs::write(&script, WRITE)?;
        let mut pgbench = Command::new("pgbench");
        pgbench.args(["-n", "-c", "4", "-R", &WRITES.to_string(), "-T", "3600", "-f"]).arg(&script).arg(parts.postgres.url("birds"));
        Ok(Self(pgbench.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    fn end(mut self) -> Result<()> {
        ensure!(self.0.try_wait()?.is_none(), "pgbench ended before it was told to");
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}
