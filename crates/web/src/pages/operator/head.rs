//! What stands above every page of operators: the way here, as the menu and the tabs call it.

use super::{FLEET, jobs, mails, operations, places, settings, sign_ups};
use crate::pages::components::Tabs;
use crate::pages::loss::Back;

const TABS: [(&str, &str); 7] = [
    ("Fleet", FLEET),
    ("Operations", operations::HERE),
    ("Jobs", jobs::HERE),
    ("Sign-ups", sign_ups::HERE),
    ("Places", places::HERE),
    ("Settings", settings::HERE),
    ("Mails", mails::HERE),
];

pub fn tabs(here: &str) -> Tabs {
    Tabs::new("Operator", TABS.map(|(words, address)| (words, address.to_owned())), here)
}

/// From the menu's entry to a tab, and further below it.
fn way(tab: &str, further: &[(&str, &str)]) -> Vec<(String, String)> {
    let tab = TABS.iter().filter(|(_, address)| *address == tab);
    [("Operator", FLEET)].iter().chain(tab).chain(further).map(|(words, address)| ((*words).to_owned(), (*address).to_owned())).collect()
}

/// From a page that names a loss to the one that led to it: a tab, or what is below it.
pub fn back(tab: &str, further: &[(&str, &str)]) -> Back {
    let way = way(tab, further);
    let (words, address) = way.last().cloned().unwrap_or_default();
    Back { title: format!("{words} · Operator"), way, tabs: tabs(tab), address }
}
