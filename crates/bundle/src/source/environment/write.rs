//! The environment as the bundle carries it: twice, since dotenv and docker compose quote differently (m#16895).
//!
//! What belongs to the old host stands there as `# NAME=`, commented out and not empty: an empty `PAPERCLIP_ROOT_PATH` or `DATABASE_URL` is not
//! Mastodon's default but a broken server. Every line is read back before it is taken; a value that one of the two can't express is left out
//! like those of the host, and named.

use std::fmt::Write as _;

use super::names::{Class, class};
use super::{Environment, compose, dotenv};
use crate::format::Finding;
use crate::source::notice;

/// `env/.env.production` and `env/.env.docker`: without the identity's secrets, with what belongs to the old host commented out.
#[derive(Debug, Clone)]
pub struct Portable {
    pub dotenv: String,
    pub compose: String,
    /// The variables that were left out, which both files list in a comment on top.
    pub blanked: Vec<String>,
    /// Values that one of the two can't express.
    pub findings: Vec<Finding>,
}

impl Environment {
    #[must_use]
    pub fn portable(&self) -> Portable {
        let (mut dotenv, mut compose) = (Written::default(), Written::default());
        let mut findings = Vec::new();
        for (name, value) in &self.variables {
            match class(name, value) {
                Class::Secret | Class::Dropped => {}
                Class::OfTheHost => {
                    dotenv.leave_out(name);
                    compose.leave_out(name);
                }
                Class::Kept => {
                    for (written, line, file) in [
                        (&mut dotenv, dotenv_line(name, value), crate::format::ENV_DOTENV),
                        (&mut compose, compose_line(name, value), crate::format::ENV_COMPOSE),
                    ] {
                        match line {
                            Some(line) => written.lines.push_str(&line),
                            None => {
                                written.leave_out(name);
                                findings.push(inexpressible(name, file));
                            }
                        }
                    }
                }
            }
        }
        let mut blanked = dotenv.left_out.clone();
        blanked.extend(compose.left_out.iter().filter(|it| !dotenv.left_out.contains(it)).cloned());
        Portable {
            dotenv: dotenv.file("Mastodon's environment, quoted as dotenv reads it: `.env.production` in Mastodon's folder."),
            compose: compose.file("Mastodon's environment, quoted as docker compose reads it: the `env_file` of its services."),
            blanked,
            findings,
        }
    }
}

fn inexpressible(name: &str, file: &str) -> Finding {
    notice(name, "not_expressible", format!("the value of {name} can't be written in {file}; set it on the new host by other means"))
}

#[derive(Default)]
struct Written {
    lines: String,
    left_out: Vec<String>,
}

impl Written {
    fn leave_out(&mut self, name: &str) {
        self.left_out.push(name.to_owned());
        let _ = writeln!(self.lines, "# {name}=");
    }

    fn file(&self, title: &str) -> String {
        let mut text = format!("# {title}\n# The secrets of this server are in secrets.env: append them.\n");
        if !self.left_out.is_empty() {
            text.push_str("# Commented out is what belonged to the old host; fill in what the new one needs of:\n");
            for names in self.left_out.chunks(4) {
                let _ = writeln!(text, "#   {}", names.join(" "));
            }
        }
        text + "\n" + &self.lines
    }
}

/// `NAME=value` and a newline, quoted for dotenv; none where it can't be expressed: a carriage return, or a backslash at the end of what needs
/// quotes.
pub fn dotenv_line(name: &str, value: &str) -> Option<String> {
    let candidates = [
        is_plain(value).then(|| value.to_owned()),
        (!value.contains('\'') && !value.ends_with('\\')).then(|| format!("'{value}'")),
        (!value.ends_with('\\')).then(|| format!("\"{}\"", dotenv_escaped(value, &['\\', '"']))),
        (!value.contains(['#', '\n']) && value.trim() == value).then(|| dotenv_escaped(value, &['\\', '"', '\''])),
    ];
    let reads_back = |line: &String| {
        let read = dotenv::read(line, &|_| None);
        read.findings.is_empty() && read.variables == [(name.to_owned(), value.to_owned())]
    };
    candidates.into_iter().flatten().map(|it| format!("{name}={it}\n")).find(reads_back)
}

/// `NAME=value` and a newline, quoted for docker compose.
pub fn compose_line(name: &str, value: &str) -> Option<String> {
    let verbatim = !value.starts_with(['\'', '"']) && !value.contains(['$', '#', '\n', '\r']) && value.trim() == value;
    let candidates = [
        verbatim.then(|| value.to_owned()),
        (!value.contains('\'') && !value.ends_with('\\')).then(|| format!("'{value}'")),
        Some(format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$"))),
    ];
    let reads_back = |line: &String| compose::read(line).is_some_and(|it| it == [(name.to_owned(), value.to_owned())]);
    candidates.into_iter().flatten().map(|it| format!("{name}={it}\n")).find(reads_back)
}

/// Needs no quotes anywhere.
fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|it| it.is_ascii_alphanumeric() || "_./:@,+-=%".contains(it))
}

/// With a backslash before each of those characters, and before a dollar sign where dotenv would do something with it.
fn dotenv_escaped(value: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(value.len());
    for (at, it) in value.char_indices() {
        let literal_anyway = || value[at + 1..].starts_with('(') && dotenv::command_length(&value[at + 1..]).is_none();
        if special.contains(&it) || it == '$' && !literal_anyway() {
            out.push('\\');
        }
        out.push(it);
    }
    out
}
