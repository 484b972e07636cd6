//! Small marks: icon, status, meter, what can be copied, what there is nothing of, whom to write
//! to, the same by API.

use std::borrow::Cow;
use std::fmt;

use askama::Template;

use super::is_html;

/// Beside a word, never instead of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Check,
    Turn,
    Wait,
    Warn,
    Cross,
    Box,
    Copy,
    Out,
    Dot,
    Key,
    Eye,
}

impl Icon {
    const fn shape(self) -> &'static str {
        match self {
            Self::Check => r#"<path d="M4 12l5 5L20 6"/>"#,
            Self::Turn => r#"<path d="M21 12a9 9 0 1 1-3-6.7"/>"#,
            Self::Wait => r#"<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>"#,
            Self::Warn => r#"<path d="M12 4l9 16H3z"/><path d="M12 10v4M12 17v.01"/>"#,
            Self::Cross => r#"<path d="M6 6l12 12M18 6L6 18"/>"#,
            Self::Box => r#"<path d="M4 8l8-4 8 4v8l-8 4-8-4z"/><path d="M4 8l8 4 8-4M12 12v8"/>"#,
            Self::Copy => r#"<rect x="9" y="9" width="11" height="11" rx="2"/><path d="M5 15V6a2 2 0 0 1 2-2h8"/>"#,
            Self::Out => r#"<path d="M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5"/>"#,
            Self::Dot => r#"<circle cx="12" cy="12" r="3"/>"#,
            Self::Key => r#"<circle cx="8" cy="15" r="4"/><path d="M11 12l9-9M16 7l3 3"/>"#,
            Self::Eye => r#"<path d="M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12z"/><circle cx="12" cy="12" r="3"/>"#,
        }
    }
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<svg class="icon" width="18" height="18" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>"#,
            self.shape()
        )
    }
}

/// How something is: a colour of the stylesheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Well,
    Warn,
    Wrong,
    Wait,
}

impl Tone {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Warn => "warn",
            Self::Wrong => "wrong",
            Self::Wait => "wait",
        }
    }

    pub const fn icon(self) -> Icon {
        match self {
            Self::Well => Icon::Check,
            Self::Warn => Icon::Warn,
            Self::Wrong => Icon::Cross,
            Self::Wait => Icon::Wait,
        }
    }
}

/// Icon, word and colour: never colour alone.
#[derive(Clone, Debug, Template)]
#[template(path = "components/status.html")]
pub struct Status {
    pub tone: Tone,
    pub word: String,
}

impl Status {
    pub fn new(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone, word: word.into() }
    }
}

/// Used of a limit, both in the same unit.
#[derive(Clone, Debug, Template)]
#[template(path = "components/meter.html")]
pub struct Meter {
    pub label: String,
    pub used: u64,
    pub limit: u64,
    /// `12.4 GB of 20 GB`.
    pub words: String,
    /// When it will be full, or why that doesn't matter; may be empty.
    pub hint: String,
}

/// A value to be used elsewhere, with a button that copies it.
#[derive(Clone, Debug, Template)]
#[template(path = "components/copyable.html")]
pub struct Copyable {
    /// What it is: `the record's value`, for who can't see the button.
    pub what: String,
    pub value: String,
}

impl Copyable {
    pub fn new(what: impl Into<String>, value: impl Into<String>) -> Self {
        Self { what: what.into(), value: value.into() }
    }
}

/// Nothing here yet, and what to do about it.
#[derive(Clone, Debug, Template)]
#[template(path = "components/empty.html")]
pub struct Empty {
    pub title: Cow<'static, str>,
    pub sentence: &'static str,
    /// Address and words of the way on.
    pub action: Option<(&'static str, &'static str)>,
}

/// Whom to write to about something that went wrong, and the reference that an operator's search finds it by.
#[derive(Clone, Debug, Template)]
#[template(path = "components/help.html")]
pub struct Help {
    reference: String,
    /// Absent only where the record could not be asked for it yet.
    support: Option<String>,
}

impl Help {
    pub fn new(reference: impl ToString, support: Option<String>) -> Self {
        Self { reference: reference.to_string(), support }
    }
}

/// The API call that does the same, or those that do what can be done here.
#[derive(Clone, Debug, Template)]
#[template(path = "components/by_api.html")]
pub struct ByApi {
    /// Method and path. `{id}` in one is the id of a row: a list above has many.
    calls: Vec<(&'static str, String)>,
}

impl ByApi {
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { calls: vec![(method, path.into())] }
    }

    pub fn and(mut self, method: &'static str, path: impl Into<String>) -> Self {
        self.calls.push((method, path.into()));
        self
    }
}

is_html!(Icon, Status, Meter, Copyable, Empty, Help, ByApi);
