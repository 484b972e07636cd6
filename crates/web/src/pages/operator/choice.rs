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
    /// `chosen`: as it stood in the URL; a value that is none of the options chooses the first.
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

    /// A value that is none of the options filters too: it is one, as what it is.
    pub fn or_unknown(mut self) -> Self {
        if !self.chosen.is_empty() && self.options.iter().all(|(value, _)| *value != self.chosen) {
            let shown: String = self.chosen.chars().take(63).collect();
            self.options.push((self.chosen.clone(), format!("{shown} (unknown)")));
        }
        self
    }
}

is_html!(Choice);
