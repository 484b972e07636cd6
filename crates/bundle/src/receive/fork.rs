//! Forks of Mastodon, told by the columns of their database and by their version: what they have beyond Mastodon would be lost here, or shown
//! to everybody.

use crate::format::{Finding, Fork, Mastodon};
use crate::verify::{notice, wrong};

/// Words in a version after its numbers (`4.5.0-beta.1+glitch`, `4.2.10+hometown-1.1.1`), and whose they are.
const FORKS: [(&str, &str); 5] =
    [("glitch", "glitch-soc"), ("hometown", "Hometown"), ("kmyblue", "kmyblue"), ("fedibird", "Fedibird"), ("chuckya", "Chuckya")];

const WAY_OUT: &str =
    "Move the old server to Mastodon's own release of the same line first, with the fork's own migrations undone, and make the bundle anew";

/// What speaks against it, or is better known.
pub(super) fn judge(mastodon: &Mastodon) -> Option<Finding> {
    let version = mastodon.version.as_deref().unwrap_or_default();
    let (said, found) = (named(version), shown(version));
    match (mastodon.fork, said) {
        (Some(Fork::GlitchSoc), said) => {
            let name = said.unwrap_or("glitch-soc, or another fork with its columns");
            let sentence = format!(
                "this is {name} ({found}statuses.local_only or .content_type): local-only posts would become public on Mastodon, so it is not taken in. Make \
                 those private or delete them. {WAY_OUT}"
            );
            Some(wrong("mastodon", "glitch_soc", sentence))
        }
        (Some(Fork::Unknown), said) => {
            let name = said.map(|it| format!(", {it}")).unwrap_or_default();
            let sentence = format!(
                "this is a fork of Mastodon{name} ({found}columns of `statuses` that no release of Mastodon has), whose data would be lost here. {WAY_OUT}"
            );
            Some(wrong("mastodon", "unknown_fork", sentence))
        }
        (None, Some(name)) => {
            let sentence = format!("this is {name}, a fork of Mastodon (version {version}), and only Mastodon itself runs here. {WAY_OUT}");
            Some(wrong("mastodon", "fork", sentence))
        }
        (None, None) => {
            let (release, own) = version.split_once('+')?;
            let sentence = format!(
                "the old server runs Mastodon {release} with something of its own (“{own}”): here it runs as Mastodon itself, without that"
            );
            Some(notice("mastodon", "own_build", sentence))
        }
    }
}

fn named(version: &str) -> Option<&'static str> {
    let after = version.trim_start_matches(|it: char| it.is_ascii_digit() || it == '.').to_ascii_lowercase();
    FORKS.into_iter().find(|(word, _)| after.contains(word)).map(|(_, name)| name)
}

fn shown(version: &str) -> String {
    if version.is_empty() { String::new() } else { format!("version {version}, ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(version: Option<&str>, fork: Option<Fork>) -> Option<Finding> {
        judge(&Mastodon { version: version.map(str::to_owned), source: None, commit: None, fork })
    }

    #[test]
    fn a_fork_is_named_with_what_was_found_and_the_way_out() {
        for (version, fork, reason, words) in [
            (Some("4.5.0+glitch"), Some(Fork::GlitchSoc), "glitch_soc", ["glitch-soc", "4.5.0+glitch", "statuses.local_only"]),
            (Some("4.5.11"), Some(Fork::GlitchSoc), "glitch_soc", ["glitch-soc", "4.5.11", "become public"]),
            (None, Some(Fork::Unknown), "unknown_fork", ["fork", "no release of Mastodon has", "lost"]),
            (Some("4.4.0-alpha.1+kmyblue.18"), Some(Fork::Unknown), "unknown_fork", ["kmyblue", "4.4.0-alpha.1+kmyblue.18", "lost"]),
            (Some("4.2.10+hometown-1.1.1"), None, "fork", ["Hometown", "4.2.10+hometown-1.1.1", "only Mastodon itself"]),
            (Some("4.3.1+Glitch.treehouse"), None, "fork", ["glitch-soc", "4.3.1+Glitch.treehouse", "only Mastodon itself"]),
        ] {
            let finding = judged(version, fork).unwrap();
            assert_eq!((finding.severity, finding.reason.as_str()), (crate::format::Severity::Wrong, reason), "{version:?}");
            for words in words.into_iter().chain([WAY_OUT]) {
                assert!(finding.sentence.contains(words), "{words} is not in {}", finding.sentence);
            }
            assert!(finding.sentence.chars().count() <= 400, "{} characters", finding.sentence.chars().count());
        }
    }

    #[test]
    fn a_build_of_ones_own_is_no_fork() {
        for version in [None, Some("4.5.11"), Some("4.6.0-rc.1")] {
            assert_eq!(judged(version, None), None, "{version:?}");
        }
        let finding = judged(Some("4.5.11+birds"), None).unwrap();
        assert_eq!((finding.severity, finding.reason.as_str()), (crate::format::Severity::Notice, "own_build"));
        assert!(finding.sentence.contains("4.5.11") && finding.sentence.contains("“birds”"), "{}", finding.sentence);
    }
}
