//! Reads variables and gathers every reason to refuse, so that one start names all that is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// An environment. A blank variable counts as absent, as Rails' `presence` has it.
#[derive(Clone, Debug, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    pub fn of_this_process() -> Self {
        Self(std::env::vars().collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.trim().is_empty())
    }

    /// For the few variables where set and empty has a meaning of its own.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

#[cfg(test)]
impl Env {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{name} is not set")]
    Missing { name: String },
    #[error("{name} is malformed: {why}")]
    Malformed { name: String, why: &'static str },
    #[error("{name} still has its placeholder: it must not be used in production")]
    Placeholder { name: String },
    #[error("{name} is no longer supported since Mastodon {since}: remove it")]
    Removed { name: String, since: &'static str },
}

impl Refusal {
    #[cfg(test)]
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name } | Self::Malformed { name, .. } | Self::Placeholder { name } | Self::Removed { name, .. } => name,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct Refusals(pub Vec<Refusal>);

impl std::error::Error for Refusals {}

impl fmt::Display for Refusals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Mastodon will not start with this environment:")?;
        self.0.iter().try_for_each(|refusal| write!(formatter, "\n  {refusal}"))
    }
}

pub struct Reader<'env> {
    pub env: &'env Env,
    refusals: Vec<Refusal>,
}

impl<'env> Reader<'env> {
    pub fn new(env: &'env Env) -> Self {
        Self { env, refusals: Vec::new() }
    }

    pub fn refuse(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }

    pub fn malformed(&mut self, name: &str, why: &'static str) {
        self.refuse(Refusal::Malformed { name: name.to_owned(), why });
    }

    /// The value, or an empty string and a refusal: what is built from it is never handed out.
    pub fn required(&mut self, name: &str) -> String {
        self.env.get(name).map_or_else(
            || {
                self.refuse(Refusal::Missing { name: name.to_owned() });
                String::new()
            },
            str::to_owned,
        )
    }

    /// As `required`, and refused where `well_formed` says no.
    pub fn checked(&mut self, name: &str, why: &'static str, well_formed: impl Fn(&str) -> bool) -> String {
        let value = self.required(name);
        if !value.is_empty() && !well_formed(&value) {
            self.malformed(name, why);
        }
        value
    }

    pub fn number<T: FromStr>(&mut self, name: &str, default: T) -> T {
        match self.env.get(name).map(str::parse) {
            None => default,
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                self.malformed(name, "a whole number is wanted");
                default
            }
        }
    }

    pub fn finish(self) -> Result<(), Refusals> {
        if self.refusals.is_empty() { Ok(()) } else { Err(Refusals(self.refusals)) }
    }
}
