//! The stack's business time: how many seconds its server, its worker and its Stripe are ahead of the machine, in a file that all of them
//! read, and that Stripe's page writes, too.

use std::{fs, path::PathBuf, str::FromStr, time::Duration};

use anyhow::{Context, Result, anyhow, bail};

use super::{Stack, stripe};
use crate::places::Places;

const DAY: u64 = 86_400;

/// `+200d` and `-3h` move it from where it is; `reset` is the machine's time again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    By(i64),
    Reset,
}

impl FromStr for Step {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let by = |text| anyhow::Ok(i64::try_from(humantime::parse_duration(text)?.as_secs())?);
        match (text, text.split_at_checked(1)) {
            ("reset", _) => Ok(Self::Reset),
            (_, Some(("+", ahead))) => Ok(Self::By(by(ahead)?)),
            (_, Some(("-", back))) => Ok(Self::By(-by(back)?)),
            _ => bail!("`{text}` is no step: `+200d`, `-3h`, or `reset`"),
        }
    }
}

impl Stack {
    pub fn clock(&self) -> PathBuf {
        clock(&self.places)
    }

    /// Business time begins as the machine's, and stays as it was moved when a running stack is brought up to date.
    pub fn start_clock(&self) -> Result<()> {
        match self.clock().exists() {
            true => Ok(()),
            false => Ok(fs::write(self.clock(), "0\n")?),
        }
    }
}

fn clock(places: &Places) -> PathBuf {
    places.stack.join("howdah/clock")
}

/// Moves it where a step is given, and says where it is.
pub fn set(places: &Places, step: Option<Step>) -> Result<()> {
    let file = clock(places);
    let Ok(text) = fs::read_to_string(&file) else { bail!("no stack is up in {}: `cargo xtask dev` starts one", places.stack.display()) };
    let before: i64 = text.trim().parse().with_context(|| format!("{} holds no number of seconds", file.display()))?;
    let ahead = match step {
        None => before,
        Some(Step::Reset) => 0,
        Some(Step::By(seconds)) => before.checked_add(seconds).ok_or_else(|| anyhow!("that is too far"))?,
    };
    // Put in its place whole: it is read at every moment.
    let half = file.with_extension("half");
    fs::write(&half, format!("{ahead}\n"))?;
    fs::rename(half, file)?;
    println!("{}", said(ahead));
    if ahead < before && stripe::is_there(places) {
        println!("The simulated Stripe doesn't go back: it stands still until then.");
    }
    Ok(())
}

fn said(ahead: i64) -> String {
    let (days, rest) = (ahead.unsigned_abs() / DAY, ahead.unsigned_abs() % DAY);
    let rest = (rest > 0).then(|| humantime::format_duration(Duration::from_secs(rest)).to_string());
    // Its own months have 30.44 days: nobody who asked for 200 days wants to read them.
    let span = (days > 0).then(|| format!("{days}d")).into_iter().chain(rest).collect::<Vec<_>>().join(" ");
    match ahead {
        0 => "Howdah's time is the machine's.".to_owned(),
        1.. => format!("Howdah's time is {span} ahead of the machine's."),
        _ => format!("Howdah's time is {span} behind the machine's."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read() {
        let read = |text: &str| text.parse::<Step>().ok();
        assert_eq!(read("+200d"), Some(Step::By(200 * 86_400)));
        assert_eq!(read("-1h 30min"), Some(Step::By(-5_400)));
        assert_eq!(read("reset"), Some(Step::Reset));
        for none in ["", "+", "200d", "+soon", "-"] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn where_it_is_is_said() {
        assert_eq!(said(0), "Howdah's time is the machine's.");
        assert_eq!(said(200 * 86_400 + 60), "Howdah's time is 200d 1m ahead of the machine's.");
        assert_eq!(said(-60), "Howdah's time is 1m behind the machine's.");
    }
}
