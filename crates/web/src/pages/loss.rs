//! What one click would lose is named first: what goes, what stays, and whether there is a way back. One page for all of it; its form
//! is posted to the page's own address.

use askama::Template;

use super::components::{ByApi, Crumbs, Tabs};
use super::frame::{Answer, Frame};

pub struct Loss {
    /// With the name of what would go: `Revoke the API token “backups”?`
    pub question: String,
    pub goes: String,
    pub stays: &'static str,
    pub way_back: &'static str,
    /// On the button that does it.
    pub act: &'static str,
    /// And on the one that doesn't.
    pub keep: &'static str,
    /// The server's when the page was made, where what would go depends on it.
    pub revision: Option<i64>,
    pub by_api: Option<ByApi>,
}

/// The page that leads here, and to which whoever keeps it goes back.
pub struct Back {
    /// `API tokens · Account`.
    pub title: String,
    pub crumbs: Crumbs,
    pub tabs: Tabs,
    pub address: String,
}

#[derive(Template)]
#[template(path = "loss.html")]
struct LossPage<'a> {
    frame: &'a Frame,
    loss: Loss,
    title: String,
    crumbs: Crumbs,
    tabs: Tabs,
    address: String,
}

impl Loss {
    pub fn page(self, frame: &Frame, back: Back) -> Answer {
        let Back { title, crumbs, tabs, address } = back;
        let crumbs = crumbs.below(&address, self.act);
        frame.page(&LossPage { frame, loss: self, title, crumbs, tabs, address })
    }
}
