//! One line a step, with the time it took, so that a person sees what a slow start waits for.

use std::time::Instant;

use anyhow::{Context, Result};

/// Counts from the command's start; copies share it.
#[derive(Clone, Copy)]
pub struct Progress(Instant);

impl Progress {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn say(&self, text: impl AsRef<str>) {
        println!("[{:6.1} s] {}", self.0.elapsed().as_secs_f32(), text.as_ref());
    }

    /// Says what begins, and after it how long it took; an error is told whose step it was.
    pub fn step<T>(&self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.say(format!("{what} …"));
        self.quiet(what, work)
    }

    /// For what takes a moment: only the end is said.
    pub fn quiet<T>(&self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        let value = work().with_context(|| what.to_owned())?;
        self.say(format!("{what}: done in {:.1} s", begun.elapsed().as_secs_f32()));
        Ok(value)
    }
}
