//! Ruby's dotenv (gem `dotenv` 3), which reads `.env.production` (UP:config/application.rb).
//!
//! What the gem's documentation leaves open was tried with the gem itself (60,000 made-up texts against 3.2). It differs in lines that set
//! nothing, which its own versions read differently, too: a name alone, and `export NAME=`.
//! - a quoted value ends at the first quote that has no backslash before it and is followed by nothing but a comment; where there is none,
//!   at one that has; and where there is none of these either, the quote is a character like others;
//! - single quotes take all but the quote literally, a backslash included;
//! - without quotes, `#` begins a comment even without a space before it;
//! - with double quotes or none, a backslash before anything but `$` is taken away, then `$NAME` and `${NAME}` are looked up; but `\n` and
//!   `\r` in double quotes stay as they are (unless `DOTENV_LINEBREAK_MODE=legacy` makes them line breaks, as before version 3);
//! - `$(command)` would be run: here it is kept as it stands, and named.

use crate::format::Finding;
use crate::source::notice;

/// What a file sets, in order, each name once.
#[derive(Default)]
pub struct Dotenv {
    pub variables: Vec<(String, String)>,
    pub findings: Vec<Finding>,
}

const LINEBREAK_MODE: &str = "DOTENV_LINEBREAK_MODE";

/// Stray lines that are named, so that what is no `.env.production` at all doesn't name each of its own.
const MOST_FINDINGS: usize = 50;

pub fn read(text: &str, outer: &dyn Fn(&str) -> Option<String>) -> Dotenv {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut dotenv = Dotenv::default();
    let mut at = 0;
    let mut line = 1;
    while at < text.len() {
        let end = match assignment(&text, at) {
            Some(assignment) => {
                dotenv.set(&assignment, outer);
                assignment.end
            }
            None => {
                dotenv.note_stray(text[at..].lines().next().unwrap_or_default(), line);
                at
            }
        };
        let next = text[end..].find('\n').map_or(text.len(), |it| end + it + 1);
        line += text[at..next].matches('\n').count();
        at = next;
    }
    dotenv
}

impl Dotenv {
    fn set(&mut self, assignment: &Assignment<'_>, outer: &dyn Fn(&str) -> Option<String>) {
        let Assignment { name, value, .. } = *assignment;
        let lookup = |name: &str| self.get(name).map(str::to_owned).or_else(|| outer(name));
        let (value, commands) = evaluate(value, &lookup);
        if commands {
            self.findings.push(notice(
                name,
                "command_not_run",
                format!("{name} has a $(command), which dotenv would run on the server; it was not run here, and the text stands as it is"),
            ));
        }
        match self.variables.iter_mut().find(|(it, _)| it == name) {
            Some((_, known)) => *known = value,
            None => self.variables.push((name.to_owned(), value)),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// A line that sets nothing, unless it is empty, a comment, or an `export` of what was set before. Its text may be a secret.
    fn note_stray(&mut self, text: &str, line: usize) {
        let text = text.trim();
        let exported = text.strip_prefix("export ").is_some_and(|it| it.split_whitespace().all(|name| self.get(name).is_some()));
        if !text.is_empty() && !text.starts_with('#') && !exported && self.findings.len() < MOST_FINDINGS {
            self.findings.push(notice(
                format!("line {line}"),
                "not_an_assignment",
                format!("line {line} sets no variable, and was left out"),
            ));
        }
    }
}

struct Assignment<'a> {
    name: &'a str,
    /// As written, with its quotes.
    value: &'a str,
    /// Where in the text it ends.
    end: usize,
}

/// The assignment that begins on the line at `start`, which empty lines may come before.
fn assignment(text: &str, start: usize) -> Option<Assignment<'_>> {
    let start = skip_space(text, start);
    let after_export = text[start..].strip_prefix("export").map(|it| text.len() - it.len());
    let exported = after_export.map(|it| (it, skip_space(text, it))).filter(|(before, after)| before < after);
    exported.and_then(|(_, at)| named(text, at)).or_else(|| named(text, start))
}

fn named(text: &str, start: usize) -> Option<Assignment<'_>> {
    let length = text[start..].find(|it: char| !(it.is_ascii_alphanumeric() || matches!(it, '_' | '.'))).unwrap_or(text.len() - start);
    let name = Some(&text[start..start + length]).filter(|it| !it.is_empty())?;
    let after_name = start + length;
    let equals = skip_space(text, after_name);
    let rest = &text[after_name..];
    let value_at = if text[equals..].starts_with('=') {
        equals + 1
    } else if rest.starts_with(':') && rest[1..].starts_with(is_space) {
        // As in YAML.
        after_name + 2
    } else {
        return None;
    };
    let end = value_end(text, value_at);
    Some(Assignment { name, value: &text[value_at..end], end })
}

/// Where the value that begins at `start` ends: behind its closing quote, or at the line's end or comment.
fn value_end(text: &str, start: usize) -> usize {
    let quoted = skip_space(text, start);
    let quote = text[quoted..].chars().next().filter(|it| matches!(it, '\'' | '"'));
    let unquoted = || start + text[start..].find(['#', '\n']).unwrap_or(text.len() - start);
    quote.and_then(|quote| closing(text, quoted + 1, quote)).unwrap_or_else(unquoted)
}

/// Behind the quote that closes the value whose first character is at `start`.
fn closing(text: &str, start: usize, quote: char) -> Option<usize> {
    let mut escaped = Vec::new();
    for (offset, _) in text[start..].match_indices(quote) {
        let at = start + offset;
        if text[start..at].ends_with('\\') {
            escaped.push(at);
        } else if ends_line(text, at + 1) {
            return Some(at + 1);
        } else {
            break;
        }
    }
    escaped.into_iter().rev().map(|at| at + 1).find(|it| ends_line(text, *it))
}

/// Whether nothing but spaces and a comment follows on the line.
fn ends_line(text: &str, at: usize) -> bool {
    let rest = text[at..].trim_start_matches(|it| it != '\n' && is_space(it));
    rest.is_empty() || rest.starts_with(['\n', '#'])
}

/// Ruby's `\s`.
fn is_space(it: char) -> bool {
    matches!(it, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

fn skip_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches(is_space).len()
}

/// The value that is written so, and whether it has a command.
fn evaluate(written: &str, lookup: &dyn Fn(&str) -> Option<String>) -> (String, bool) {
    let written = written.trim_matches(|it| is_space(it) || it == '\0');
    let quote = written.chars().next().filter(|it| matches!(it, '\'' | '"') && written.len() > 1 && written.ends_with(*it));
    let inner = if quote.is_some() { &written[1..written.len() - 1] } else { written };
    match quote {
        Some('\'') => (inner.to_owned(), false),
        Some(_) => substitute(&unescape(&with_line_breaks(inner, lookup)), lookup),
        None => substitute(&unescape(inner), lookup),
    }
}

fn with_line_breaks(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    if lookup(LINEBREAK_MODE).as_deref() == Some("legacy") {
        text.replace("\\n", "\n").replace("\\r", "\r")
    } else {
        text.replace("\\n", "\\\\n").replace("\\r", "\\\\r")
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(it) = chars.next() {
        match chars.peek() {
            Some(next) if it == '\\' && *next != '$' => out.extend(chars.next()),
            _ => out.push(it),
        }
    }
    out
}

/// Commands stay; what is between them has its variables looked up.
fn substitute(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let mut between = String::new();
    let mut rest = text;
    let mut commands = false;
    while let Some(at) = rest.find("$(") {
        let Some(length) = command_length(&rest[at + 1..]) else {
            between.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        };
        let (command, after) = rest[at..].split_at(length + 1);
        if let Some(before) = rest[..at].strip_suffix('\\') {
            between.push_str(before);
            between.push_str(command);
        } else {
            commands = true;
            between.push_str(&rest[..at]);
            out.push_str(&variables(&between, lookup));
            between.clear();
            out.push_str(command);
        }
        rest = after;
    }
    between.push_str(rest);
    out.push_str(&variables(&between, lookup));
    (out, commands)
}

/// Of the command in balanced parentheses, none of them empty, that the text begins with.
pub fn command_length(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut before = ' ';
    for (at, it) in text.char_indices() {
        match it {
            '(' => depth += 1,
            ')' if before == '(' => return None,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (it == ')').then_some(at + 1);
        }
        before = it;
    }
    None
}

/// `$NAME` and `${NAME}` looked up, an unknown one empty; `\$` a dollar sign.
fn variables(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, dollar) = rest.split_at(at);
        if dollar[1..].starts_with('(') {
            out.push_str(&rest[..=at]);
            rest = &dollar[1..];
            continue;
        }
        let inner = dollar[1..].strip_prefix('{').unwrap_or(&dollar[1..]);
        let name = &inner[..inner.find(|it: char| !(it.is_ascii_alphanumeric() || it == '_')).unwrap_or(inner.len())];
        let after = &inner[name.len()..];
        rest = after.strip_prefix('}').unwrap_or(after);
        let whole = &dollar[..dollar.len() - rest.len()];
        if let Some(before) = before.strip_suffix('\\') {
            out.push_str(before);
            out.push_str(whole);
        } else {
            out.push_str(before);
            out.push_str(&if name.is_empty() { whole.to_owned() } else { lookup(name).unwrap_or_default() });
        }
    }
    out.push_str(rest);
    out
}
