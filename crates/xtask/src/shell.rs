//! Running other programs: an error carries the command and the end of what it said.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

const SHOWN_LINES: usize = 15;

/// Runs to the end and gives what it printed; its own messages are shown only when it fails.
pub fn output(command: &mut Command) -> Result<String> {
    let what = describe(command);
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("can't start `{what}`"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if !done.status.success() {
        let all = said(&done.stdout) + &said(&done.stderr);
        bail!("`{what}` failed ({}):\n{}", done.status, last_lines(&all, SHOWN_LINES));
    }
    Ok(said(&done.stdout))
}

/// Runs to the end with its output going where ours goes.
pub fn visible(command: &mut Command) -> Result<()> {
    let what = describe(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("can't start `{what}`"))?;
    if !status.success() {
        bail!("`{what}` failed ({status})");
    }
    Ok(())
}

/// Like [`output`], with `input` on its standard input.
pub fn with_input(command: &mut Command, input: &str) -> Result<String> {
    let what = describe(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't start `{what}`"))?;
    child.stdin.take().context("stdin was asked for as a pipe")?.write_all(input.as_bytes())?;
    let done = child.wait_with_output()?;
    let all = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        bail!("`{what}` failed ({}):\n{}", done.status, last_lines(&(all + &String::from_utf8_lossy(&done.stderr)), SHOWN_LINES));
    }
    Ok(all)
}

pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    let mut line = words.join(" ");
    if line.len() > 300 {
        line.truncate(line.floor_char_boundary(300));
        line.push('…');
    }
    line
}
