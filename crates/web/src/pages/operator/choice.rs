//! One filter of a list: a label and what can be chosen.

use askama::Template;

use crate::pages::components::is_html;

#[derive(Clone, Debug, Template)]
#[template(path = "operator/choice.html")]
pub struct Choice {
    name: &'static str,
    label: &'static str,
    /// Value and words.
    options: Vec<(String, String)>,
    chosen: String,
}

impl Choice {
    /// `chosen`: as it stood in the address; a value that is none of the options chooses the first.
    pub fn new(
        name: &'static str,
        label: &'static str,
        options: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
        chosen: &str,
    ) -> Self {
        let options = options.into_iter().map(|(value, words)| (value.into(), words.into())).collect();
        Self { name, label, options, chosen: chosen.to_owned() }
    }

    /// The same, after the choice that filters nothing.
    pub fn or_all(mut self, words: &str) -> Self {
        self.options.insert(0, (String::new(), words.to_owned()));
        self
    }
}

is_html!(Choice);
