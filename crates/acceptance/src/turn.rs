//! Whose turn it is: tests that take a part of the stack away run alone, the others side by side.

use std::fs::File;

use anyhow::{Context, Result};

use crate::Stack;

/// Held for a test's whole time.
#[derive(Debug)]
pub struct Turn {
    _lock: File,
}

impl Turn {
    /// Beside others that disturb nothing.
    pub fn shared(stack: &Stack) -> Result<Self> {
        let door = file(stack, "door")?;
        door.lock_shared()?;
        let lock = file(stack, "turn")?;
        lock.lock_shared()?;
        Ok(Self { _lock: lock })
    }

    /// Alone, since parts of the stack will be missing. Who comes later than this one waits at the door, so that its turn comes.
    pub fn alone(stack: &Stack) -> Result<Self> {
        let door = file(stack, "door")?;
        door.lock()?;
        let lock = file(stack, "turn")?;
        lock.lock()?;
        Ok(Self { _lock: lock })
    }
}

fn file(stack: &Stack, name: &str) -> Result<File> {
    let path = stack.folder.join(format!("run/acceptance.{name}"));
    File::create(&path).with_context(|| format!("can't make {}", path.display()))
}
