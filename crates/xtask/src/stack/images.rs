//! The images that the real node runs: built by buildah when what they are made of changed, imported into the stack's containerd.
//! There is no registry.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{Scope, Stack, rootfs};
use crate::{places::digest, progress::Progress, shell};

const ARCHIVES_KEPT: usize = 3;
const HOWDAH: &str = "howdah";
/// Of the tenants' server's version, which is the only one that the suite has; an installation with others adds theirs.
const PG_DUMP: &str = "postgresql-client-17";
const STAND_IN: &str = "mastodon-standin";

pub struct Image {
    /// With its tag, as a pod names it.
    pub name: String,
    archive: PathBuf,
}

pub struct Images {
    /// PostgreSQL 17's root filesystem, for the tenants' server.
    pub postgres: PathBuf,
    pub list: Vec<Image>,
}

impl std::fmt::Display for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.archive.display())
    }
}

impl Images {
    /// The image that stands in for Mastodon's own.
    pub fn stand_in(&self) -> &str {
        self.name(STAND_IN)
    }

    /// The image with Howdah's own binary.
    pub fn howdah(&self) -> &str {
        self.name(HOWDAH)
    }

    fn name(&self, repository: &str) -> &str {
        let prefix = format!("localhost/{repository}:");
        self.list.iter().map(|image| image.name.as_str()).find(|name| name.starts_with(&prefix)).unwrap_or_default()
    }
}

/// PostgreSQL 17's root filesystem.
pub fn postgres_rootfs(cache: &Path, progress: Progress) -> Result<PathBuf> {
    rootfs::folder(cache, progress, "postgresql", &["postgresql-17"])
}

/// A file of an image's build context: its name there, and where it comes from.
type Content<'a> = (&'a str, PathBuf);

impl Stack {
    pub fn images(&self) -> Result<Images> {
        let (cache, progress) = (&self.places.cache, self.progress);
        let postgres = match self.scope {
            Scope::Plane => PathBuf::new(),
            Scope::Whole | Scope::OnCluster(_) => postgres_rootfs(cache, progress)?,
        };
        let redis = rootfs::archive(cache, progress, "redis", &["redis-server"])?;
        let base = rootfs::archive(cache, progress, "howdah", &["ca-certificates", PG_DUMP])?;
        let list = vec![
            self.image("pause", Some("1"), "images/pause", &[("pause", self.pause()?)])?,
            self.image("redis", Some("8"), "images/redis", &[("rootfs.tar", redis)])?,
            self.image(HOWDAH, None, "images/howdah", &[("rootfs.tar", base), ("howdah", self.stripped("howdah")?)])?,
            self.stand_in()?,
        ];
        Ok(Images { postgres, list })
    }

    /// One image is Mastodon's web and its streaming.
    fn stand_in(&self) -> Result<Image> {
        let packages = fs::read_to_string(self.places.deploy("standin/packages")).context("the stand-in's list of packages")?;
        let packages: Vec<&str> = packages.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let rootfs = rootfs::archive(&self.places.cache, self.progress, "standin", &packages)?;
        let binary = self.stripped("howdah-standin")?;
        let contents: [Content; 3] = [("rootfs.tar", rootfs), ("howdah-standin", binary), ("ca.crt", self.authority_certificate()?)];
        self.image(STAND_IN, None, "standin", &contents)
    }

    /// Howdah's binaries as the images carry them: without the debugging sections that make them ten times as large.
    fn stripped(&self, binary: &str) -> Result<PathBuf> {
        let folder = self.places.stack.join("stripped");
        fs::create_dir_all(&folder)?;
        let (whole, stripped) = (self.places.binary(binary), folder.join(binary));
        let changed = |path: &Path| fs::metadata(path).and_then(|it| it.modified());
        let is_current = changed(&stripped).is_ok_and(|stripped| changed(&whole).is_ok_and(|whole| whole < stripped));
        if !is_current {
            shell::output(Command::new("strip").arg("--strip-debug").arg("-o").arg(&stripped).arg(whole))?;
        }
        Ok(stripped)
    }

    fn pause(&self) -> Result<PathBuf> {
        let source = self.places.deploy("images/pause/pause.c");
        let text = fs::read(&source)?;
        let entry = crate::cache::Entry { name: "pause", inputs: &[&text], cost: "a moment" };
        let folder = entry.get(&self.places.cache, self.progress, |folder| {
            shell::output(Command::new("gcc").args(["-static", "-O2", "-o"]).arg(folder.join("pause")).arg(&source)).map(drop)
        })?;
        Ok(folder.join("pause"))
    }

    /// Builds `localhost/NAME:TAG` (without a tag: the digest of what it is made of) from the folder `recipe` and `contents`.
    fn image(&self, name: &str, tag: Option<&str>, recipe: &str, contents: &[Content]) -> Result<Image> {
        let recipe = self.places.deploy(recipe);
        let mut files: Vec<(String, PathBuf)> = contents.iter().map(|(name, path)| ((*name).to_owned(), path.clone())).collect();
        for file in fs::read_dir(&recipe).with_context(|| format!("the recipe of image {name}"))? {
            let file = file?;
            if file.path().extension().is_some_and(|kind| kind == "md") {
                continue;
            }
            files.push((file.file_name().to_string_lossy().into_owned(), file.path()));
        }
        files.sort();
        let key = key_of(&files)?;
        let tagged = format!("localhost/{name}:{}", tag.unwrap_or(&key));
        let archives = self.places.cache.join("images");
        let archive = archives.join(format!("{name}-{key}.tar"));
        fs::create_dir_all(&archives)?;
        // Another checkout's build would take this one's layers for unused ones.
        let lock = File::create(self.places.cache.join("images.lock"))?;
        lock.lock()?;
        if !archive.exists() {
            self.progress.step(&format!("building image {tagged}"), || self.build_image(&tagged, &files, &archive))?;
            forget_old(&archives, name)?;
        }
        Ok(Image { name: tagged, archive })
    }

    fn build_image(&self, tagged: &str, files: &[(String, PathBuf)], archive: &Path) -> Result<()> {
        let context = self.places.stack.join("context");
        if context.exists() {
            fs::remove_dir_all(&context)?;
        }
        fs::create_dir_all(&context)?;
        for (name, path) in files {
            fs::copy(path, context.join(name)).with_context(|| format!("can't copy {}", path.display()))?;
        }
        let storage = self.places.cache.join("buildah-overlay");
        let buildah = || {
            // Many files are open at once in a layer with a whole system.
            let mut buildah = Command::new("prlimit");
            buildah.args(["--nofile=16384:16384", "buildah", "--storage-driver", "overlay", "--root"]).arg(&storage);
            buildah.arg("--runroot").arg(self.places.stack.join("buildah-run"));
            buildah
        };
        let build = ["bud", "--quiet", "--layers", "--isolation", "chroot", "-t", tagged];
        shell::output(buildah().args(build).arg(&context))?;
        let half = archive.with_extension("half");
        let _ = fs::remove_file(&half);
        shell::output(buildah().args(["push", "--quiet", tagged]).arg(format!("docker-archive:{}:{tagged}", half.display())))?;
        // What this image was called before, and what no image needs any longer.
        let all = shell::output(buildah().args(["images", "--format", "{{.Name}}:{{.Tag}}"]))?;
        let repository = tagged.rsplit_once(':').map_or(tagged, |(repository, _)| repository);
        let earlier = all.lines().filter(|image| *image != tagged && image.rsplit_once(':').is_some_and(|(it, _)| it == repository));
        for image in earlier {
            shell::output(buildah().args(["rmi", image]))?;
        }
        shell::output(buildah().args(["rmi", "--prune", "--force"]))?;
        fs::remove_dir_all(&context)?;
        Ok(fs::rename(half, archive)?)
    }

    /// Imports what containerd does not have yet, and forgets the images of earlier builds.
    pub fn import_images(&self, images: &Images) -> Result<()> {
        let marks = self.dir("containerd/imported");
        fs::create_dir_all(&marks)?;
        for image in &images.list {
            let mark = marks.join(image.archive.file_name().context("an image's archive has a name")?);
            if !mark.exists() {
                self.progress.quiet(&format!("importing image {}", image.name), || {
                    shell::output(self.ctr().args(["images", "import"]).arg(&image.archive)).map(drop)
                })?;
                fs::write(&mark, &image.name)?;
            }
        }
        for mark in fs::read_dir(&marks)? {
            let mark = mark?.path();
            let name = fs::read_to_string(&mark)?;
            let wanted = images.list.iter().any(|image| image.archive.file_name() == mark.file_name());
            if !wanted {
                if !images.list.iter().any(|image| image.name == name) {
                    shell::output(self.ctr().args(["images", "rm", &name]))?;
                }
                fs::remove_file(mark)?;
            }
        }
        Ok(())
    }
}

fn key_of(files: &[(String, PathBuf)]) -> Result<String> {
    // A root filesystem lies in a folder named by the digest of what it was made from: its path says enough.
    let (by_path, by_content): (Vec<_>, Vec<_>) = files.iter().partition(|(name, _)| name == "rootfs.tar");
    // Another program's, since ours is built for debugging and takes seconds for what that does in a moment.
    let sums = shell::output(Command::new("sha256sum").args(by_content.iter().map(|(_, path)| path)))?;
    let sums = sums.lines().filter_map(|line| line.split(' ').next()).map(str::as_bytes);
    let names = files.iter().map(|(name, _)| name.as_bytes());
    Ok(digest(names.chain(by_path.iter().map(|(_, path)| path.as_os_str().as_encoded_bytes())).chain(sums), 6))
}

/// Of an image's earlier archives only the newest are kept: another checkout may be about to use one.
fn forget_old(archives: &Path, name: &str) -> Result<()> {
    let mut ours = Vec::new();
    for file in fs::read_dir(archives)? {
        let path = file?.path();
        if path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.rsplit_once('-')).is_some_and(|(stem, _)| stem == name) {
            ours.push((fs::metadata(&path)?.modified()?, path));
        }
    }
    ours.sort();
    let old = ours.len().saturating_sub(ARCHIVES_KEPT);
    ours.drain(..old).try_for_each(|(_, path)| Ok(fs::remove_file(path)?))
}
