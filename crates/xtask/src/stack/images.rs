//! The images that the real node runs: built by buildah when what they are made of changed, imported into the stack's containerd.
//! There is no registry.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{Scope, Stack, rootfs, tools::Tools};
use crate::{places::digest, shell};

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

impl Images {
    /// The image that stands in for Mastodon's own.
    pub fn stand_in(&self) -> Option<&str> {
        self.list.iter().map(|image| image.name.as_str()).find(|name| name.starts_with("localhost/mastodon-standin:"))
    }
}

/// A file of an image's build context: its name there, and where it comes from.
type Content<'a> = (&'a str, PathBuf);

impl Stack {
    pub fn images(&self, tools: &Tools) -> Result<Images> {
        let _ = tools;
        let (cache, progress) = (&self.places.cache, self.progress);
        let postgres = match self.scope {
            Scope::Plane => PathBuf::new(),
            Scope::Whole | Scope::OnCluster(_) => rootfs::folder(cache, progress, "postgresql", &["postgresql-17"])?,
        };
        let mut list = Vec::new();
        if self.scope.has_netns() {
            list.push(self.image("pause", Some("1"), "images/pause", &[("pause", self.pause()?)])?);
            let redis = rootfs::archive(cache, progress, "redis", &["redis-server"])?;
            list.push(self.image("redis", Some("8"), "images/redis", &[("rootfs.tar", redis)])?);
            if std::env::var_os("BARE").is_some() {
                return Ok(Images { postgres, list });
            }
            self.build_binaries()?;
            let base = rootfs::archive(cache, progress, "howdah", &["ca-certificates"])?;
            list.push(self.image("howdah", Some("dev"), "images/howdah", &[("rootfs.tar", base), ("howdah", self.stripped("howdah")?)])?);
            list.extend(self.stand_ins()?);
        }
        Ok(Images { postgres, list })
    }

    /// The stand-in's image and its streaming twin: the same folder's `Containerfile` and `Containerfile.streaming`.
    fn stand_ins(&self) -> Result<Vec<Image>> {
        let folder = self.places.deploy("standin");
        if !folder.join("packages").exists() {
            self.progress.say("no recipe for the stand-in's image yet: it is left out");
            return Ok(Vec::new());
        }
        let packages = fs::read_to_string(folder.join("packages")).context("the stand-in's list of packages")?;
        let packages: Vec<&str> = packages.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let rootfs = rootfs::archive(&self.places.cache, self.progress, "standin", &packages)?;
        let authority = self.authority_certificate()?;
        let contents: [Content; 3] = [("rootfs.tar", rootfs), ("howdah-standin", self.stripped("howdah-standin")?), ("ca.crt", authority)];
        let mut images = vec![self.image("mastodon-standin", None, "standin", &contents)?];
        if folder.join("Containerfile.streaming").exists() {
            images.push(self.image_of("mastodon-standin-streaming", None, "standin", "Containerfile.streaming", &contents)?);
        }
        Ok(images)
    }

    /// Howdah's binaries as the images carry them: without the debugging sections that make them ten times as large.
    fn stripped(&self, binary: &str) -> Result<PathBuf> {
        let folder = self.places.stack.join("stripped");
        fs::create_dir_all(&folder)?;
        let stripped = folder.join(binary);
        shell::output(Command::new("strip").arg("--strip-debug").arg("-o").arg(&stripped).arg(self.binary(binary)))?;
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

    fn image(&self, name: &str, tag: Option<&str>, recipe: &str, contents: &[Content]) -> Result<Image> {
        self.image_of(name, tag, recipe, "Containerfile", contents)
    }

    /// Builds `localhost/NAME:TAG` (without a tag: the digest of what it is made of) from the folder `recipe` and `contents`.
    fn image_of(&self, name: &str, tag: Option<&str>, recipe: &str, containerfile: &str, contents: &[Content]) -> Result<Image> {
        let recipe = self.places.deploy(recipe);
        let mut files: Vec<(String, PathBuf)> = contents.iter().map(|(name, path)| ((*name).to_owned(), path.clone())).collect();
        for file in fs::read_dir(&recipe).with_context(|| format!("the recipe of image {name}"))? {
            let file = file?;
            files.push((file.file_name().to_string_lossy().into_owned(), file.path()));
        }
        files.sort();
        let key = key_of(&files, containerfile)?;
        let tagged = format!("localhost/{name}:{}", tag.unwrap_or(&key));
        let archives = self.places.cache.join("images");
        let archive = archives.join(format!("{name}-{key}.tar"));
        if !archive.exists() {
            fs::create_dir_all(&archives)?;
            self.progress.step(&format!("building image {tagged}"), || self.build_image(&tagged, containerfile, &files, &archive))?;
            remove_others(&archives, name, &archive)?;
        }
        Ok(Image { name: tagged, archive })
    }

    fn build_image(&self, tagged: &str, containerfile: &str, files: &[(String, PathBuf)], archive: &Path) -> Result<()> {
        let context = self.places.stack.join("context");
        if context.exists() {
            fs::remove_dir_all(&context)?;
        }
        fs::create_dir_all(&context)?;
        for (name, path) in files {
            fs::copy(path, context.join(name)).with_context(|| format!("can't copy {}", path.display()))?;
        }
        let storage = self.places.cache.join("buildah");
        let buildah = || {
            // Many files are open at once in a layer with a whole system.
            let mut buildah = Command::new("prlimit");
            buildah.args(["--nofile=16384:16384", "buildah", "--storage-driver", "vfs", "--root"]).arg(&storage);
            buildah.arg("--runroot").arg(self.places.stack.join("buildah-run"));
            buildah
        };
        let build = ["bud", "--quiet", "--layers", "--isolation", "chroot", "-t", tagged, "-f"];
        shell::output(buildah().args(build).arg(context.join(containerfile)).arg(&context))?;
        let half = archive.with_extension("half");
        let _ = fs::remove_file(&half);
        shell::output(buildah().args(["push", "--quiet", tagged]).arg(format!("docker-archive:{}:{tagged}", half.display())))?;
        shell::output(buildah().args(["rmi", "--prune", "--force"])).map(drop)?;
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

fn key_of(files: &[(String, PathBuf)], containerfile: &str) -> Result<String> {
    let mut parts: Vec<Vec<u8>> = vec![containerfile.into()];
    for (name, path) in files {
        parts.push(name.clone().into());
        // A root filesystem lies in a folder named by the digest of what it was made from: its path says enough, and is read faster.
        let path_is_enough = name == "rootfs.tar";
        parts.push(if path_is_enough { path.as_os_str().as_encoded_bytes().to_vec() } else { fs::read(path)? });
    }
    Ok(digest(parts.iter().map(Vec::as_slice), 6))
}

/// An image's earlier archives are of no use to anyone: a checkout that goes back builds it anew from cached layers.
fn remove_others(archives: &Path, name: &str, keep: &Path) -> Result<()> {
    for file in fs::read_dir(archives)? {
        let path = file?.path();
        let is_ours =
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.rsplit_once('-')).is_some_and(|(stem, _)| stem == name);
        if is_ours && path != keep {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
