//! Where one is: breadcrumb, a server's tabs, the pages of a list.

use askama::Template;

use super::is_html;

/// The way here; the last one is this page and has no link.
#[derive(Clone, Debug, Template)]
#[template(path = "components/crumbs.html")]
pub struct Crumbs {
    pub way: Vec<(String, String)>,
    pub here: String,
}

impl Crumbs {
    pub fn new<const N: usize>(way: [(&str, &str); N], here: impl Into<String>) -> Self {
        Self { way: way.iter().map(|(words, address)| ((*words).to_owned(), (*address).to_owned())).collect(), here: here.into() }
    }

    /// Of a page below this one, which is at `address`.
    pub fn below(mut self, address: &str, here: impl Into<String>) -> Self {
        self.way.push((self.here, address.to_owned()));
        Self { way: self.way, here: here.into() }
    }
}

#[derive(Clone, Debug)]
pub struct Tab {
    pub words: &'static str,
    pub address: String,
    pub is_here: bool,
}

/// The pages of one thing.
#[derive(Clone, Debug, Template)]
#[template(path = "components/tabs.html")]
pub struct Tabs {
    /// Of what: `Server`.
    pub label: &'static str,
    pub tabs: Vec<Tab>,
}

impl Tabs {
    /// `here`: the address of the one that is shown.
    pub fn new(label: &'static str, tabs: impl IntoIterator<Item = (&'static str, String)>, here: &str) -> Self {
        let tabs = tabs.into_iter().map(|(words, address)| Tab { words, is_here: address == here, address }).collect();
        Self { label, tabs }
    }
}

/// The pages of a list: addresses that keep its filters.
#[derive(Clone, Debug, Template)]
#[template(path = "components/pager.html")]
pub struct Pager {
    /// Of the first page, where this is a later one.
    pub first: Option<String>,
    pub next: Option<String>,
}

is_html!(Crumbs, Tabs, Pager);
