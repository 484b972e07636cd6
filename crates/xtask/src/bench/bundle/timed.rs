//! A program's run as GNU time tells it, and the tables made of such.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{bench::load::median, shell};

#[derive(Clone, Copy)]
pub struct Taken {
    pub wall: f64,
    /// In user and system mode, of the program and all that it started.
    pub processor: f64,
    /// At most, of the largest of these processes, in MB.
    pub resident: f64,
}

/// Runs it to its end; a failure is one of the bench.
pub fn timed(command: &Command, folder: &Path) -> Result<Taken> {
    let told = folder.join("time");
    let mut time = Command::new("/usr/bin/time");
    time.args(["-f", "%e %U %S %M", "-o"]).arg(&told).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => time.env(name, value),
            None => time.env_remove(name),
        };
    }
    shell::output(&mut time)?;
    let line = fs::read_to_string(&told)?;
    let figures: Vec<f64> =
        line.split_whitespace().map(str::parse).collect::<Result<_, _>>().with_context(|| format!("time said {line}"))?;
    let [wall, user, system, kilobytes] = figures[..] else { anyhow::bail!("time said {line}") };
    Ok(Taken { wall, processor: user + system, resident: kilobytes / 1e3 })
}

/// One program's runs, and how many bytes each moved or wrote.
pub struct Runs {
    pub name: &'static str,
    pub taken: Vec<Taken>,
    pub bytes: f64,
}

impl Runs {
    pub fn new(name: &'static str) -> Self {
        Self { name, taken: Vec::new(), bytes: 0.0 }
    }

    pub fn of(&self, figure: impl Fn(&Taken) -> f64) -> f64 {
        median(self.taken.iter().map(figure).collect())
    }

    pub fn wall(&self) -> f64 {
        self.of(|it| it.wall)
    }

    pub fn processor(&self) -> f64 {
        self.of(|it| it.processor)
    }

    fn row(&self) -> String {
        format!(
            "| {} | {:.1} s | {:.1} s | {:.0} MB | {:.0} MB |",
            self.name,
            self.wall(),
            self.processor(),
            self.of(|it| it.resident),
            self.bytes / 1e6
        )
    }
}

/// Ours first: what each peer took for one of its.
pub fn table(bytes_are: &str, runs: &[Runs]) -> String {
    let mut lines = vec![format!("| program | wall | processor | resident | {bytes_are} |"), "|---|--:|--:|--:|--:|".to_owned()];
    lines.extend(runs.iter().map(Runs::row));
    if let [ours, peers @ ..] = runs {
        for peer in peers {
            lines.push(format!(
                "| {} to {} | {:.1} × | {:.1} × | | |",
                peer.name,
                ours.name,
                peer.wall() / ours.wall(),
                peer.processor() / ours.processor()
            ));
        }
    }
    lines.join("\n")
}

/// Bytes of all files below.
pub fn size(folder: &Path) -> Result<f64> {
    let said = shell::output(Command::new("du").args(["-sb", "--apparent-size"]).arg(folder))?;
    said.split_whitespace().next().and_then(|it| it.parse().ok()).with_context(|| format!("du said {said}"))
}
