//! The portable bundle beside the tools of Mastodon's own guides: `pg_dump` and `pg_restore`, rclone and s5cmd.
//!
//! Real programs on real servers: PostgreSQL 17 (Debian's, in its root filesystem) and SeaweedFS. Each is timed whole, by GNU time, with all
//! that it starts; rounds take turns, so that whatever else the machine does meets every program.

mod database;
mod export;
mod import;
mod media;
mod movement;
mod store;
mod timed;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::folder::Folder;
use crate::{dist, packages, places::Places, progress::Progress};
use database::Postgres;
use store::Store;

/// Of each program; the median counts.
const ROUNDS: usize = 5;
/// A release whose tables the stand-in has.
const MASTODON: &str = "4.3.0";

pub fn export(places: &Places, no_build: bool) -> Result<()> {
    export::run(&Parts::begin(places, no_build)?)
}

pub fn import(places: &Places, no_build: bool) -> Result<()> {
    import::run(&Parts::begin(places, no_build)?)
}

pub fn media(places: &Places, no_build: bool) -> Result<()> {
    media::run(&Parts::begin(places, no_build)?)
}

pub fn movement(places: &Places, no_build: bool) -> Result<()> {
    movement::run(&Parts::begin(places, no_build)?)
}

struct Parts {
    places: Places,
    progress: Progress,
    postgres: Postgres,
    // Removed when all else has ended.
    folder: Folder,
}

impl Parts {
    fn begin(places: &Places, no_build: bool) -> Result<Self> {
        let progress = Progress::start();
        packages::ensure(progress, &[packages::POSTGRESQL, packages::STACK, packages::BUNDLE_PEERS])?;
        if !no_build {
            dist::build(places, progress, &["howdah"])?;
        }
        let folder = Folder::new(places)?;
        let postgres = Postgres::start(places, progress, &folder.0)?;
        Ok(Self { places: places.clone(), progress, postgres, folder })
    }

    fn store(&self) -> Result<Store> {
        Store::start(&self.places, self.progress, &self.folder.0.join("store"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// An empty folder, whatever was there before.
    fn emptied(&self, name: &str) -> Result<PathBuf> {
        let folder = self.at(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// `.env.production` of a server with this database, and with what else its media needs.
    fn environment(&self, database: &str, media: &str) -> Result<PathBuf> {
        let live = self.at(&format!("live-{database}"));
        fs::create_dir_all(live.join("public/system"))?;
        let keys = ["PRIMARY_KEY", "DETERMINISTIC_KEY", "KEY_DERIVATION_SALT"].map(|it| format!("ACTIVE_RECORD_ENCRYPTION_{it}"));
        let keys: String = keys.iter().map(|name| format!("{name}=abcdefghijklmnopqrstuvwxyz012345\n")).collect();
        let text = format!(
            "LOCAL_DOMAIN=a.example\nDATABASE_URL={}\nSECRET_KEY_BASE={}\n{keys}VAPID_PRIVATE_KEY=private\nVAPID_PUBLIC_KEY=public\nOTP_SECRET=otp\n{media}",
            self.postgres.url(database),
            "0123456789abcdef".repeat(8)
        );
        let file = live.join(".env.production");
        fs::write(&file, text)?;
        Ok(file)
    }

    fn howdah(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(dist::program(&self.places, "howdah"));
        command.arg("bundle").args(arguments);
        command
    }

    fn create(&self, environment: &Path, to: &Path) -> Command {
        let mut create = self.howdah(&["create", "--plain", "--mastodon-version", MASTODON, "--env-file"]);
        create.arg(environment).arg("--pg-dump").arg(self.postgres.tool("pg_dump")).arg("--to").arg(to);
        create
    }
}
