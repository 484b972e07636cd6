//! A person without a mouse: everything is reached by the tabulator, in the order in which it comes, and is seen to be reached.

use anyhow::{Result, bail, ensure};

use crate::browser::Browser;

/// WebDriver's names of keys.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const DOWN: &str = "\u{e015}";
/// More stops than any page of ours has.
const FAR: usize = 120;

pub struct Keyboard<'a>(pub &'a Browser);

impl Keyboard<'_> {
    /// On to what a screen reader calls so: its role (`link`, `button`, `textbox` …), and how its name begins.
    pub async fn tab_to(&self, role: &str, name: &str) -> Result<()> {
        let session = &self.0.session;
        let mut passed = Vec::new();
        for _ in 0..FAR {
            session.press_keys(TAB).await?;
            let here = session.focused().await?;
            let (its_role, its_name) = (session.role(&here).await?, session.label(&here).await?);
            if its_role == role && its_name.starts_with(name) {
                return self.is_marked(name).await;
            }
            passed.push(format!("{its_role} “{its_name}”"));
        }
        passed.dedup();
        bail!("the keys never come to the {role} “{name}”; they passed {}", passed.join(", "))
    }

    /// The focus is seen.
    async fn is_marked(&self, name: &str) -> Result<()> {
        let session = &self.0.session;
        let here = session.focused().await?;
        let is_drawn = session.style(&here, "outline-style").await? != "none" || session.style(&here, "box-shadow").await? != "none";
        ensure!(is_drawn, "nobody sees that “{name}” has the focus");
        Ok(())
    }

    pub async fn write(&self, role: &str, name: &str, what: &str) -> Result<()> {
        self.tab_to(role, name).await?;
        self.0.session.press_keys(what).await
    }

    pub async fn enter(&self) -> Result<()> {
        self.0.session.press_keys(ENTER).await
    }

    /// On in a group of choices, or in a list.
    pub async fn down(&self) -> Result<()> {
        self.0.session.press_keys(DOWN).await
    }

    pub async fn press(&self, name: &str) -> Result<()> {
        self.tab_to("button", name).await?;
        self.enter().await
    }

    pub async fn follow(&self, name: &str) -> Result<()> {
        self.tab_to("link", name).await?;
        self.enter().await
    }
}
