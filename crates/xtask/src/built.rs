//! The workspace's tests, built by one command and run one by one.
//!
//! Cargo builds a dependency anew for every set of crates that is asked for, since their features differ. So everything is built
//! for the whole workspace, once, and what is to run is chosen among the executables.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Message, PackageId, TargetKind};

use crate::{assets, places::Places, progress::Progress};

/// One test executable.
pub struct Test {
    pub package: String,
    /// Name of the test file or folder; of the crate for its unit tests.
    pub name: String,
    executable: PathBuf,
    /// Where cargo would run it.
    folder: PathBuf,
}

impl Test {
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        self.as_cargo_would(&mut command);
        command
    }

    /// The folder and the variables that cargo gives to a test.
    pub fn as_cargo_would(&self, command: &mut Command) {
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
    }
}

/// Builds every test of the workspace, and the programs that they run.
pub fn tests(places: &Places) -> Result<Vec<Test>> {
    assets::bring(places, Progress::start())?;
    let mut cargo = places.cargo();
    cargo.args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("can't start cargo")?;
    if !output.status.success() {
        bail!("the workspace does not build");
    }
    let mut tests = Vec::new();
    for message in Message::parse_stream(&output.stdout[..]) {
        let Message::CompilerArtifact(artifact) = message? else { continue };
        let is_test = artifact.profile.test && !artifact.target.kind.contains(&TargetKind::CustomBuild);
        if let (true, Some(executable)) = (is_test, artifact.executable) {
            let folder = artifact.manifest_path.parent().context("a manifest lies in a folder")?;
            let package = package_name(&artifact.package_id);
            tests.push(Test { package, name: artifact.target.name, executable: executable.into(), folder: folder.into() });
        }
    }
    tests.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
    Ok(tests)
}

/// `path+file:///…/crates/db#howdah-db@0.1.0`, or `…/crates/xtask#0.1.0` where the folder has the package's name.
fn package_name(id: &PackageId) -> String {
    let (path, fragment) = id.repr.rsplit_once('#').unwrap_or(("", &id.repr));
    match fragment.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => path.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}
