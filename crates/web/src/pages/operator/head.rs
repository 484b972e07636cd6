//! What stands above every page of operators: the way here, as the menu and the tabs call it.

use howdah_app::App;

use super::{FLEET, billing, jobs, mails, money, operations, places, settings, sign_ups};
use crate::pages::components::{Crumbs, Tabs};
use crate::pages::loss::Back;

/// The money's are there where something is paid for.
fn all(app: &App) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![("Fleet", FLEET), ("Operations", operations::HERE), ("Jobs", jobs::HERE)];
    if app.billing.is_some() {
        all.extend([("Money", money::HERE), ("Billing", billing::HERE)]);
    }
    all.extend([("Sign-ups", sign_ups::HERE), ("Places", places::HERE), ("Settings", settings::HERE), ("Mails", mails::HERE)]);
    all
}

pub fn tabs(app: &App, here: &str) -> Tabs {
    Tabs::new("Operator", all(app).into_iter().map(|(words, address)| (words, address.to_owned())), here)
}

pub struct Head {
    pub crumbs: Crumbs,
    pub tabs: Tabs,
}

impl Head {
    /// Of a tab's own page.
    pub fn of(app: &App, tab: &str) -> Self {
        let words = all(app).iter().find(|(_, address)| *address == tab).map_or("", |(words, _)| *words);
        Self { crumbs: Crumbs::new([("Operator", FLEET)], words), tabs: tabs(app, tab) }
    }

    /// Of a page below this one, which is at `address`.
    pub fn below(self, address: &str, here: impl Into<String>) -> Self {
        Self { crumbs: self.crumbs.below(address, here), tabs: self.tabs }
    }

    /// From a page that names a loss to this one, which led to it.
    pub fn back(self, address: &str) -> Back {
        let Self { crumbs, tabs } = self;
        Back { title: format!("{} · Operator", crumbs.here), crumbs, tabs, address: address.to_owned() }
    }
}
