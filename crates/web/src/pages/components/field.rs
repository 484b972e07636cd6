//! A field of a form: label, hint, what was typed, and what is wrong with it.

use askama::Template;

use super::is_html;
use crate::pages::form::Mistakes;

/// What is typed into it: `type`, `autocomplete` and `inputmode` follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A person's own name.
    Name,
    Organisation,
    Email,
    /// The one that signs in, or that is asked for again.
    Password,
    NewPassword,
    /// Good once: of an app, or for recovery.
    Code,
    /// A host name.
    Domain,
    /// An account's name on a server.
    Username,
    Search,
    Number,
}

impl Kind {
    pub const fn input(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password | Self::NewPassword => "password",
            Self::Search => "search",
            Self::Text | Self::Name | Self::Organisation | Self::Code | Self::Domain | Self::Username | Self::Number => "text",
        }
    }

    pub const fn autocomplete(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Organisation => "organization",
            Self::Email => "email",
            Self::Password => "current-password",
            Self::NewPassword => "new-password",
            Self::Code => "one-time-code",
            Self::Text | Self::Domain | Self::Username | Self::Search | Self::Number => "off",
        }
    }

    pub const fn inputmode(self) -> Option<&'static str> {
        match self {
            Self::Domain => Some("url"),
            Self::Number => Some("numeric"),
            Self::Email => Some("email"),
            _ => None,
        }
    }

    const fn keeps_value(self) -> bool {
        !matches!(self, Self::Password | Self::NewPassword | Self::Code)
    }

    /// Nothing that a keyboard should correct.
    pub const fn is_literal(self) -> bool {
        matches!(self, Self::Email | Self::Domain | Self::Username | Self::Password | Self::NewPassword | Self::Code)
    }
}

#[derive(Clone, Debug, Template)]
#[template(path = "components/field.html")]
pub struct Field {
    /// As in the form; the `id` is the same with `.` as `-`.
    name: &'static str,
    id: String,
    label: &'static str,
    kind: Kind,
    hint: String,
    value: String,
    error: Option<String>,
    /// What follows the field on its line: `@birds.example`.
    suffix: String,
    most: Option<u32>,
    is_required: bool,
    /// The label says that it may be left out.
    says_optional: bool,
}

impl Field {
    pub fn new(name: &'static str, label: &'static str, kind: Kind) -> Self {
        Self {
            name,
            id: name.replace('.', "-"),
            label,
            kind,
            hint: String::new(),
            value: String::new(),
            error: None,
            suffix: String::new(),
            most: None,
            is_required: true,
            says_optional: false,
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// What was typed before; passwords are never sent back.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        if self.kind.keeps_value() {
            self.value = value.into();
        }
        self
    }

    /// What is wrong with it, where it has that name among the mistakes.
    pub fn check(self, mistakes: &Mistakes) -> Self {
        let name = self.name;
        self.check_as(name, mistakes)
    }

    /// The same where the API has another name for it.
    pub fn check_as(mut self, name: &str, mistakes: &Mistakes) -> Self {
        self.id = name.replace('.', "-");
        self.error = mistakes.with(name).map(str::to_owned);
        self
    }

    pub fn suffix(mut self, suffix: impl Into<String>) -> Self {
        self.suffix = suffix.into();
        self
    }

    /// At most so many characters.
    pub fn most(mut self, most: u32) -> Self {
        self.most = Some(most);
        self
    }

    pub fn optional(mut self) -> Self {
        self.is_required = false;
        self.says_optional = true;
        self
    }

    /// Needed only with another choice of its form: the server says so.
    pub fn optional_in_form(mut self) -> Self {
        self.is_required = false;
        self
    }

    /// What was typed has to be put right.
    pub const fn is_wrong(&self) -> bool {
        self.error.is_some()
    }

    /// What `aria-describedby` names.
    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.is_some().then(|| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// What is wrong with a form, on top of it, with a link to each field.
#[derive(Clone, Debug, Template)]
#[template(path = "components/summary.html")]
pub struct Summary<'a>(pub &'a Mistakes);

is_html!(Field, Summary<'_>);
