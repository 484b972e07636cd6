//! A server's own media: out of a bucket, into one, and looked through again when nothing changed; beside rclone and s5cmd.
//!
//! Ours knows from the database what belongs to the server and holds every byte against a digest, rclone compares MD5, s5cmd compares nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{
    Parts, ROUNDS,
    store::{Store, as_bench},
    timed::{Runs, size, table, timed},
};
use crate::shell;

/// Each with an original and a small one: of 40 to 200 KB, and of 20 to 60 KB.
const ATTACHMENTS: u32 = 2500;
const BUCKET: &str = "birds";

pub fn run(parts: &Parts) -> Result<()> {
    let store = parts.store()?;
    parts.progress.step("the rows of the media", || parts.postgres.make_with_rows("birds", 1000, ATTACHMENTS))?;
    let system = parts.emptied("system")?;
    parts.progress.step("5,000 files", || {
        write_files(&system)?;
        store.make(BUCKET)?;
        shell::output(store.s5cmd().args(["cp", &format!("{}/", system.display()), &format!("s3://{BUCKET}/")])).map(drop)
    })?;
    let environment = parts.environment("birds", &store.environment(BUCKET))?;
    let bundle = out_of_a_bucket(parts, &store, &environment)?;
    again(parts, &store, &environment, &bundle)?;
    into_a_bucket(parts, &store, &bundle)
}

fn out_of_a_bucket(parts: &Parts, store: &Store, environment: &Path) -> Result<PathBuf> {
    let mut runs = [Runs::new("`howdah bundle create`"), Runs::new("`rclone copy --transfers 64`"), Runs::new("`s5cmd cp`")];
    for round in 1..=ROUNDS {
        let to = parts.emptied("bundle")?;
        runs[0].taken.push(timed(&parts.create(environment, &to), &parts.folder.0)?);
        runs[0].bytes = size(&to.join("media"))?;
        let to = parts.emptied("rclone")?;
        let mut rclone = store.rclone();
        rclone.args(["copy", "--transfers", "64", &format!("store:{BUCKET}")]).arg(&to);
        runs[1].taken.push(timed(&rclone, &parts.folder.0)?);
        runs[1].bytes = size(&to)?;
        let to = parts.emptied("s5cmd")?;
        let mut s5cmd = store.s5cmd();
        s5cmd.args(["cp", &format!("s3://{BUCKET}/*"), &format!("{}/", to.display())]);
        runs[2].taken.push(timed(&s5cmd, &parts.folder.0)?);
        runs[2].bytes = size(&to)?;
        parts.progress.say(format!("out of a bucket: round {round} of {ROUNDS}"));
    }
    println!("\nOut of a bucket into a folder\n\n{}\n", table("media", &runs));
    Ok(parts.at("bundle"))
}

/// The second pass, with nothing changed since the first: into the same place.
fn again(parts: &Parts, store: &Store, environment: &Path, bundle: &Path) -> Result<()> {
    let mut runs = [
        Runs::new("`howdah bundle create --incremental-from`"),
        Runs::new("`rclone sync`"),
        Runs::new("`rclone sync --fast-list --size-only`"),
    ];
    let mut heads = [0.0; 3];
    for round in 1..=ROUNDS {
        let mut create = parts.create(environment, bundle);
        create.arg("--incremental-from").arg(bundle);
        let sync = |options: &[&str]| {
            let mut rclone = store.rclone();
            rclone.arg("sync").args(options).arg(format!("store:{BUCKET}")).arg(parts.at("rclone"));
            rclone
        };
        let commands = [create, sync(&[]), sync(&["--fast-list", "--size-only"])];
        for (at, command) in commands.iter().enumerate() {
            let before = store.heads()?;
            runs[at].taken.push(timed(command, &parts.folder.0)?);
            heads[at] = store.heads()? - before;
        }
        parts.progress.say(format!("nothing changed: round {round} of {ROUNDS}"));
    }
    println!("\nA second pass, nothing changed (HEAD requests: {heads:?})\n\n{}\n", table("moved", &runs));
    Ok(())
}

fn into_a_bucket(parts: &Parts, store: &Store, bundle: &Path) -> Result<()> {
    let mut runs = [Runs::new("`howdah bundle restore`"), Runs::new("`rclone copy --transfers 64`"), Runs::new("`s5cmd cp`")];
    let media = bundle.join("media");
    for run in &mut runs {
        run.bytes = size(&media)?;
    }
    for round in 1..=ROUNDS {
        parts.postgres.make_with_tables("ours")?;
        store.make("ours")?;
        let mut restore = parts.howdah(&["restore", "--database-url", &parts.postgres.url("ours"), "--media-to", "s3://ours"]);
        as_bench(restore.arg(bundle));
        runs[0].taken.push(timed(&restore, &parts.folder.0)?);
        store.make("rclone")?;
        let mut rclone = store.rclone();
        rclone.args(["copy", "--transfers", "64"]).arg(&media).arg("store:rclone");
        runs[1].taken.push(timed(&rclone, &parts.folder.0)?);
        store.make("s5cmd")?;
        let mut s5cmd = store.s5cmd();
        s5cmd.args(["cp", &format!("{}/", media.display()), "s3://s5cmd/"]);
        runs[2].taken.push(timed(&s5cmd, &parts.folder.0)?);
        for bucket in ["ours", "rclone", "s5cmd"] {
            store.remove(bucket)?;
        }
        parts.progress.say(format!("into a bucket: round {round} of {ROUNDS}"));
    }
    println!("\nOut of a folder into a bucket\n\n{}", table("media", &runs));
    Ok(())
}

/// As Paperclip lays out what the rows of `bundle.sql` name. Bytes that no compression makes fewer.
pub fn write_files(system: &Path) -> Result<()> {
    for id in 1..=ATTACHMENTS {
        write(system, id, "original", 40_000 + (id as usize * 7919) % 160_000)?;
        write(system, id, "small", 20_000 + (id as usize * 104_729) % 40_000)?;
    }
    Ok(())
}

pub fn write(system: &Path, id: u32, style: &str, bytes: usize) -> Result<()> {
    let folder = system.join(format!("media_attachments/files/000/{:03}/{:03}/{style}", id / 1000, id % 1000));
    fs::create_dir_all(&folder)?;
    let mut state = (u64::from(id) << 20) ^ bytes as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let noise: Vec<u8> = std::iter::repeat_with(next).flatten().take(bytes).collect();
    Ok(fs::write(folder.join("x.png"), noise)?)
}
